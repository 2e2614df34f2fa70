//! Tests that each rule on files fires.

use super::{File, second_clippy_configurations, strangers_at_the_top, too_long, undocumented};

fn file<'a>(path: &'a str, content: &'a str) -> File<'a> {
    File { path, content }
}

#[test]
fn a_long_source_is_found_unless_a_tool_wrote_it() {
    let long = "x\n".repeat(501);
    let generated = format!("// @generated\n{long}");
    let just = "x\n".repeat(500);
    let files = [
        file("a/b.rs", &long),
        file("a/page.tsx", &long),
        file("a/c.rs", &just),
        file("a/d.rs", &generated),
        file("web/dist/app.js", &long),
        file("Cargo.lock", &long),
        file("data.json", &long),
    ];
    assert_eq!(
        too_long(&files),
        ["a/b.rs: 501 lines, at most 500", "a/page.tsx: 501 lines, at most 500"]
    );
}

#[test]
fn a_rust_file_without_an_introduction_is_found() {
    let files = [
        file("a.rs", "//! Says what it is.\n"),
        file("b.rs", "// Says it wrong.\n"),
        file("c.rs", "\n//! Too late.\n"),
        file("d.md", "# Not Rust\n"),
    ];
    assert_eq!(
        undocumented(&files),
        [
            "b.rs: the first line must be a `//!` sentence",
            "c.rs: the first line must be a `//!` sentence"
        ]
    );
}

#[test]
fn a_second_clippy_configuration_is_found() {
    let files = [
        file(".clippy.toml", ""),
        file("clippy.toml", ""),
        file("a/.clippy.toml", ""),
        file("a/not-clippy.toml", ""),
    ];
    assert_eq!(
        second_clippy_configurations(&files),
        [
            "clippy.toml: would replace the one at the top whole",
            "a/.clippy.toml: would replace the one at the top whole"
        ]
    );
}

#[test]
fn a_stranger_at_the_top_is_found() {
    let files = [
        file("src/main.rs", ""),
        file("tests/run", ""),
        file(".ci/run", ""),
        file("utils/a.rs", ""),
        file("utils/b.rs", ""),
        file("TODO", ""),
    ];
    assert_eq!(
        strangers_at_the_top(&files),
        ["TODO: has no place at the top", "utils: has no place at the top"]
    );
}
