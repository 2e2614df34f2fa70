//! What was pending before a restart.

use std::time::Duration;

use model::{labels::Labels, time::Timestamp};
use promql::{Context, Sample, script::MemoryStore};
use rules::{RestoreOptions, Source};

use super::lab::{Lab, MINUTE, group};

const RULES: &str = "groups: [{name: g, rules: [
  {alert: A, expr: x > 0, for: 30m, labels: {job: '{{ $labels.none }}', team: t}}]}]";

/// A store in which the alert was active from minute `since` on, and last seen at `down`.
fn before(since: i64, down: i64) -> MemoryStore {
    let labels = Labels::new([("__name__", "ALERTS_FOR_STATE"), ("alertname", "A"), ("team", "t")])
        .expect("are labels");
    let mut store = MemoryStore::default();
    for minute in since..=down {
        let value = Sample::Float((since * 60) as f64);
        store.push(&labels, minute * MINUTE, &value, 0).expect("is new");
    }
    store
}

/// The minute since which the alert counts as active after a restart at `up`.
fn restored(text: &str, store: MemoryStore, up: i64) -> i64 {
    let mut lab = Lab::with(group(text, false), store);
    for minute in [up - 1, up] {
        lab.put(minute, "x", 1.0);
        let written: usize = lab.evaluate(minute).iter().map(|outcome| outcome.samples.len()).sum();
        assert_eq!(written, 0, "nothing is written over what is to be restored");
    }
    let at = Timestamp(up * MINUTE);
    let source = Source { engine: &lab.engine, store: &lab.store, context: Context::unlimited() };
    lab.group.restore(at, &source, RestoreOptions::default()).expect("reads");
    lab.put(up + 1, "x", 1.0);
    let written: usize = lab.evaluate(up + 1).iter().map(|outcome| outcome.samples.len()).sum();
    assert_eq!(written, 2, "from now on it is");
    lab.alert().expect("is active").active_at.0 / MINUTE
}

#[test]
fn what_was_pending_goes_on_without_the_outage() {
    // Active since 100, seen until 110, back at 130: 20 minutes do not count.
    assert_eq!(restored(RULES, before(100, 110), 130), 120);
}

#[test]
fn what_would_fire_soon_gets_the_grace() {
    // Only five of thirty minutes remain: it fires ten minutes after the restart instead.
    assert_eq!(restored(RULES, before(100, 125), 130), 130 + 10 - 30);
}

#[test]
fn what_was_firing_fires_again() {
    assert_eq!(restored(RULES, before(60, 125), 130), 60);
}

#[test]
fn what_was_seen_too_long_ago_starts_anew() {
    assert_eq!(restored(RULES, before(60, 69), 130), 129);
}

#[test]
fn what_had_ended_starts_anew() {
    let mut store = before(100, 110);
    let labels = Labels::new([("__name__", "ALERTS_FOR_STATE"), ("alertname", "A"), ("team", "t")])
        .expect("are labels");
    let stale = Sample::Float(model::columns::stale_nan());
    store.push(&labels, 111 * MINUTE, &stale, 0).expect("is new");
    assert_eq!(restored(RULES, store, 130), 129);
}

#[test]
fn rules_that_hold_for_less_than_the_grace_are_not_restored() {
    let short = RULES.replace("for: 30m", "for: 9m");
    assert_eq!(restored(&short, before(128, 129), 130), 129);
}

#[test]
fn the_options_are_those_of_prometheus() {
    let minutes = |count: u64| Duration::from_secs(count * 60);
    let wanted = RestoreOptions { outage_tolerance: minutes(60), grace: minutes(10) };
    assert_eq!(RestoreOptions::default(), wanted);
}
