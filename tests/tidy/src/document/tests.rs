//! Tests of reading blocks.

use super::{block, map, words};

const DOCUMENT: &str = "# A\n```pure\na b\n c\n```\ntext\n```layers\na:\nb: a\n\n```\n";

#[test]
fn blocks_are_found_by_label() {
    assert_eq!(words(block(DOCUMENT, "pure").expect("is there")).len(), 3);
    let layers = map(block(DOCUMENT, "layers").expect("is there")).expect("is a map");
    assert_eq!(layers.len(), 2);
    assert!(layers["a"].is_empty() && layers["b"].contains("a"));
}

#[test]
fn a_block_that_is_absent_double_or_open_is_an_error() {
    assert!(block(DOCUMENT, "confined").is_err());
    assert!(block("```x\n```\n```x\n```\n", "x").is_err());
    assert!(block("```x\na", "x").is_err());
}

#[test]
fn a_line_that_is_no_entry_is_an_error() {
    assert!(map("a b").is_err());
    assert!(map("a: b\na: c").is_err());
}
