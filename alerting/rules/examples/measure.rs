//! Measures how fast alerts are evaluated: `measure [ALERTS [EVALUATIONS]]`.
//!
//! One rule, pending then firing, with two templated labels and two annotations.

use std::time::{Duration, Instant};

use model::{labels::Labels, time::Timestamp};
use promql::{Context, Engine, Sample, script::MemoryStore};
use rules::{Environment, Group, RuleFile, Source};

const RULES: &str = "groups: [{name: g, rules: [{alert: High, expr: x > 0, for: 2m, \
    labels: {severity: page, team: '{{ if eq $labels.job \"api\" }}web{{ else }}ops{{ end }}'}, \
    annotations: {summary: '{{ $labels.instance }} of {{ $labels.job }} is at {{ $value | humanizePercentage }}', \
    link: '{{ graphLink \"x\" }} since {{ $value | printf \"%.2f\" }}'}}]}]";

#[expect(clippy::disallowed_methods, reason = "measures")]
#[expect(clippy::print_stdout, reason = "prints what it measured")]
fn main() {
    let mut args = std::env::args().skip(1).map_while(|arg| arg.parse::<i64>().ok());
    let (alerts, evaluations) = (args.next().unwrap_or(10_000), args.next().unwrap_or(10));
    let mut store = MemoryStore::default();
    for alert in 0..alerts {
        let instance = format!("node-{alert}:9100");
        let labels = [("__name__", "x"), ("job", "api"), ("instance", &instance)];
        let labels = Labels::new(labels).unwrap_or_default();
        drop(store.push(&labels, 0, &Sample::Float(0.5), 0));
    }
    let Ok(file) = RuleFile::parse("rules.yml", RULES) else { return };
    let Some(spec) = file.groups.into_iter().next() else { return };
    let minute = Duration::from_secs(60);
    let mut group = Group::new(spec, minute, Environment::default(), true);
    let engine = Engine::default();
    let source = Source { engine: &engine, store: &store, context: Context::unlimited() };
    let start = Instant::now();
    let mut samples = 0;
    for evaluation in 0..evaluations {
        let at = Timestamp(evaluation * 20_000);
        let outcome = group.evaluate_rule(0, at, &source);
        samples += outcome.map_or(0, |outcome| outcome.samples.len());
    }
    let taken = start.elapsed();
    let each = taken.as_nanos() / u128::try_from(alerts * evaluations).unwrap_or(1).max(1);
    println!(
        "{evaluations} evaluations of {alerts} alerts: {taken:?}, {each} ns each, {samples} samples"
    );
}
