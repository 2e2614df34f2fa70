//! The fenced blocks of `ARCHITECTURE.md` that machines read.
//!
//! ```text
//! layers      crate: workspace crates it may use
//! confined    external crate: the only crates that may use it
//! pure        crates without tokio, clock and I/O
//! external    every external crate that a manifest may name
//! ```

use std::collections::{BTreeMap, BTreeSet};

/// Names, and for each the names beside it.
pub type Map = BTreeMap<String, BTreeSet<String>>;

/// What stands between the fence that opens with `label` and the next fence.
pub fn block<'a>(document: &'a str, label: &str) -> Result<&'a str, String> {
    let opening = format!("```{label}\n");
    let mut parts = document.split(&opening);
    let (_, Some(rest), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("there must be exactly one block {label}"));
    };
    match rest.split_once("```") {
        Some((content, _)) => Ok(content),
        None => Err(format!("the block {label} is not closed")),
    }
}

/// Lines of the form `name: word word`.
pub fn map(block: &str) -> Result<Map, String> {
    let mut map = Map::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        let (name, words) =
            line.split_once(':').ok_or_else(|| format!("{line:?} is not `name: word …`"))?;
        let words = words.split_whitespace().map(str::to_owned).collect();
        if map.insert(name.trim().to_owned(), words).is_some() {
            return Err(format!("{name} is listed twice"));
        }
    }
    Ok(map)
}

pub fn words(block: &str) -> BTreeSet<String> {
    block.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
