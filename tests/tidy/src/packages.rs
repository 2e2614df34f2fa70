//! Packages as `cargo metadata` describes them.

use serde_json::Value;

/// When a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Normal,
    Dev,
    Build,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The package's own name, whatever it is renamed to.
    pub name: String,
    pub need: Need,
    /// Whether it lies in this tree.
    pub ours: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    /// Relative to the root; empty for the root package and for packages outside the tree.
    pub folder: String,
    pub licence: Option<String>,
    /// Whether it is a member of the workspace.
    pub ours: bool,
    pub dependencies: Vec<Dependency>,
}

impl Package {
    /// Packages of tests may use what they like.
    pub fn is_of_tests(&self) -> bool {
        self.folder.starts_with("tests/")
    }
}

/// Reads the output of `cargo metadata --format-version 1`.
pub fn read(metadata: &str) -> Result<Vec<Package>, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let root = format!("{}/", text(&metadata, "workspace_root")?);
    let packages = metadata.get("packages").and_then(Value::as_array).ok_or("no packages")?;
    packages.iter().map(|package| read_package(package, &root)).collect()
}

fn read_package(package: &Value, root: &str) -> Result<Package, String> {
    let manifest = text(package, "manifest_path")?;
    let folder = manifest.strip_prefix(root).and_then(|path| path.rsplit_once('/'));
    let dependencies = package.get("dependencies").and_then(Value::as_array);
    Ok(Package {
        name: text(package, "name")?,
        folder: folder.map_or("", |(folder, _)| folder).to_owned(),
        licence: text(package, "license").ok(),
        ours: package.get("source").is_none_or(Value::is_null),
        dependencies: dependencies
            .into_iter()
            .flatten()
            .map(read_dependency)
            .collect::<Result<_, String>>()?,
    })
}

fn read_dependency(dependency: &Value) -> Result<Dependency, String> {
    Ok(Dependency {
        name: text(dependency, "name")?,
        need: match dependency.get("kind").and_then(Value::as_str) {
            None => Need::Normal,
            Some("dev") => Need::Dev,
            Some("build") => Need::Build,
            Some(other) => return Err(format!("unknown kind of dependency {other:?}")),
        },
        ours: dependency.get("path").is_some_and(Value::is_string),
    })
}

fn text(value: &Value, key: &str) -> Result<String, String> {
    let text = value.get(key).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("no text {key:?}"))
}

#[cfg(test)]
mod tests;
