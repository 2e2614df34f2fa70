//! Tests of replacing.

use proptest::prelude::*;
use regex::Regex;

use super::all;

const PATTERNS: [&str; 7] = ["a", "", "(a)(?<x>b)?", "(?<x_1>.)b", "[ab]+", "\\b", "z"];

const PIECES: [&str; 12] =
    ["$", "$$", "$0", "$1", "$9", "$x", "${x}", "${x_1}b", "${", "}", "$1x", "é"];

#[test]
fn it_ends_at_the_limit() {
    let pattern = Regex::new("a*").expect("is a pattern");
    let text = "a".repeat(100_000);
    assert_eq!(all(&pattern, &text, &"$0".repeat(50_000), 1000).len(), 1001);
    let one = Regex::new("a").expect("is a pattern");
    assert_eq!(all(&one, &text, &text, 1000).len(), 1001);
    assert_eq!(all(&one, &text, "b", 200_000).len(), 100_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_what_the_library_gives(
        pattern in 0..PATTERNS.len(),
        text in "[abé]{0,12}",
        places in prop::collection::vec(0..PIECES.len(), 0..6),
        most in 0..40_usize,
    ) {
        let pattern = Regex::new(PATTERNS[pattern]).expect("is a pattern");
        let replacement: String = places.iter().map(|place| PIECES[*place]).collect();
        let wanted = pattern.replace_all(&text, replacement.as_str());
        prop_assert_eq!(all(&pattern, &text, &replacement, usize::MAX), wanted.as_ref());
        let bounded = all(&pattern, &text, &replacement, most);
        prop_assert!(wanted.starts_with(&bounded));
        prop_assert!(bounded.len() >= wanted.len().min(most + 1) && bounded.len() <= most + 4);
    }
}
