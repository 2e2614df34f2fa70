//! Nothing that is written into a file makes us panic.

use proptest::prelude::*;
use rules::{
    RuleFile,
    unit_test::{LoadedFile, RunOptions, TestFile},
};

/// Pieces of rule files and of tests.
const PIECES: [&str; 36] = [
    "groups:\n",
    "- name: a\n",
    "  rules:\n",
    "  - alert: A\n",
    "  - record: r\n",
    "    expr: ",
    "up == 0\n",
    "x\n",
    "    for: 1m\n",
    "    keep_firing_for: 5m\n",
    "    labels: {a: '{{ $value }}'}\n",
    "    annotations: {s: '{{ range query \"x\" }}{{ . }}{{ end }}'}\n",
    "  limit: 1\n",
    "  interval: 1s\n",
    "  query_offset: 1h\n",
    "tests:\n",
    "- interval: 1m\n",
    "  input_series:\n",
    "  - {series: x, values: '1+1x5'}\n",
    "  - {series: 'up{a=\"b\"}', values: '{{count:1}} _ stale'}\n",
    "  alert_rule_test:\n",
    "  - {eval_time: 3m, alertname: A}\n",
    "  promql_expr_test:\n",
    "  - {expr: x, eval_time: 2m, exp_samples: [{labels: x, value: 1}]}\n",
    "rule_files: [a]\n",
    "evaluation_interval: 30s\n",
    "&a ",
    "*a",
    "!!binary ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\t",
    "é",
];

fn try_everything(rules: &str, tests: &str) {
    drop(RuleFile::parse("r", rules));
    if let Ok(file) = TestFile::parse("t", tests) {
        let loaded = LoadedFile { name: "r".to_owned(), text: rules.to_owned() };
        file.run(&[loaded], &RunOptions { filter: None, debug: true, diff: true });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        try_everything(&text, &text);
    }

    #[test]
    fn any_mix_of_pieces_is_read_or_refused(
        rules in prop::collection::vec(0..PIECES.len(), 0..16),
        tests in prop::collection::vec(0..PIECES.len(), 0..16),
    ) {
        let text = |places: &[usize]| -> String { places.iter().map(|place| PIECES[*place]).collect() };
        try_everything(&text(&rules), &text(&tests));
    }
}

#[test]
fn a_test_without_end_is_refused() {
    let text = "evaluation_interval: 1ms\ntests: [{name: long, promql_expr_test: [{expr: '1', eval_time: 1y}]}]";
    let report = TestFile::parse("t", text).expect("is right").run(&[], &RunOptions::default());
    assert!(report.failures.iter().any(|failure| failure.contains("allowed are 1000000")));
}
