//! Both grammars on queries that both know.

use super::{AdapterError, BYTES_MAX, parse};
use crate::ParseOptions;

#[test]
fn trees_are_the_same() {
    let queries = [
        "a",
        "a{b=\"c\",d!=\"e\",f=~\"g.*\",h!~\"i\"}",
        "{__name__=\"a\"}",
        "rate(a[5m] offset 1m)",
        "rate(a[5m] @ 12.5 offset -1m)",
        "a @ start() + a @ end()",
        "sum by (b, c) (a) / on (b) group_left (d) avg without (e) (f)",
        "topk(3, a) and ignoring (b) c unless d or e",
        "a > bool 1 == bool b",
        "-a ^ 2 * 3 % 4",
        "max_over_time(rate(a[5m])[1h:30s] offset 1d)",
        "max_over_time(a[1h:])",
        "a + fill (0) b",
        "a + on (c) fill_left (-1) fill_right (2) b",
        "count_values(\"x\", a)",
        "label_replace(a, \"b\", \"$1\", \"c\", \"(.*)\")",
        "time() - 1.5e3",
        "((a))",
    ];
    for query in queries {
        let own = crate::parse(query, &ParseOptions::default()).map_err(|error| error.to_string());
        let other = parse(query).map_err(|error| error.to_string());
        // What was written as a duration is known to our own parser only.
        let printed = |expr: crate::Expr| expr.to_string();
        assert_eq!(own.map(printed), other.map(printed), "{query}");
    }
}

#[test]
fn what_it_does_not_take() {
    assert!(matches!(parse("a +"), Err(AdapterError::Rejected(_))));
    assert!(matches!(parse("a </ 1"), Err(AdapterError::Rejected(_))));
    assert!(matches!(parse("{a=\"b\" or c=\"d\"}"), Err(AdapterError::NoCounterpart(_))));
    let long = "a".repeat(BYTES_MAX + 1);
    assert_eq!(parse(&long), Err(AdapterError::TooLong(BYTES_MAX + 1)));
}

#[test]
fn panics_are_caught() {
    // Its durations are made from floats, which panics for those that are out of range.
    assert_eq!(parse("a[1e300]"), Err(AdapterError::Panicked));
}

/// Neither its parser, nor the trees of both, may run out of stack.
#[test]
fn height_is_bounded() {
    let half = BYTES_MAX / 2 - 1;
    let queries = [
        format!("{}a{}", "(".repeat(half), ")".repeat(half)),
        format!("{}a", "-".repeat(BYTES_MAX - 1)),
        format!("a{}", "+a".repeat(half)),
        format!("{}a", "(".repeat(BYTES_MAX - 1)),
    ];
    for query in queries {
        assert!(matches!(parse(&query), Err(AdapterError::TooHigh | AdapterError::Rejected(_))));
    }
    assert!(parse(&format!("a{}", "+a".repeat(200))).is_ok());
}
