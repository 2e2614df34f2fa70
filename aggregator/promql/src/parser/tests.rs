//! What is a query and what is not, in the words of Prometheus.

use std::thread;

use proptest::prelude::*;

use super::{ParseOptions, parse, parse_selector};
use crate::ast::{BinaryOp, Expr, ValueType};

fn error(query: &str) -> String {
    match parse(query, &ParseOptions::default()) {
        Ok(expr) => panic!("{query} is taken for {expr:?}"),
        Err(error) => error.to_string(),
    }
}

fn parsed(query: &str) -> Expr {
    match parse(query, &ParseOptions::default()) {
        Ok(expr) => expr,
        Err(error) => panic!("{query}: {error}"),
    }
}

#[test]
fn syntax_errors() {
    let cases = [
        ("", "unknown position: parse error: no expression found in input"),
        ("# only a comment", "1:1: parse error: no expression found in input"),
        ("1 +", "1:4: parse error: unexpected end of input"),
        (".", "1:1: parse error: unexpected character: '.'"),
        ("(1))", "1:5: parse error: unexpected right parenthesis ')'"),
        ("a\n  b", "2:3: parse error: unexpected identifier \"b\""),
        (
            "a{b}",
            "1:4: parse error: unexpected \"}\" in label matching, expected label matching operator",
        ),
        ("a{b=5}", "1:5: parse error: unexpected character inside braces: '5'"),
        ("sum some_metric", "1:5: parse error: unexpected identifier \"some_metric\""),
        ("sum by (x) a", "1:12: parse error: unexpected identifier \"a\" in aggregation"),
        (
            "sum by a (b)",
            "1:8: parse error: unexpected identifier \"a\" in grouping opts, expected \"(\"",
        ),
        ("topk(on, a)", "1:6: parse error: unexpected <on> in aggregation"),
        ("a[5m", "1:5: parse error: unclosed left bracket"),
        (
            "a[step]",
            "1:7: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()",
        ),
        (
            "a[5m:(3]",
            "1:8: parse error: unexpected \"]\" in subquery selector, expected number, duration, step(), range(), or \"]\"",
        ),
        (
            "a offset",
            "1:9: parse error: unexpected end of input in offset, expected number, duration, step(), or range()",
        ),
        ("a @ b", "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp"),
        ("rate(a[5m],)", "1:11: parse error: trailing commas not allowed in function call args"),
        ("a[-1s]", "1:3: parse error: duration must be greater than 0"),
        ("a[5m / 0]", "1:6: parse error: division by zero"),
        ("\"\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'"),
    ];
    for (query, message) in cases {
        assert_eq!(error(query), message, "{query}");
    }
}

#[test]
fn type_errors() {
    let cases = [
        ("nothing(a)", "1:1: parse error: unknown function with name \"nothing\""),
        (
            "rate(a)",
            "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
        ),
        ("rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"),
        (
            "round(a, 1, 2)",
            "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3",
        ),
        (
            "sum(1)",
            "1:5: parse error: expected type instant vector in aggregation expression, got scalar",
        ),
        (
            "topk(a, b)",
            "1:6: parse error: expected type scalar in aggregation parameter, got instant vector",
        ),
        ("sum()", "1:1: parse error: no arguments for aggregate expression provided"),
        (
            "sum(a, b)",
            "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2",
        ),
        ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"),
        (
            "a and 1",
            "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
        ),
        ("a or on (b) group_left c", "1:1: parse error: no grouping allowed for \"or\" operation"),
        ("1 + on (a) b", "1:1: parse error: vector matching only allowed between instant vectors"),
        (
            "a + on (b) group_left (b) c",
            "1:3: parse error: label \"b\" must not occur in ON and GROUP clause at once",
        ),
    ];
    for (query, message) in cases {
        assert_eq!(error(query), message, "{query}");
    }
}

#[test]
fn errors_of_selectors_and_modifiers() {
    let cases = [
        (
            "a[5m] + 1",
            "1:1: parse error: binary expression must contain only scalar and instant vector types",
        ),
        (
            "-\"a\"",
            "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
        ),
        ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        (
            "{a=~\".*\"}",
            "1:1: parse error: vector selector must contain at least one non-empty matcher",
        ),
        (
            "a{__name__=\"b\"}",
            "1:1: parse error: metric name must not be set twice: \"a\" or \"b\"",
        ),
        ("1[5m]", "1:2: parse error: ranges only allowed for vector selectors"),
        (
            "1 offset 5m",
            "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
        ),
        ("a offset 5m offset 5m", "1:1: parse error: offset may not be set multiple times"),
        ("a @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"),
        ("a @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"),
        (
            "a[5m] anchored smoothed",
            "1:1: parse error: anchored and smoothed modifiers cannot be used together",
        ),
        (
            "1[5m:]",
            "1:1: parse error: subquery is only allowed on instant vector, got scalar instead",
        ),
    ];
    for (query, message) in cases {
        assert_eq!(error(query), message, "{query}");
    }
}

#[test]
fn operators_bind_by_their_strength() {
    let cases = [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("2 ^ 3 ^ 4", "2 ^ (3 ^ 4)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("-a ^ 2", "-(a ^ 2)"),
        ("-a * b", "(-a) * b"),
        ("a or b and c unless d", "a or ((b and c) unless d)"),
        ("a + b == c * d", "(a + b) == (c * d)"),
        ("a / b atan2 c % d", "((a / b) atan2 c) % d"),
    ];
    for (query, explicit) in cases {
        assert_eq!(without_parens(parsed(query)), without_parens(parsed(explicit)), "{query}");
    }
}

/// The same tree without the parentheses that made it.
fn without_parens(expr: Expr) -> Expr {
    match expr {
        Expr::Paren(paren) => without_parens(*paren.expr),
        Expr::Unary(mut unary) => {
            unary.expr = Box::new(without_parens(*unary.expr));
            Expr::Unary(unary)
        }
        Expr::Binary(mut binary) => {
            binary.lhs = without_parens(binary.lhs);
            binary.rhs = without_parens(binary.rhs);
            Expr::Binary(binary)
        }
        other => other,
    }
}

#[test]
fn spans_cover_the_text() {
    let query = "sum by (a) (rate(b{c=\"d\"}[5m] offset 1m)) / (e + 1)";
    let mut covered = Vec::new();
    let expr = parsed(query);
    expr.visit(&mut |expr| {
        let span = expr.span();
        covered.push(query.get(span.start as usize..span.end as usize).unwrap_or("?"));
    });
    let expected = [
        query,
        "sum by (a) (rate(b{c=\"d\"}[5m] offset 1m))",
        "rate(b{c=\"d\"}[5m] offset 1m)",
        "b{c=\"d\"}[5m] offset 1m",
        "(e + 1)",
        "e + 1",
        "e",
        "1",
    ];
    assert_eq!(covered, expected);
}

#[test]
fn numbers_have_their_values() {
    let cases = [
        ("0x1F", 31.0),
        ("-0x1f", -31.0),
        ("1_000.5", 1000.5),
        ("017", 15.0),
        ("1e-3", 0.001),
        ("+Inf", f64::INFINITY),
        ("-inf", f64::NEG_INFINITY),
        ("1h30m", 5400.0),
        ("5ms", 0.005),
    ];
    for (query, value) in cases {
        match parsed(query) {
            Expr::Number(number) => assert_eq!(number.value, value, "{query}"),
            other => panic!("{query} is {other:?}"),
        }
    }
}

#[test]
fn names_of_any_kind() {
    for query in ["sum", "offset", "by", "a:b", "{\"a.b\"}", "{\"é\", x=\"1\"}", "end", "fill"] {
        assert_eq!(parsed(query).value_type(), ValueType::Vector, "{query}");
    }
    let matchers = parse_selector("a{b=\"c\", \"d.e\"!~'f'}", &ParseOptions::default());
    let printed: Vec<String> = matchers.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(printed, ["b=\"c\"", "\"d.e\"!~\"f\"", "__name__=\"a\""]);
    assert!(parse_selector("a[5m]", &ParseOptions::default()).is_err());
}

#[test]
fn what_is_switched_off_is_refused() {
    let all = ParseOptions::default();
    let cases = [
        ("limitk(1, a)", ParseOptions { experimental_functions: false, ..all }),
        ("info(a)", ParseOptions { experimental_functions: false, ..all }),
        ("a[5m * 2]", ParseOptions { duration_expressions: false, ..all }),
        ("a[step()]", ParseOptions { duration_expressions: false, ..all }),
        ("rate(a[5m] anchored)", ParseOptions { extended_ranges: false, ..all }),
        ("a + fill(0) b", ParseOptions { fill: false, ..all }),
    ];
    for (query, options) in cases {
        assert!(parse(query, &all).is_ok(), "{query}");
        assert!(parse(query, &options).is_err(), "{query}");
    }
}

#[test]
fn length_and_height_are_limited() {
    let options = ParseOptions { bytes_max: 10, height_max: 5, ..ParseOptions::default() };
    assert!(parse("a + b + cd", &options).is_ok());
    assert_eq!(
        parse("a + b + cde", &options).map_err(|error| error.message),
        Err("query has 11 bytes, allowed are 10".to_owned())
    );
    let options = ParseOptions { height_max: 5, ..ParseOptions::default() };
    assert!(parse("((((a))))", &options).is_ok());
    assert!(parse("a + b + c + d + e", &options).is_ok());
    for query in [
        "(((((a)))))",
        "a + b + c + d + e + f",
        "-----a",
        "a[((((((1))))))]",
        "abs(abs(abs(abs(abs(a)))))",
    ] {
        match parse(query, &options) {
            Err(error) => {
                assert_eq!(error.message, "expression is nested deeper than 5", "{query}");
            }
            Ok(expr) => panic!("{expr:?}"),
        }
    }
}

/// Neither the parser, nor whatever walks or drops a tree, may run out of stack.
#[test]
fn the_deepest_queries_fit_a_small_stack() {
    let repeated = |piece: &str, count: usize| piece.repeat(count);
    let queries = [
        repeated("(", 60_000),
        format!("{}a{}", repeated("(", 255), repeated(")", 255)),
        format!("{}a", repeated("-", 60_000)),
        format!("a{}", repeated("+a", 30_000)),
        format!("a{}", repeated("+a", 250)),
        format!("a{}", repeated("^a", 30_000)),
        format!("a[{}1", repeated("(", 60_000)),
        format!("a[1{}]", repeated("+1", 30_000)),
        format!("a offset {}1", repeated("-", 60_000)),
        format!("a{}", repeated("[1:]", 15_000)),
        repeated("sum(", 16_000),
        format!("{{{}", repeated("a=\"b\",", 10_000)),
    ];
    let walk = move || {
        for query in &queries {
            if let Ok(expr) = parse(query, &ParseOptions::default()) {
                let printed = expr.to_string();
                assert_eq!(parsed(&printed), expr);
                assert!(!crate::format_query(&expr).is_empty());
            }
        }
    };
    let thread = thread::Builder::new().stack_size(1 << 20).spawn(walk);
    assert!(thread.is_ok_and(|thread| thread.join().is_ok()));
}

#[test]
fn every_operator_is_parsed() {
    use BinaryOp as Op;
    let all = [
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::Mod,
        Op::Pow,
        Op::Atan2,
        Op::Equal,
        Op::NotEqual,
        Op::Less,
        Op::LessEqual,
        Op::Greater,
        Op::GreaterEqual,
        Op::TrimUpper,
        Op::TrimLower,
        Op::And,
        Op::Or,
        Op::Unless,
    ];
    for op in all {
        match parsed(&format!("a {} b", op.as_str())) {
            Expr::Binary(binary) => assert_eq!(binary.op, op),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,80}") {
        drop(parse(&text, &ParseOptions::default()));
    }

    #[test]
    fn never_panics_on_what_looks_like_a_query(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "a", "sum", "rate", "by", "on", "(", ")", "[", "]", "{", "}", ",", ":", "=", "=~",
                "5m", "1e3", "\"x\"", "'", "@", "offset", "-", "+", "^", "==", "bool", "step", "Inf",
                "start", "min_of", "anchored", "fill", "group_left", " ", "\n", "#", "é", "\\", "0x",
            ]),
            0..30,
        )
    ) {
        let query = pieces.concat();
        if let Ok(expr) = parse(&query, &ParseOptions::default()) {
            prop_assert_eq!(parsed(&expr.to_string()), expr);
        }
    }
}
