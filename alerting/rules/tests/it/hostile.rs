//! Nothing that is written into a file makes us panic.

use std::{cell::Cell, time::Duration};

use model::{labels::Labels, matcher::Matcher, time::Timestamp};
use promql::{Expr, Sample, VectorElement};
use proptest::prelude::*;
use rules::{
    Answers, Newest, RuleError, RuleFile,
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

/// Gives many elements to each query, and says after some time that there is no more.
struct Many {
    elements: usize,
    asks_left: Cell<usize>,
    asked: Cell<usize>,
}

impl Answers for Many {
    fn query(&self, _: &Expr, at: Timestamp) -> Result<Vec<VectorElement>, String> {
        let element = |number: usize| VectorElement {
            labels: Labels::new([("i", number.to_string().as_str())]).expect("are labels"),
            time: at.0,
            value: Sample::Float(1.0),
        };
        Ok((0..self.elements).map(element).collect())
    }

    fn newest(&self, _: &[Matcher], _: Timestamp, _: Duration) -> Result<Vec<Newest>, String> {
        Ok(Vec::new())
    }

    fn go_on(&self) -> Result<(), String> {
        self.asked.set(self.asked.get() + 1);
        let left = self.asks_left.get().checked_sub(1).ok_or("no time is left")?;
        self.asks_left.set(left);
        Ok(())
    }
}

/// What comes of the first rule over so many elements, and how often it asked for time.
fn evaluated(rule: &str, elements: usize, asks: usize) -> (Option<RuleError>, usize) {
    let text = format!("groups: [{{name: g, rules: [{rule}]}}]");
    let mut group = super::lab::group(&text, true);
    let many = Many { elements, asks_left: Cell::new(asks), asked: Cell::new(0) };
    let outcome = group.evaluate_rule(0, Timestamp(0), &many).expect("is there");
    (outcome.error, many.asked.get())
}

#[test]
fn large_texts_of_many_alerts_are_a_failure() {
    let large = "{{ printf `%0262100d` 1 }}";
    for field in ["annotations", "labels"] {
        let rule = format!("{{alert: A, expr: x, {field}: {{a: '{large}'}}}}");
        let (error, _) = evaluated(&rule, 1_000, usize::MAX);
        let error = error.expect("is too much").to_string();
        assert!(error.starts_with("alerts of the rule are more than 33554432 bytes"), "{error}");
    }
    let many: String = (0..300).map(|n| format!("l{n}: '{large}', ")).collect();
    let (error, _) =
        evaluated(&format!("{{alert: A, expr: x, labels: {{{many}}}}}"), 1, usize::MAX);
    assert!(matches!(error, Some(RuleError::Budget(_))), "{error:?}");
    let text = "x".repeat(10_000);
    let recorded = format!("{{record: r, expr: x, labels: {{a: {text}}}}}");
    let (error, _) = evaluated(&recorded, 20_000, usize::MAX);
    assert!(matches!(error, Some(RuleError::SeriesBytes(_))), "{error:?}");
    assert_eq!(evaluated(&recorded, 20, usize::MAX).0, None);
}

#[test]
fn an_evaluation_ends_when_there_is_no_time() {
    let busy = "{alert: A, expr: x, annotations: {a: '{{ range 90000 }}{{ end }}'}}";
    let (error, asked) = evaluated(busy, 2, usize::MAX);
    assert_eq!(error, None);
    assert!(asked > 2 * 300, "{asked}");
    for asks in [0, 1, 10, 400] {
        let (error, asked) = evaluated(busy, 20_000, asks);
        assert_eq!(error, Some(RuleError::Query("no time is left".to_owned())), "{asks}");
        assert!(asked <= asks + 2, "{asked} of {asks}");
    }
    let (error, _) = evaluated("{record: r, expr: x}", 20, 10);
    assert_eq!(error, Some(RuleError::Query("no time is left".to_owned())));
}

#[test]
fn very_many_labels_are_put_together_at_once() {
    let labels: String = (0..20_000).map(|n| format!("l{n}: v, ")).collect();
    for rule in ["alert: A", "record: r"] {
        let rule = format!("{{{rule}, expr: x, labels: {{{labels}}}}}");
        let (error, asked) = evaluated(&rule, 20, usize::MAX);
        assert_eq!(error, None);
        assert!(asked >= 20, "{asked}");
    }
}
