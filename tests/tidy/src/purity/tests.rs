//! Tests of what a pure crate may say.

use super::{imports_from_std, violations, without_comment};
use crate::{document::words, files::File, packages::Package};

fn pure() -> Package {
    Package {
        name: "core".into(),
        folder: "a/core".into(),
        licence: None,
        ours: true,
        dependencies: vec![],
    }
}

fn found(path: &str, content: &str) -> Vec<String> {
    violations(&words("core"), &[pure()], &[File { path, content }])
}

#[test]
fn each_mention_is_found() {
    for (content, word) in [
        ("use tokio::sync;", "tokio"),
        ("let now = std::time::SystemTime::now();", "SystemTime::now"),
        ("let now = Instant::now();", "Instant::now"),
        ("std::fs::read(path)", "std::fs"),
        ("use std::{collections::BTreeMap, fs, io};", "std::fs"),
        ("use std::{\n    fs::File,\n};", "std::fs"),
    ] {
        let found = found("a/core/src/x.rs", content);
        assert_eq!(found.len(), 1, "{content}");
        assert!(found[0].contains(word), "{found:?}");
    }
}

#[test]
fn comments_tests_and_longer_names_are_free() {
    for (path, content) in [
        ("a/core/src/x.rs", "//! There is no tokio here.\n"),
        ("a/core/src/x.rs", "let a = 1; // not Instant::now\n"),
        ("a/core/src/x.rs", "let tokio_like = 1;\n"),
        ("a/core/src/x.rs", "use std::{collections::{fs_like, b}, fmt};\n"),
        ("a/core/src/x/tests.rs", "Instant::now()"),
        ("a/core/src/tests/y.rs", "Instant::now()"),
        ("a/core/examples/x.rs", "Instant::now()"),
        ("a/core2/src/x.rs", "use tokio;"),
        ("a/core/src/x.toml", "tokio"),
    ] {
        assert_eq!(found(path, content), Vec::<String>::new(), "{path}: {content}");
    }
}

#[test]
fn an_address_is_no_comment() {
    assert_eq!(without_comment("get(\"http://x\"); tokio() // y"), "get(\"http://x\"); tokio() ");
}

#[test]
fn a_crate_that_does_not_exist_is_found() {
    assert_eq!(
        violations(&words("ghost"), &[pure()], &[]),
        ["ghost: is in the block pure but is no workspace crate"]
    );
}

#[test]
fn nested_imports_are_told_apart() {
    assert!(imports_from_std("use std::{a::{b, c}, fs};", "fs"));
    assert!(!imports_from_std("use std::{a::{b, fs}, c};", "fs"));
    assert!(!imports_from_std("use std::{a};\nlet fs = 1;", "fs"));
}
