//! Tests of single lines.

use proptest::prelude::*;

use super::{Comment, Format, comment, row};

/// A row in a compact notation of its own.
fn show(line: &str, format: Format) -> String {
    match row(line, format, 10) {
        Ok(row) => {
            let exemplar = row.exemplar.map_or(String::new(), |exemplar| {
                format!(" # {:?} {} {:?}", exemplar.labels, exemplar.value, exemplar.time)
            });
            format!("{} {:?} {} {:?}{exemplar}", row.metric, row.labels, row.value, row.time)
        }
        Err(fault) => format!("! {fault}"),
    }
}

#[test]
fn sample_lines_of_text() {
    let cases = [
        ("up 1", "up [] 1 None"),
        ("  up\t1.5e3   ", "up [] 1500 None"),
        ("up{} 1 1395066363000", "up [] 1 Some(1395066363000)"),
        ("up 1 -5", "up [] 1 Some(-5)"),
        (r#"a:b{x="1", y = "2" ,} +Inf"#, r#"a:b [("x", "1"), ("y", "2")] inf None"#),
        (r#"a {x="é\\\"\n\t"} NaN"#, "a [(\"x\", \"é\\\\\\\"\\n\\\\t\")] NaN None"),
        (r#"{"a.b"} 1"#, "a.b [] 1 None"),
        (r#"{"a.b","c d"="e",f="g"} 1"#, r#"a.b [("c d", "e"), ("f", "g")] 1 None"#),
        (r#"a{"c.d"="}"} 0x1 "#, "! \"0x1\" is not a number"),
        ("", "! expected a metric name"),
        ("1a 1", "! expected a metric name"),
        ("a", "! expected a value"),
        ("a b", "! \"b\" is not a number"),
        ("a 1 2.5", "! \"2.5\" is not a timestamp"),
        ("a 1 2 3", "! expected the end of the line"),
        ("a 1 # {}", "! expected the end of the line"),
        (r#"a{"b"} 1"#, "! the metric name is given twice"),
        (r#"{"a","b"} 1"#, "! the metric name is given twice"),
        (r#"{a="b"} 1"#, "! expected a metric name"),
        (r#"a{b:c="d"} 1"#, "! expected '=' after label name \"b\""),
        (r#"a{b=c} 1"#, "! expected a label value in quotes"),
        (r#"a{b="c" d="e"} 1"#, "! expected ',' or '}' after a label"),
        (r#"a{b="c} 1"#, "! a quote is not closed"),
        (r#"a{b="c\"#, "! a quote is not closed"),
        (r#"a{b="c""#, "! expected ',' or '}' after a label"),
        (r#"a{,} 1"#, "! expected a label name"),
    ];
    for (line, expect) in cases {
        assert_eq!(show(line, Format::Text), expect, "{line}");
    }
}

#[test]
fn sample_lines_of_openmetrics() {
    let cases = [
        ("a 1 1.5", "a [] 1 Some(1500)"),
        ("a 1 1e3", "a [] 1 Some(1000000)"),
        ("a 1 # {} 0.5", "a [] 1 None # [] 0.5 None"),
        (r#"a 1 2 # {id="x"} 0.5 1.25"#, r#"a [] 1 Some(2000) # [("id", "x")] 0.5 Some(1250)"#),
        ("a 1 NaN", "! \"NaN\" is not a timestamp"),
        ("a 1 1e30", "! \"1e30\" is not a timestamp"),
        ("a 1 # 5", "! expected the labels of an exemplar"),
        (r#"a 1 # {"x"} 5"#, "! expected the labels of an exemplar"),
        ("a 1 # {}", "! expected a value"),
        ("a 1 # {} 1 2 3", "! expected the end of the line"),
    ];
    for (line, expect) in cases {
        assert_eq!(show(line, Format::OpenMetrics), expect, "{line}");
    }
}

#[test]
fn comment_lines() {
    use Format::{OpenMetrics, Text};
    let help =
        |name: &str, text: &str| Ok(Comment::Help(name.to_owned().into(), text.to_owned().into()));
    assert_eq!(comment(r#"# HELP a  b \\ \n \""#, Text), help("a", " b \\ \n \\\""));
    assert_eq!(comment(r#"# HELP a \""#, OpenMetrics), help("a", "\""));
    assert_eq!(comment("#HELP a", Text), help("a", ""));
    assert_eq!(comment(r#"# HELP "a b" c"#, Text), help("a b", "c"));
    assert_eq!(comment("# TYPE a counter ", Text), Ok(Comment::Type("a".into(), "counter")));
    assert_eq!(comment("# UNIT a_s s", OpenMetrics), Ok(Comment::Unit("a_s".into(), "s")));
    assert_eq!(comment("# EOF", OpenMetrics), Ok(Comment::Eof));
    for line in ["# UNIT a s", "# EOF", "#", "# anything goes", "## HELP a"] {
        assert_eq!(comment(line, Text), Ok(Comment::Other), "{line}");
    }
    for line in ["# anything", "# EOF x", "# HELP", "# TYPE 1 x", "# HELP \"a"] {
        assert!(comment(line, OpenMetrics).is_err(), "{line}");
    }
}

#[test]
fn labels_beyond_the_limit_are_not_kept() {
    let line = format!("a{{{}}} 1", r#"x="1","#.repeat(50));
    assert_eq!(row(&line, Format::Text, 10).expect("is a row").labels.len(), 11);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(line in "[ -~é\t\"{}=,#\\\\]{0,60}") {
        for format in [Format::Text, Format::OpenMetrics] {
            row(&line, format, 5).ok();
            comment(&line, format).ok();
        }
    }
}
