//! Tests that each wall holds.

use super::{strays, unlisted_crates, unlisted_externals, wrong_edges};
use crate::{
    document::{map, words},
    packages::{Dependency, Need, Package},
};

/// `name folder: dependency…`; a dependency is `+ours`, `theirs` or `~theirs for tests`.
fn packages(lines: &[&str]) -> Vec<Package> {
    let package = |line: &&str| {
        let (head, dependencies) = line.split_once(':').expect("has a colon");
        let (name, folder) = head.split_once(' ').expect("has a folder");
        let dependency = |word: &str| Dependency {
            name: word.trim_start_matches(['+', '~']).to_owned(),
            need: if word.contains('~') { Need::Dev } else { Need::Normal },
            ours: word.starts_with('+'),
        };
        Package {
            name: name.to_owned(),
            folder: folder.to_owned(),
            licence: None,
            ours: folder != "-",
            dependencies: dependencies.split_whitespace().map(dependency).collect(),
        }
    };
    lines.iter().map(package).collect()
}

#[test]
fn a_wrong_edge_is_found() {
    let layers = map("a:\nb: a\nt:").expect("is a map");
    let fine = packages(&["a x/a: serde", "b x/b: +a", "t tests/t: +a +b"]);
    assert!(wrong_edges(&layers, &fine).is_empty());
    let wrong = packages(&["a x/a: +b", "b x/b: +a"]);
    assert_eq!(wrong_edges(&layers, &wrong), ["a: must not use b"]);
    let for_tests = packages(&["a x/a: +~b"]);
    assert!(wrong_edges(&layers, &for_tests).is_empty());
}

#[test]
fn an_unlisted_crate_is_found_and_so_is_a_ghost() {
    let layers = map("a: ghost\nb:").expect("is a map");
    let all = packages(&["a x/a:", "new tests/new:", "serde -:"]);
    assert_eq!(
        unlisted_crates(&layers, &all),
        [
            "b: is in the block layers but is no workspace crate",
            "ghost: is in the block layers but is no workspace crate",
            "new: is not in the block layers",
        ]
    );
}

#[test]
fn a_confined_crate_that_strayed_is_found() {
    let confined = map("tokio: a").expect("is a map");
    let all = packages(&["a x/a: tokio", "b x/b: tokio", "c x/c: ~tokio", "t tests/t: tokio"]);
    assert_eq!(strays(&confined, &all), ["b: must not use tokio"]);
    let ghost = map("tokio: a z").expect("is a map");
    assert_eq!(
        strays(&ghost, &packages(&["a x/a: tokio"])),
        ["tokio: confined to z, which is no workspace crate"]
    );
}

#[test]
fn an_unlisted_external_crate_is_found_in_any_crate() {
    let external = words("serde proptest");
    let all = packages(&["a x/a: serde ~proptest +b", "t tests/t: rand", "b x/b: ~expect"]);
    assert_eq!(
        unlisted_externals(&external, &all),
        ["b: expect is not in the block external", "t: rand is not in the block external"]
    );
}
