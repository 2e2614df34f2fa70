//! Groups: order, staleness, new versions of a file, schedule.

use std::time::Duration;

use model::{query::Queryable, time::Timestamp};
use promql::{Context, script::MemoryStore};
use rules::{AppendError, Environment, Group, NewSample, RuleError, RuleFile, Storage};

use super::lab::{Lab, group, shown};

#[test]
fn a_rule_sees_what_the_rules_before_it_gave() {
    let mut lab = Lab::new(
        "groups: [{name: g, rules: [{record: a, expr: x + 1}, {record: b, expr: a * 10}]}]",
    );
    lab.put(0, "x", 1.0);
    let outcomes = lab.evaluate(0);
    assert_eq!(outcomes.iter().flat_map(shown).collect::<Vec<_>>(), ["a 2 @0", "b 20 @0"]);
}

#[test]
fn series_that_vanish_end() {
    let mut lab = Lab::new("groups: [{name: g, rules: [{record: a, expr: x > 1}]}]");
    let mut written = Vec::new();
    for (minute, value) in [(0, 2.0), (1, 1.0), (2, 1.0), (3, 3.0)] {
        lab.put(minute, "x", value);
        written.extend(lab.evaluate(minute).iter().flat_map(shown));
    }
    assert_eq!(written, ["a 2 @0", "a stale @1", "a 3 @3"]);
}

#[test]
fn a_failed_evaluation_ends_nothing() {
    let mut lab = Lab::new(
        "groups: [{name: g, limit: 1, rules: [{record: a, expr: '{__name__=~\"x|y\"}'}]}]",
    );
    lab.put(0, "x", 2.0);
    assert_eq!(lab.evaluate(0).iter().flat_map(shown).count(), 1);
    lab.put(1, "y", 2.0);
    let outcomes = lab.evaluate(1);
    let error = outcomes.first().and_then(|outcome| outcome.error.clone());
    assert_eq!(error, Some(RuleError::DuplicateSeries));
    assert_eq!(outcomes.iter().flat_map(shown).count(), 0);
    assert_eq!(lab.group.rules().first().and_then(|rule| rule.last_error()), error.as_ref());
}

#[test]
fn samples_have_the_time_of_their_data() {
    let mut lab = Lab::new("groups: [{name: g, query_offset: 2m, rules: [{record: a, expr: x}]}]");
    lab.put(0, "x", 5.0);
    lab.put(1, "x", 6.0);
    assert_eq!(lab.evaluate(2).iter().flat_map(shown).collect::<Vec<_>>(), ["a 5 @0"]);
}

#[test]
fn a_new_version_of_a_file_keeps_the_state_of_its_rules() {
    let old = "groups: [{name: g, rules: [{record: a, expr: x}, {record: b, expr: x}]}]";
    let new = "groups: [{name: g, rules: [{record: c, expr: x}, {record: a, expr: x > 9}]}]";
    let mut lab = Lab::new(old);
    lab.put(0, "x", 1.0);
    lab.evaluate(0);
    let mut changed = group(new, true);
    changed.adopt(lab.group);
    let mut lab = Lab::with(changed, lab.store);
    let written: Vec<String> = lab.evaluate(1).iter().flat_map(shown).collect();
    // `a` has ended because it found nothing, `b` because its rule is gone.
    assert_eq!(written, ["c 1 @1", "a stale @1", "b stale @1"]);
    assert_eq!(lab.evaluate(2).iter().flat_map(shown).collect::<Vec<_>>(), ["c 1 @2"]);
    let ended = lab.group.retire(Timestamp(180_000));
    assert_eq!(ended.iter().map(|sample| sample.labels.to_string()).collect::<Vec<_>>(), ["c"]);
    assert!(ended.iter().all(NewSample::is_stale));
}

#[test]
fn rules_that_went_before_the_last_version_end_too() {
    let version = |rule: &str| {
        group(&format!("groups: [{{name: g, rules: [{{record: {rule}, expr: x}}]}}]"), true)
    };
    let mut lab = Lab::with(version("a"), MemoryStore::default());
    lab.put(0, "x", 1.0);
    lab.evaluate(0);
    let mut second = version("b");
    second.adopt(lab.group);
    let mut third = version("c");
    third.adopt(second);
    let mut lab = Lab::with(third, lab.store);
    assert_eq!(
        lab.evaluate(1).iter().flat_map(shown).collect::<Vec<_>>(),
        ["c 1 @1", "a stale @1"]
    );
}

#[test]
fn slots_are_an_interval_apart_and_differ_between_groups() {
    let text =
        "groups: [{name: a, interval: 30s}, {name: b, interval: 30s}, {name: c, interval: 0s}]";
    let groups: Vec<Group> = RuleFile::parse("f", text)
        .expect("is right")
        .groups
        .into_iter()
        .map(|spec| Group::new(spec, Duration::from_secs(90), Environment::default(), true))
        .collect();
    assert_eq!(groups.last().map(Group::interval), Some(Duration::from_secs(90)));
    for group in &groups {
        let interval = group.interval().as_millis() as i64;
        for at in [-1_000_000, -1, 0, 1, 1_769_860_800_123] {
            let slot = group.slot(Timestamp(at));
            assert!(slot.0 <= at && at < slot.0 + interval, "{at}");
            assert_eq!(group.slot(slot), slot);
            assert_eq!(group.slot(Timestamp(slot.0 + interval)).0, slot.0 + interval);
            assert_eq!(group.slot(Timestamp(slot.0 - 1)).0, slot.0 - interval);
        }
    }
    let offsets: Vec<i64> = groups
        .iter()
        .map(|group| group.slot(Timestamp(900_000_000)).0.rem_euclid(30_000))
        .collect();
    assert_ne!(offsets.first(), offsets.get(1));
}

/// A store that refuses everything for a while.
struct Broken<'a> {
    lab: &'a mut MemoryStore,
    refuses: bool,
}

impl Storage for Broken<'_> {
    fn queryable(&self) -> &dyn Queryable {
        self.lab
    }

    fn append(&mut self, samples: &[NewSample]) -> Result<(), AppendError> {
        if self.refuses {
            return Err(AppendError { dropped: samples.len(), reason: "away".to_owned() });
        }
        self.lab.append(samples)
    }
}

#[test]
fn ends_that_could_not_be_stored_are_stored_later() {
    let mut lab = Lab::new("groups: [{name: g, rules: [{record: a, expr: x > 1}]}]");
    let mut stored = Vec::new();
    for (minute, value, refuses) in
        [(0, 2.0, false), (1, 1.0, true), (2, 1.0, true), (3, 1.0, false)]
    {
        lab.put(minute, "x", value);
        let mut storage = Broken { lab: &mut lab.store, refuses };
        let at = Timestamp(minute * 60_000);
        let outcomes = lab.group.evaluate(at, &lab.engine, Context::unlimited(), &mut storage);
        let refused = outcomes.iter().any(|outcome| outcome.error.is_some());
        assert_eq!(refused, refuses, "minute {minute}");
        if !refuses {
            stored.extend(outcomes.iter().flat_map(shown));
        }
    }
    assert_eq!(stored, ["a 2 @0", "a stale @3"]);
}

#[test]
fn what_is_back_is_not_ended_by_what_is_owed() {
    let mut lab = Lab::new("groups: [{name: g, rules: [{record: a, expr: x > 1}]}]");
    for (minute, value, refuses) in [(0, 2.0, false), (1, 1.0, true), (2, 2.0, false)] {
        lab.put(minute, "x", value);
        let mut storage = Broken { lab: &mut lab.store, refuses };
        let at = Timestamp(minute * 60_000);
        let outcomes = lab.group.evaluate(at, &lab.engine, Context::unlimited(), &mut storage);
        if minute == 2 {
            assert_eq!(outcomes.iter().flat_map(shown).collect::<Vec<_>>(), ["a 2 @2"]);
        }
    }
}
