//! Tests of matching, above all of anchoring.

use super::{MatchOp, Matcher};

fn check(op: MatchOp, pattern: &str, value: &str, expect: bool) {
    let matcher = Matcher::new("a", op, pattern).expect("is valid");
    assert_eq!(matcher.matches(value), expect, "{matcher} on {value:?}");
}

#[test]
fn regular_expressions_are_anchored() {
    check(MatchOp::Regex, "b", "abc", false);
    check(MatchOp::Regex, ".*b.*", "abc", true);
    check(MatchOp::Regex, "a|b", "ab", false);
    check(MatchOp::Regex, "a|b", "b", true);
    check(MatchOp::NotRegex, "a|b", "ab", true);
}

#[test]
fn a_dot_matches_a_line_feed() {
    check(MatchOp::Regex, "a.b", "a\nb", true);
}

#[test]
fn empty_is_a_value() {
    check(MatchOp::Equal, "", "", true);
    check(MatchOp::Regex, ".*", "", true);
    check(MatchOp::Regex, ".+", "", false);
    check(MatchOp::NotEqual, "", "x", true);
}

#[test]
fn patterns_that_break_out_or_explode_are_refused() {
    for pattern in ["a)(b", "(", "[", "(?x", "((a{100}){100}){100}"] {
        assert!(Matcher::new("a", MatchOp::Regex, pattern).is_err(), "{pattern}");
    }
}
