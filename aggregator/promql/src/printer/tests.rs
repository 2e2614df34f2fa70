//! Printed queries mean what the original does.

use crate::{ParseOptions, format_query, parse};

fn parsed(query: &str) -> crate::Expr {
    match parse(query, &ParseOptions::default()) {
        Ok(expr) => expr,
        Err(error) => panic!("{query}: {error}"),
    }
}

#[test]
fn one_line() {
    let cases = [
        ("a{b='c',d!~\"e\"}", "a{b=\"c\",d!~\"e\"}"),
        ("{__name__=\"a\"}", "{__name__=\"a\"}"),
        ("{'a.b',\"c.d\"=\"e\"}", "{\"c.d\"=\"e\",__name__=\"a.b\"}"),
        ("sum(a)by(b,c)", "sum by (b, c) (a)"),
        ("sum without()(a)", "sum without () (a)"),
        ("topk(5,a)", "topk(5, a)"),
        ("a+on(b)group_left(c)d", "a + on (b) group_left (c) d"),
        ("a and ignoring()b", "a and b"),
        ("a==bool 1", "a == bool 1"),
        ("a + fill_left(1) fill_right(2) b", "a + fill_left (1) fill_right (2) b"),
        ("a + fill(0) b", "a + fill (0) b"),
        ("rate(a[90s]offset-5m@12.5)", "rate(a[1m30s] @ 12.500 offset -5m)"),
        ("a[1h:]@start()", "a[1h:] @ start()"),
        ("a[1h:5m]offset 1d", "a[1h:5m] offset 1d"),
        ("a[max_of(step(),1m)*2]", "a[max_of(step(), 1m) * 2]"),
        ("rate(a[5m] smoothed)", "rate(a[5m] smoothed)"),
        ("-a^-1", "-a ^ -1"),
        ("1e3 + 0.1 + NaN - Inf", "1000 + 0.1 + NaN - +Inf"),
        ("Inf ^ 2 ^ Inf", "Inf ^ 2 ^ +Inf"),
        ("\"a\\n\\\"\"", "\"a\\n\\\"\""),
        ("(((a)))", "(((a)))"),
    ];
    for (query, printed) in cases {
        assert_eq!(parsed(query).to_string(), printed, "{query}");
        assert_eq!(parsed(printed), parsed(query), "{query}");
    }
}

#[test]
fn long_queries_take_several_lines() {
    let name = "a_metric_with_a_name_of_forty_characters_";
    let query = format!(
        "sum by (job) (rate({name}[5m])) / on (job) topk(3, abs({name} + {name} / {name}))"
    );
    let laid_out = format!(
        "  sum by (job) (rate({name}[5m]))\n/ on (job)\n  topk(\n    3,\n    abs(\n        {name}\n      +\n        {name} / {name}\n    )\n  )"
    );
    let expr = parsed(&query);
    assert_eq!(format_query(&expr), laid_out);
    assert_eq!(parsed(&laid_out), expr);
    assert_eq!(format_query(&parsed("a + b")), "a + b");
}
