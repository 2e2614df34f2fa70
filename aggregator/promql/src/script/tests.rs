//! Scripts: what they say, and that failing ones fail.

use proptest::prelude::*;

use super::{Command, Notated, engine_options, parse, parse_series, run};
use crate::Engine;

fn values(line: &str) -> Vec<String> {
    match parse_series(line) {
        Ok((_, values)) => values
            .iter()
            .map(|value| match value {
                Notated::Omitted => "_".to_owned(),
                Notated::Float(value) if model::columns::is_stale(*value) => "stale".to_owned(),
                Notated::Float(value) => value.to_string(),
                Notated::Histogram { histogram, .. } => {
                    format!("{}/{}", histogram.count, histogram.sum)
                }
            })
            .collect(),
        Err(error) => panic!("{line}: {error}"),
    }
}

#[test]
fn notation_of_values() {
    let cases: [(&str, &[&str]); 9] = [
        ("a 1 2.5 -3 1e3", &["1", "2.5", "-3", "1000"]),
        ("a 1+2x3", &["1", "3", "5", "7"]),
        ("a 10-2.5x2", &["10", "7.5", "5"]),
        ("a -1-1x1", &["-1", "-2"]),
        ("a 5x2", &["5", "5", "5"]),
        ("a _ 1 _x3", &["_", "1", "_", "_", "_"]),
        ("a stale NaN Inf -Inf", &["stale", "NaN", "inf", "-inf"]),
        ("a {{count:2 sum:3}}x1", &["2/3", "2/3"]),
        ("a {{count:2 sum:3 buckets:[2]}}+{{count:1 sum:1 buckets:[1]}}x2", &["2/3", "3/4", "4/5"]),
    ];
    for (line, expected) in cases {
        assert_eq!(values(line), expected, "{line}");
    }
}

#[test]
fn notation_of_labels() {
    let cases = [
        ("a", "a"),
        ("a{b=\"c\"} 1", "a{b=\"c\"}"),
        ("{b='c', \"d e\"=`f`}", "{b=\"c\", \"d e\"=\"f\"}"),
        ("{\"é\", b=\"\\\"\"}", "{\"é\", b=\"\\\"\"}"),
    ];
    for (line, expected) in cases {
        match parse_series(line) {
            Ok((labels, _)) => assert_eq!(labels.to_string(), expected, "{line}"),
            Err(error) => panic!("{line}: {error}"),
        }
    }
}

#[test]
fn what_is_no_series() {
    for line in ["", "1", "a 1x", "a x", "a{b} 1", "a{b=\"c\" 1", "a 1 {{count:}}", "a {{foo:1}}"] {
        assert!(parse_series(line).is_err(), "{line}");
    }
}

#[test]
fn mistakes_have_their_line() {
    for (script, line) in [
        ("load 1m\n  a 1\n\nnonsense\n", 4),
        ("load soon\n", 1),
        ("load 1m\n  a 1 x\n", 2),
        ("eval instant at never a\n", 1),
        ("eval instant at 1m a\n  {b=} 1\n", 2),
    ] {
        match parse(script) {
            Err(error) => assert_eq!(error.line, line, "{script}: {error}"),
            Ok(commands) => panic!("{script} is {} commands", commands.len()),
        }
    }
    let commands = parse("# nothing\n\nclear\nload 1m\n  a 1\n\neval instant at 0 a\n  a 1\n");
    assert!(matches!(
        commands.as_deref(),
        Ok([Command::Clear, Command::Load(_), Command::Eval(eval)]) if eval.line == 7
    ));
}

const DATA: &str = "load 1m\n  a{x=\"1\"} 1+1x10\n  a{x=\"2\"} 10+10x10\n  h {{schema:0 count:3 sum:4 buckets:[1 2]}}\n\n";

/// Evaluations that pass, and ones that must not.
#[test]
fn wrong_expectations_fail() {
    let cases = [
        ("eval instant at 5m a\n  a{x=\"1\"} 6\n  a{x=\"2\"} 60\n", true),
        ("eval instant at 5m a\n  a{x=\"1\"} 6\n  a{x=\"2\"} 61\n", false),
        ("eval instant at 5m a\n  a{x=\"1\"} 6\n", false),
        ("eval instant at 5m a\n  a{x=\"1\"} 6\n  a{x=\"2\"} 60\n  a{x=\"3\"} 1\n", false),
        ("eval instant at 5m a\n", false),
        ("eval instant at 5m nothing\n", true),
        ("eval instant at 5m nothing\n  {} 1\n", false),
        (
            "eval instant at 5m sort_desc(a)\n  expect ordered\n  a{x=\"2\"} 60\n  a{x=\"1\"} 6\n",
            true,
        ),
        ("eval instant at 5m sort(a)\n  expect ordered\n  a{x=\"2\"} 60\n  a{x=\"1\"} 6\n", false),
        ("eval instant at 5m 1 + 1\n  2\n", true),
        ("eval instant at 5m 1 + 1\n  3\n", false),
        ("eval instant at 5m time()\n  300\n", true),
        ("eval instant at 5m \"a\"\n  expect string \"a\"\n", true),
        ("eval instant at 5m \"a\"\n  expect string \"b\"\n", false),
        ("eval range from 0 to 2m step 1m sum(a)\n  {} 11 22 33\n", true),
        ("eval range from 0 to 2m step 1m sum(a)\n  {} 11 22 34\n", false),
        ("eval range from 0 to 2m step 1m sum(a)\n  {} 11 22\n", false),
        ("eval range from 0 to 2m step 1m sum(a)\n  {} 11 _ 33\n", false),
        ("eval instant at 0 h\n  h {{schema:0 count:3 sum:4 buckets:[1 2]}}\n", true),
        ("eval instant at 0 h\n  h {{schema:0 count:3 sum:4 buckets:[2 1]}}\n", false),
        ("eval instant at 0 a + on () a\n  expect fail\n", true),
        ("eval instant at 0 a\n  expect fail\n", false),
        ("eval instant at 0 a + on () a\n", false),
        ("eval instant at 0 a + on () a\n  expect fail msg: something else\n", false),
        (
            "eval instant at 0 a + on () a\n  expect fail regex: found duplicate .*;many-to-many\n",
            true,
        ),
        (
            "eval instant at 5m rate(a[5m])\n  expect info\n  {x=\"1\"} 0.016666666666666666\n  {x=\"2\"} 0.16666666666666666\n",
            true,
        ),
        (
            "eval instant at 5m rate(a[5m])\n  expect no_info\n  {x=\"1\"} 0.016666666666666666\n  {x=\"2\"} 0.16666666666666666\n",
            false,
        ),
        (
            "eval instant at 5m rate(a[5m])\n  expect warn\n  expect info\n  {x=\"1\"} 0.016666666666666666\n  {x=\"2\"} 0.16666666666666666\n",
            false,
        ),
    ];
    let engine = Engine::new(engine_options());
    for (eval, passes) in cases {
        match run(&format!("{DATA}{eval}"), &engine) {
            Ok(outcome) => {
                let reasons: Vec<&str> =
                    outcome.failures.iter().map(|failure| failure.reason.as_str()).collect();
                assert_eq!(outcome.passed == 1, passes, "{eval}: {reasons:?}");
                assert_eq!(outcome.failures.len(), usize::from(!passes), "{eval}");
                assert!(outcome.failures.iter().all(|failure| failure.line == 6));
            }
            Err(error) => panic!("{eval}: {error}"),
        }
    }
}

proptest! {
    #[test]
    fn never_panics(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "load", "eval", "instant", "at", "range", "from", "to", "step", "5m", "a", "{", "}",
                "=", "\"x\"", "1", "+", "x", "3", "_", "stale", "{{", "}}", "count:", "buckets:[",
                "]", "schema:-53", "custom_values:[", "expect", "fail", "msg:", "ordered", "clear",
                "load_with_nhcb", "#", "\n", "\n  ", " ", "99999999999", "-", "offset:", "é",
            ]),
            0..40,
        )
    ) {
        let script = pieces.concat();
        drop(parse(&script));
        for line in script.lines() {
            drop(parse_series(line));
        }
    }

    #[test]
    fn never_panics_on_any_text(text in "\\PC{0,60}") {
        drop((parse(&text), parse_series(&text)));
    }
}
