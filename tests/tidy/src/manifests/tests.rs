//! Tests of manifests.

use super::violations;

#[test]
fn a_manifest_that_inherits_is_fine() {
    let manifest = "[dependencies]\na.workspace = true\nb = { workspace = true, optional = true }\n\
                    [lints]\nworkspace = true\n";
    assert!(violations("x", manifest).is_empty());
}

#[test]
fn versions_paths_and_missing_lints_are_found() {
    let manifest = "[dependencies]\na = \"1\"\n[dev-dependencies]\nb = { path = \"../b\" }\n\
                    [build-dependencies]\nc = { workspace = false }\n\
                    [target.'cfg(unix)'.dependencies]\nd = { version = \"1\" }\n";
    assert_eq!(
        violations("x/Cargo.toml", manifest),
        [
            "x/Cargo.toml: needs `[lints] workspace = true`",
            "x/Cargo.toml: a needs `workspace = true`",
            "x/Cargo.toml: b needs `workspace = true`",
            "x/Cargo.toml: c needs `workspace = true`",
            "x/Cargo.toml: d needs `workspace = true`",
        ]
    );
}

/// The versions in the root manifest are not dependencies of the root package.
#[test]
fn the_table_of_versions_is_left_alone() {
    let manifest = "[lints]\nworkspace = true\n[workspace.dependencies]\na = \"1\"\n";
    assert!(violations("Cargo.toml", manifest).is_empty());
}

#[test]
fn what_is_no_manifest_is_a_violation() {
    assert_eq!(violations("x", "[").len(), 1);
}
