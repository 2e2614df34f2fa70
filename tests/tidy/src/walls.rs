//! Who may use whom.

use std::collections::BTreeSet;

use crate::{
    document::Map,
    packages::{Need, Package},
};

/// Every workspace crate is on the map, and every crate on the map exists.
pub fn unlisted_crates(layers: &Map, packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().filter(|p| p.ours).map(|p| &*p.name).collect();
    let unlisted = ours
        .iter()
        .filter(|name| !layers.contains_key(**name))
        .map(|name| format!("{name}: is not in the block layers"));
    let used = layers.values().flatten();
    let strangers = layers
        .keys()
        .chain(used)
        .filter(|name| !ours.contains(name.as_str()))
        .map(|name| format!("{name}: is in the block layers but is no workspace crate"));
    let all: BTreeSet<String> = unlisted.chain(strangers).collect();
    all.into_iter().collect()
}

/// A crate uses only the workspace crates on its line. Crates of tests are free, and so are
/// dependencies of tests.
pub fn wrong_edges(layers: &Map, packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages.iter().filter(|package| package.ours && !package.is_of_tests()) {
        let Some(allowed) = layers.get(&package.name) else { continue };
        for dependency in &package.dependencies {
            if dependency.ours
                && dependency.need != Need::Dev
                && !allowed.contains(&dependency.name)
            {
                wrong.push(format!("{}: must not use {}", package.name, dependency.name));
            }
        }
    }
    wrong
}

/// A confined crate is used only by those on its line. Crates of tests are free.
pub fn strays(confined: &Map, packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages.iter().filter(|package| package.ours && !package.is_of_tests()) {
        for dependency in package.dependencies.iter().filter(|d| d.need != Need::Dev) {
            if confined.get(&dependency.name).is_some_and(|users| !users.contains(&package.name)) {
                wrong.push(format!("{}: must not use {}", package.name, dependency.name));
            }
        }
    }
    let ours: BTreeSet<&str> = packages.iter().filter(|p| p.ours).map(|p| &*p.name).collect();
    for (name, users) in confined {
        for user in users.iter().filter(|user| !ours.contains(user.as_str())) {
            wrong.push(format!("{name}: confined to {user}, which is no workspace crate"));
        }
    }
    wrong
}

/// Whatever a manifest names from outside is on the list, for whichever need.
pub fn unlisted_externals(external: &BTreeSet<String>, packages: &[Package]) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    for package in packages.iter().filter(|package| package.ours) {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.ours) {
            if !external.contains(&dependency.name) {
                wrong.insert(format!(
                    "{}: {} is not in the block external",
                    package.name, dependency.name
                ));
            }
        }
    }
    wrong.into_iter().collect()
}

#[cfg(test)]
mod tests;
