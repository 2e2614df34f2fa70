//! What a character means depends on where it stands.

use proptest::prelude::*;

use super::{
    token::{Keyword, Kind},
    tokens,
};
use crate::ast::{AggregateOp, BinaryOp};

/// Kinds of the tokens, without the one at the end.
fn kinds(query: &str) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = tokens(query).into_iter().map(|token| token.kind).collect();
    assert_eq!(kinds.pop(), Some(Kind::End), "{query}");
    kinds
}

/// The message of the token at the end, with its place.
fn error(query: &str) -> (String, u32) {
    match tokens(query).pop() {
        Some(token) => match token.kind {
            Kind::Error(message) => (message, token.span.start),
            kind => panic!("{query} ends in {kind:?}"),
        },
        None => panic!("no tokens"),
    }
}

#[test]
fn words_are_keywords_in_any_case() {
    let expected = [
        Kind::Aggregate(AggregateOp::Sum),
        Kind::Keyword(Keyword::By),
        Kind::Op(BinaryOp::Unless),
        Kind::Number,
        Kind::Number,
        Kind::Identifier,
        Kind::MetricIdentifier,
    ];
    assert_eq!(kinds("SUM By unLESS nAn INF summ a:b"), expected);
}

#[test]
fn words_in_braces_are_names() {
    use Kind::{Assign, Comma, Identifier, LeftBrace, Matches, NotMatches, RightBrace, String};
    let not_equal = Kind::Op(BinaryOp::NotEqual);
    assert_eq!(kinds("{sum='x'}"), [LeftBrace, Identifier, Assign, String, RightBrace]);
    assert_eq!(
        kinds("{by!=\"x\",on=~`y`,nan!~'z'}"),
        [
            LeftBrace, Identifier, not_equal, String, Comma, Identifier, Matches, String, Comma,
            Identifier, NotMatches, String, RightBrace
        ]
    );
}

#[test]
fn numbers_and_durations() {
    for number in ["1", "1.", ".5", "1e3", "1E-3", "0x1F", "1_000", "017"] {
        assert_eq!(kinds(number), [Kind::Number], "{number}");
    }
    for duration in ["5m", "1h30m", "1y2w3d4h5m6s7ms", "0s"] {
        assert_eq!(kinds(duration), [Kind::Duration], "{duration}");
    }
}

#[test]
fn operators_take_as_much_as_they_can() {
    let op = Kind::Op;
    assert_eq!(
        kinds("< <= </ > >= >/ == != -"),
        [
            op(BinaryOp::Less),
            op(BinaryOp::LessEqual),
            op(BinaryOp::TrimUpper),
            op(BinaryOp::Greater),
            op(BinaryOp::GreaterEqual),
            op(BinaryOp::TrimLower),
            op(BinaryOp::Equal),
            op(BinaryOp::NotEqual),
            op(BinaryOp::Sub),
        ]
    );
}

#[test]
fn comments_end_with_their_line() {
    assert_eq!(kinds("a # b\n+ # (\nc").len(), 3);
    assert_eq!(kinds("{a='x' # }\n}").len(), 5);
}

#[test]
fn what_cannot_be_read() {
    let cases = [
        ("a $", "unexpected character: '$'", 2),
        ("\"a", "unterminated quoted string", 0),
        ("`a", "unterminated raw string", 0),
        ("(a", "unclosed left parenthesis", 2),
        ("a)", "unexpected right parenthesis ')'", 2),
        ("a[5m", "unclosed left bracket", 4),
        ("a]", "unexpected right bracket ']'", 1),
        ("a}", "unexpected character: '}'", 1),
        ("!a", "unexpected character after '!': 'a'", 0),
        ("3x", "bad number or duration syntax: \"3\"", 0),
    ];
    for (query, message, place) in cases {
        assert_eq!(error(query), (message.to_owned(), place), "{query}");
    }
}

#[test]
fn places_are_lines_and_columns() {
    let tokens = tokens("a\n + é{x=\"é\"} b");
    let places: Vec<(u32, u32)> =
        tokens.iter().map(|token| (token.span.line, token.span.column)).collect();
    assert_eq!(places[..2], [(1, 1), (2, 2)]);
    assert!(matches!(tokens.last().map(|token| &token.kind), Some(Kind::Error(_))));
}

proptest! {
    #[test]
    fn spans_go_forward_on_any_text(query in "\\PC{0,60}") {
        let mut end = 0;
        for token in tokens(&query) {
            prop_assert!(token.span.start >= end || matches!(token.kind, Kind::Error(_)));
            prop_assert!(token.span.end as usize <= query.len());
            prop_assert!(query.get(token.span.start as usize..token.span.end as usize).is_some());
            end = token.span.end;
        }
    }
}
