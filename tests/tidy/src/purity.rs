//! Pure crates: no async runtime, no clock, no files.

use std::collections::BTreeSet;

use crate::{files::File, packages::Package};

/// What a pure crate's source must not mention, and what stands there instead.
const FORBIDDEN: [(&str, &str); 4] = [
    ("tokio", "a shell runs it"),
    ("SystemTime::now", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("std::fs", "files are arguments, or go through `disk`"),
];

/// Mentions of what is forbidden in the sources of pure crates, tests and examples aside.
pub fn violations(
    pure: &BTreeSet<String>,
    packages: &[Package],
    files: &[File<'_>],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in pure {
        let Some(package) = packages.iter().find(|package| package.ours && package.name == *name)
        else {
            wrong.push(format!("{name}: is in the block pure but is no workspace crate"));
            continue;
        };
        let folder = format!("{}/src/", package.folder);
        let sources = files.iter().filter(|file| {
            file.path.starts_with(&folder) && file.path.ends_with(".rs") && !is_test(file.path)
        });
        for file in sources {
            wrong.extend(mentions(file));
        }
    }
    wrong
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs"))
}

fn mentions(file: &File<'_>) -> Vec<String> {
    let code: String =
        file.content.lines().map(|line| format!("{}\n", without_comment(line))).collect();
    let mut found: Vec<String> = FORBIDDEN
        .iter()
        .filter(|(word, _)| contains_path(&code, word))
        .map(|(word, instead)| format!("{}: mentions {word}, but {instead}", file.path))
        .collect();
    if !contains_path(&code, "std::fs") && imports_from_std(&code, "fs") {
        found.push(format!("{}: imports std::fs, but files are arguments", file.path));
    }
    found
}

/// A line up to its comment. Two slashes after a colon are part of an address in a string.
fn without_comment(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .map(|(at, _)| at)
        .find(|at| !line.get(..*at).is_some_and(|before| before.ends_with(':')));
    comment.and_then(|at| line.get(..at)).unwrap_or(line)
}

/// Whether the word stands there as a whole, not as a part of a longer name.
fn contains_path(code: &str, word: &str) -> bool {
    let is_name = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        let after = code.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// Whether `use std::{…}` brings in a module.
fn imports_from_std(code: &str, module: &str) -> bool {
    code.split("use std::{").skip(1).any(|import| {
        let mut depth = 0;
        let mut part = String::new();
        let mut parts = Vec::new();
        for char in import.chars() {
            match char {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
                _ if depth == 0 => part.push(char),
                _ => {}
            }
        }
        parts.push(part);
        parts.iter().any(|part| part.trim().split([':', ' ']).next() == Some(module))
    })
}

#[cfg(test)]
mod tests;
