//! What was pending before a restart.

use std::time::Duration;

use model::{labels::Labels, time::Timestamp};
use promql::{Context, Sample, script::MemoryStore};
use rules::{AlertState, RestoreOptions, Source};

use super::lab::{Lab, MINUTE, group, shown};

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

const KEPT: &str = "groups: [{name: g, rules: [{alert: K, expr: x > 0, keep_firing_for: 10m}]}]";

fn put(store: &mut MemoryStore, minute: i64, pairs: &[(&str, &str)], value: f64) {
    let labels = Labels::new(pairs.iter().copied()).expect("are labels");
    store.push(&labels, minute * MINUTE, &Sample::Float(value), 0).expect("is new");
}

/// A group right after a restart at minute 130, whose condition does not hold any more.
fn after_restart(text: &str, store: MemoryStore) -> Lab {
    let mut lab = Lab::with(group(text, false), store);
    assert!(lab.evaluate(130).iter().all(|outcome| outcome.samples.is_empty()));
    let source = Source { engine: &lab.engine, store: &lab.store, context: Context::unlimited() };
    let at = Timestamp(130 * MINUTE);
    lab.group.restore(at, &source, RestoreOptions::default()).expect("reads");
    lab
}

/// A store in which the alert was firing until minute 125.
fn fired() -> MemoryStore {
    let mut store = MemoryStore::default();
    put(&mut store, 125, &[("__name__", "ALERTS_FOR_STATE"), ("alertname", "K")], 6000.0);
    let state = [("__name__", "ALERTS"), ("alertname", "K"), ("alertstate", "firing")];
    put(&mut store, 125, &state, 1.0);
    store
}

#[test]
fn what_went_on_firing_goes_on() {
    let mut lab = after_restart(KEPT, fired());
    for (minute, state) in [
        (131, Some(AlertState::Firing)),
        (139, Some(AlertState::Firing)),
        (140, Some(AlertState::Inactive)),
    ] {
        lab.evaluate(minute);
        assert_eq!(lab.alert().map(|alert| alert.state), state, "minute {minute}");
        assert_eq!(lab.alert().map(|alert| alert.active_at), Some(Timestamp(100 * MINUTE)));
    }
}

#[test]
fn series_of_alerts_that_ended_meanwhile_end() {
    let mut lab = after_restart(&KEPT.replace(", keep_firing_for: 10m", ""), fired());
    let written: Vec<String> = lab.evaluate(131).iter().flat_map(shown).collect();
    let wanted = [
        "ALERTS_FOR_STATE{alertname=\"K\"} stale @131",
        "ALERTS{alertname=\"K\", alertstate=\"firing\"} stale @131",
    ];
    let mut written = written;
    written.sort();
    assert_eq!(written, wanted);
    assert_eq!(lab.evaluate(132).iter().flat_map(shown).count(), 0);
}

#[test]
fn texts_of_what_goes_on_firing_are_expanded_again() {
    let text = KEPT.replace(
        "keep_firing_for",
        "labels: {team: t}, annotations: {s: '{{ $labels.team }}', v: '{{ $value }}'}, keep_firing_for",
    );
    let mut store = MemoryStore::default();
    let state =
        [("__name__", "ALERTS"), ("alertname", "K"), ("alertstate", "firing"), ("team", "t")];
    put(&mut store, 125, &state, 1.0);
    let lab = after_restart(&text, store);
    let texts = lab.alert().map(|alert| alert.annotations.clone()).expect("goes on");
    let wanted = [("s", "t"), ("v", "NaN")].map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(texts, wanted);
}

#[test]
fn rules_of_one_name_leave_each_others_series_alone() {
    let general = "{alert: H, expr: y > 0, keep_firing_for: 10m}";
    let special = "{alert: H, expr: x > 0, for: 30m, labels: {severity: page}}";
    let twin = "{alert: H, expr: z > 0, keep_firing_for: 10m, labels: {severity: '{{ `a` }}'}}";
    for rules in [[general, special, twin], [special, twin, general], [twin, general, special]] {
        let text = format!("groups: [{{name: g, rules: [{}]}}]", rules.join(", "));
        let place = rules.iter().position(|rule| *rule == special).expect("is there");
        let mut store = MemoryStore::default();
        for minute in 100..=110 {
            let name = [("alertname", "H"), ("severity", "page")];
            let since = [[("__name__", "ALERTS_FOR_STATE")].as_slice(), &name].concat();
            put(&mut store, minute, &since, 6000.0);
            let firing = [("__name__", "ALERTS"), ("alertstate", "firing")];
            put(&mut store, minute, &[firing.as_slice(), &name].concat(), 1.0);
        }
        for minute in 129..=131 {
            put(&mut store, minute, &[("__name__", "x")], 1.0);
        }
        let mut lab = after_restart(&text, store);
        let written: Vec<String> = lab.evaluate(131).iter().flat_map(shown).collect();
        let ended: Vec<&String> =
            written.iter().filter(|sample| sample.contains("stale")).collect();
        let firing = "ALERTS{alertname=\"H\", alertstate=\"firing\", severity=\"page\"} stale @131";
        assert_eq!(ended, [firing], "it is pending again; its start goes on");
        let counts: Vec<usize> =
            lab.group.rules().iter().map(|rule| rule.alerts().count()).collect();
        assert_eq!(counts.iter().sum::<usize>(), 1, "{counts:?}");
        let alert = lab.group.rules().get(place).and_then(|rule| rule.alerts().next());
        assert_eq!(alert.map(|alert| alert.active_at.0 / MINUTE), Some(120));
    }
}
