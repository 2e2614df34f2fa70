//! Tests of reading metadata.

use super::{Dependency, Need, Package, read};

#[test]
fn packages_and_their_dependencies_are_read() {
    let metadata = r#"{"workspace_root": "/w", "packages": [
        {"name": "a", "manifest_path": "/w/x/a/Cargo.toml", "license": null, "source": null,
         "dependencies": [
            {"name": "b", "kind": null, "path": "/w/b", "source": null},
            {"name": "c", "kind": "dev", "source": "registry"}]},
        {"name": "c", "manifest_path": "/home/c/Cargo.toml", "license": "MIT",
         "source": "registry", "dependencies": []}]}"#;
    let dependency = |name: &str, need, ours| Dependency { name: name.to_owned(), need, ours };
    assert_eq!(
        read(metadata).expect("is metadata"),
        [
            Package {
                name: "a".into(),
                folder: "x/a".into(),
                licence: None,
                ours: true,
                dependencies: vec![
                    dependency("b", Need::Normal, true),
                    dependency("c", Need::Dev, false)
                ],
            },
            Package {
                name: "c".into(),
                folder: String::new(),
                licence: Some("MIT".into()),
                ours: false,
                dependencies: vec![],
            },
        ]
    );
    assert!(read("{}").is_err());
    assert!(read("nonsense").is_err());
}
