//! How a manifest is written: one place for lints, one place for versions.

use toml::{Table, Value};

const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Violations in the manifest of one crate.
pub fn violations(path: &str, manifest: &str) -> Vec<String> {
    let manifest: Table = match manifest.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![format!("{path}: {error}")],
    };
    let mut wrong = Vec::new();
    if !is_inherited(manifest.get("lints")) {
        wrong.push(format!("{path}: needs `[lints] workspace = true`"));
    }
    check_dependencies(path, &manifest, &mut wrong);
    let targets = manifest.get("target").and_then(Value::as_table);
    for target in targets.into_iter().flat_map(Table::values).filter_map(Value::as_table) {
        check_dependencies(path, target, &mut wrong);
    }
    wrong
}

fn check_dependencies(path: &str, manifest: &Table, wrong: &mut Vec<String>) {
    for kind in DEPENDENCIES {
        let dependencies = manifest.get(kind).and_then(Value::as_table);
        for (name, dependency) in dependencies.into_iter().flatten() {
            if !is_inherited(Some(dependency)) {
                wrong.push(format!("{path}: {name} needs `workspace = true`"));
            }
        }
    }
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests;
