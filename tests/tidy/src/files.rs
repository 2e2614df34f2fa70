//! What files there may be, how long, and how they begin.

use std::collections::BTreeSet;

/// Lines in one source file.
pub const LINES_MAX: usize = 500;

/// Everything but dotfiles that may stand at the top.
const TOP_LEVEL: [&str; 13] = [
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "agent",
    "aggregator",
    "alerting",
    "dashboards",
    "docs",
    "src",
    "tests",
];

/// Sources whose length is limited.
const SOURCES: [&str; 9] = ["rs", "ts", "tsx", "js", "jsx", "mjs", "css", "sh", "py"];

/// A file of the tree.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Relative to the root.
    pub path: &'a str,
    pub content: &'a str,
}

impl File<'_> {
    fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Whether a tool wrote it: it says so in its first lines, or it lies among built assets.
    fn is_generated(&self) -> bool {
        self.path.split('/').any(|part| part == "dist")
            || self.content.lines().take(5).any(|line| line.contains("@generated"))
    }
}

/// Source files that are too long.
pub fn too_long(files: &[File<'_>]) -> Vec<String> {
    files
        .iter()
        .filter(|file| SOURCES.contains(&file.extension()) && !file.is_generated())
        .map(|file| (file, file.content.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| format!("{}: {lines} lines, at most {LINES_MAX}", file.path))
        .collect()
}

/// Rust files that do not say what they are.
pub fn undocumented(files: &[File<'_>]) -> Vec<String> {
    files
        .iter()
        .filter(|file| file.extension() == "rs" && !file.content.starts_with("//! "))
        .map(|file| format!("{}: the first line must be a `//!` sentence", file.path))
        .collect()
}

/// Clippy configurations beside the one at the top, which they would replace whole.
pub fn second_clippy_configurations(files: &[File<'_>]) -> Vec<String> {
    files
        .iter()
        .filter(|file| {
            let name = file.path.rsplit('/').next().unwrap_or("");
            matches!(name, "clippy.toml" | ".clippy.toml") && file.path != ".clippy.toml"
        })
        .map(|file| format!("{}: would replace the one at the top whole", file.path))
        .collect()
}

/// Entries of the top level that have no place there.
pub fn strangers_at_the_top(files: &[File<'_>]) -> Vec<String> {
    let entries: BTreeSet<&str> =
        files.iter().filter_map(|file| file.path.split('/').next()).collect();
    entries
        .into_iter()
        .filter(|entry| !entry.starts_with('.') && !TOP_LEVEL.contains(entry))
        .map(|entry| format!("{entry}: has no place at the top"))
        .collect()
}

#[cfg(test)]
mod tests;
