//! The same files given to Prometheus' own `promtool` and to us: what passes, what fails, and what
//! is found instead.

use std::{path::Path, process::Command};

use rules::{
    RuleFile,
    unit_test::{LoadedFile, RunOptions, TestFile},
};

const RULES: &str = include_str!("promtool/rules.yml");
const TESTS: &str = include_str!("promtool/tests.yml");
const NEWER_RULES: &str = include_str!("promtool/newer.yml");
const NEWER_TESTS: &str = include_str!("promtool/newer_tests.yml");

/// What both tell, line by line; the rest is layout.
fn told(output: &str) -> Vec<String> {
    let starts = ["alertname:", "expr:", "exp:", "got:", "Labels:", "Annotations:", "rule:"];
    let lines = output.lines().map(str::trim);
    let lines = lines.filter(|line| starts.iter().any(|start| line.starts_with(start)));
    let ends = [',', ' ', '['];
    lines.map(|line| line.trim_end_matches(ends).replace("m0s, err", "m, err")).collect()
}

/// `None` where there is no promtool.
#[expect(clippy::print_stderr, reason = "a test that is left out should be seen")]
fn promtool(folder: &Path, args: &[&str]) -> Option<(bool, String)> {
    let output = match Command::new("promtool").args(args).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("LEFT OUT: promtool: {error}");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    Some((output.status.success(), text))
}

#[expect(clippy::disallowed_methods, reason = "files for a peer")]
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("is written");
    }
    folder
}

fn ours(rules: &str, tests: &str) -> (bool, String) {
    let loaded = LoadedFile { name: "rules.yml".to_owned(), text: rules.to_owned() };
    let report = match TestFile::parse("tests.yml", tests) {
        Ok(file) => file.run(&[loaded], &RunOptions::default()),
        Err(fault) => return (false, fault.to_string()),
    };
    (report.failures.is_empty(), report.failures.join("\n"))
}

#[test]
fn tests_that_hold_pass_with_both() {
    let (passed, failures) = ours(RULES, TESTS);
    assert!(passed, "{failures}");
    let folder = folder(&[("rules.yml", RULES), ("tests.yml", TESTS)]);
    if let Some((passed, output)) = promtool(folder.path(), &["test", "rules", "tests.yml"]) {
        assert!(passed, "{output}");
    }
}

#[test]
fn what_newer_versions_added_passes() {
    let file = TestFile::parse("newer_tests.yml", NEWER_TESTS).unwrap();
    assert_eq!(file.rule_files(), ["rules.yml", "newer.yml"]);
    let loaded = [("rules.yml", RULES), ("newer.yml", NEWER_RULES)]
        .map(|(name, text)| LoadedFile { name: name.to_owned(), text: text.to_owned() });
    let report = file.run(&loaded, &RunOptions::default());
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(report.tests.len(), 5);
}

#[test]
fn differences_are_told_line_by_line() {
    const TESTS: &str = "
tests:
- name: ours
  interval: 1m
  input_series: [{series: 'a{x=\"1\"}', values: 1x5}, {series: 'a{x=\"2\"}', values: 2x5}]
  alert_rule_test:
  - {alertname: High, eval_time: 2m, exp_alerts: [{exp_labels: {x: 3}}, {exp_labels: {x: 2}}]}
  promql_expr_test:
  - {expr: a, eval_time: 1m, exp_samples: [{labels: 'a{x=\"1\"}', value: 1}, {labels: 'a{x=\"2\"}', value: 3}]}
  - {expr: a > 1, eval_time: 1m, exp_samples: [{labels: 'a{x=\"2\"}', value: 2}]}
- {name: empty}
";
    const RULES: &str = "groups: [{name: g, rules: [{alert: High, expr: a}]}]";
    let loaded = LoadedFile { name: "rules.yml".to_owned(), text: RULES.to_owned() };
    let file = TestFile::parse("tests.yml", TESTS).unwrap();
    let report = file.run(&[loaded], &RunOptions { diff: true, ..RunOptions::default() });
    let expected = [
        "    file: tests.yml, name: ours,
    alertname: High, time: 2m,
        diff (-exp, +got):
          + Labels:{alertname=\"High\", x=\"1\"}
          + Annotations:{}
            Labels:{alertname=\"High\", x=\"2\"}
            Annotations:{}
          - Labels:{alertname=\"High\", x=\"3\"}
          - Annotations:{}",
        "    file: tests.yml, name: ours,
    expr: \"a\", time: 1m,
        diff (-exp, +got):
            {__name__=\"a\", x=\"1\"} 1E+00
          - {__name__=\"a\", x=\"2\"} 3E+00
          + {__name__=\"a\", x=\"2\"} 2E+00",
    ];
    assert_eq!(report.failures, expected);
    let names: Vec<&str> = report.tests.iter().map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["ours", "empty"]);
    assert_eq!(report.tests[0].failures, expected);
    assert_eq!(report.tests[1].failures, Vec::<String>::new());
}

/// Tests of the same series and rules that expect nothing: what is found instead must be the same.
#[test]
fn what_is_found_is_the_same() {
    let mut wrong = Vec::new();
    for (name, rules, tests) in super::promtool_cases::CASES {
        let tests = format!("rule_files: [rules.yml]\nevaluation_interval: 1m\n{tests}");
        let folder = folder(&[("rules.yml", rules), ("tests.yml", &tests)]);
        let Some((theirs_passed, theirs)) =
            promtool(folder.path(), &["test", "rules", "tests.yml"])
        else {
            return;
        };
        let (passed, found) = ours(rules, &tests);
        let (theirs, found) = (told(&theirs), told(&found));
        if passed != theirs_passed || found != theirs {
            let without = |a: &[String], b: &[String]| -> Vec<String> {
                a.iter().filter(|line| !b.contains(line)).cloned().collect()
            };
            let (left, right) = (without(&theirs, &found), without(&found, &theirs));
            wrong.push(format!("{name}: only theirs {left:#?}, only ours {right:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Rule files that are wrong in one way each.
const WRONG: [(&str, &str); 17] = [
    ("no name", "groups: [{rules: []}]"),
    ("repeated group", "groups: [{name: a}, {name: a}]"),
    ("unknown field", "groups: [{name: a, rulez: []}]"),
    ("unknown field of a rule", "groups: [{name: a, rules: [{record: x, expr: up, fro: 1m}]}]"),
    ("both kinds", "groups: [{name: a, rules: [{record: x, alert: y, expr: up}]}]"),
    ("no kind", "groups: [{name: a, rules: [{expr: up}]}]"),
    ("no expression", "groups: [{name: a, rules: [{record: x}]}]"),
    ("bad expression", "groups: [{name: a, rules: [{record: x, expr: 'sum(up'}]}]"),
    ("bad metric name", "groups: [{name: a, rules: [{record: 'x{a=\"b\"}', expr: up}]}]"),
    ("for of a record", "groups: [{name: a, rules: [{record: x, expr: up, for: 1m}]}]"),
    (
        "annotated record",
        "groups: [{name: a, rules: [{record: x, expr: up, annotations: {a: b}}]}]",
    ),
    ("bad duration", "groups: [{name: a, rules: [{alert: x, expr: up, for: 5x}]}]"),
    (
        "label of the name",
        "groups: [{name: a, rules: [{alert: x, expr: up, labels: {__name__: y}}]}]",
    ),
    (
        "bad template",
        "groups: [{name: a, rules: [{alert: x, expr: up, annotations: {s: '{{ .a'}}]}]",
    ),
    (
        "no such function",
        "groups: [{name: a, rules: [{alert: x, expr: up, labels: {s: '{{ f }}'}}]}]",
    ),
    (
        "no such variable",
        "groups: [{name: a, rules: [{alert: x, expr: up, labels: {s: '{{ $x }}'}}]}]",
    ),
    ("no YAML", "groups: [{"),
];

/// Rule files in which nothing is wrong.
const RIGHT: [(&str, &str); 5] = [
    ("empty", ""),
    ("no groups", "groups: []"),
    ("empty group", "groups: [{name: a, interval: 1h30m, limit: 3, rules: []}]"),
    (
        "a recording rule's label is no template",
        "groups: [{name: a, rules: [{record: x, expr: up, labels: {a: '{{ f }}'}}]}]",
    ),
    (
        "numbers as labels",
        "groups: [{name: a, rules: [{alert: x, expr: '1', labels: {a: 1, b: yes}}]}]",
    ),
];

#[test]
fn files_are_refused_by_both_or_by_none() {
    let wrong = WRONG.iter().map(|case| (case, false));
    for ((name, text), valid) in wrong.chain(RIGHT.iter().map(|case| (case, true))) {
        let ours = RuleFile::parse("rules.yml", text);
        assert_eq!(ours.is_ok(), valid, "{name}: {ours:?}");
        let folder = folder(&[("rules.yml", text)]);
        if let Some((theirs, output)) = promtool(folder.path(), &["check", "rules", "rules.yml"]) {
            assert_eq!(theirs, valid, "{name}: {output}");
        }
    }
}
