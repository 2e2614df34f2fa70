//! Tests of the division: conservation, monotony, and the cases that have gone wrong elsewhere.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{CONTAINERS_MAX, Division, Listed};

const POD: Listed<'static> = Listed { id: "pod", app: false };

fn app(id: &str) -> Listed<'_> {
    Listed { id, app: true }
}

fn usage(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(id, nanos)| ((*id).to_owned(), *nanos)).collect()
}

fn charged(division: &Division) -> Vec<(String, u64)> {
    division.charged().map(|(id, nanos)| (id.to_owned(), nanos)).collect()
}

fn owned(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(id, nanos)| ((*id).to_owned(), *nanos)).collect()
}

/// A pod with two containers whose counters began under our eyes, at 1000 on the host.
fn pair() -> Division {
    let mut division = Division::default();
    assert_eq!(division.list([POD, app("a"), app("b")], true), 0);
    division.observe(1000);
    division
}

#[test]
fn the_only_app_is_charged_with_everything_and_nobody_is_asked() {
    let mut division = Division::default();
    division.list([POD, app("a")], true);
    division.observe(1000);
    division.observe(1500);
    assert!(!division.needs_usage());
    assert_eq!(charged(&division), owned(&[("a", 500), ("pod", 0)]));
}

#[test]
fn a_pod_without_apps_charges_its_own_container() {
    let mut division = Division::default();
    division.list([POD], true);
    division.observe(1000);
    division.observe(1300);
    assert_eq!(charged(&division), owned(&[("pod", 300)]));
}

#[test]
fn deltas_divide_the_hosts_delta_whatever_the_sentrys_clock_says() {
    let mut division = pair();
    assert!(division.needs_usage());
    division.observe(1400);
    assert_eq!(charged(&division), owned(&[("a", 0), ("b", 0), ("pod", 0)]));
    division.divide(&usage(&[("a", 9000), ("b", 3000), ("pod", 0)]));
    assert_eq!(charged(&division), owned(&[("a", 300), ("b", 100), ("pod", 0)]));
    division.observe(1500);
    division.divide(&usage(&[("a", 9000), ("b", 3001), ("pod", 0)]));
    assert_eq!(charged(&division), owned(&[("a", 300), ("b", 200), ("pod", 0)]));
}

#[test]
fn nothing_counted_is_divided_equally_among_the_apps() {
    let mut division = pair();
    division.observe(1101);
    division.divide(&usage(&[("a", 0), ("b", 0), ("pod", 0)]));
    assert_eq!(charged(&division), owned(&[("a", 51), ("b", 50), ("pod", 0)]));
}

#[test]
fn a_container_that_exits_is_charged_once_more_and_lifts_no_other() {
    let mut division = pair();
    division.observe(1200);
    division.divide(&usage(&[("a", 100), ("b", 100)]));
    division.list([POD, app("a")], true);
    assert!(division.needs_usage(), "one word more about b");
    division.observe(1400);
    division.divide(&usage(&[("a", 200)]));
    assert_eq!(charged(&division), owned(&[("a", 200), ("pod", 0)]), "b has had its 100");
    assert!(!division.needs_usage());
    division.observe(1450);
    assert_eq!(charged(&division), owned(&[("a", 250), ("pod", 0)]));
}

#[test]
fn a_sentry_that_does_not_answer_is_given_up() {
    let mut division = pair();
    division.observe(1200);
    division.divide(&usage(&[("a", 100), ("b", 100)]));
    division.list([POD, app("a")], true);
    division.observe(1400);
    division.give_up();
    division.observe(1401);
    assert_eq!(charged(&division), owned(&[("a", 301), ("pod", 0)]));
}

#[test]
fn a_container_restarted_under_its_name_begins_at_zero_for_the_sentry_only() {
    let mut division = pair();
    division.observe(1200);
    division.divide(&usage(&[("a", 1000), ("b", 1000)]));
    division.observe(1300);
    division.divide(&usage(&[("a", 1100)]));
    division.observe(1400);
    division.divide(&usage(&[("a", 1100), ("b", 50)]));
    let [(_, a), (_, b), _] = charged(&division).try_into().expect("three");
    assert_eq!((a + b, b > 200), (400, true));
}

#[test]
fn a_counter_that_falls_charges_nothing() {
    let mut division = pair();
    division.observe(1200);
    division.divide(&usage(&[("a", 100), ("b", 100)]));
    division.observe(5);
    division.observe(25);
    division.divide(&usage(&[("a", 50), ("b", 101)]));
    assert_eq!(charged(&division), owned(&[("a", 100), ("b", 120), ("pod", 0)]));
}

#[test]
fn names_that_are_not_listed_and_too_many_containers_are_counted() {
    let mut division = pair();
    division.observe(1100);
    assert_eq!(division.divide(&usage(&[("a", 1), ("x", 5), ("y", 5)])), 2);
    assert_eq!(charged(&division), owned(&[("a", 100), ("b", 0), ("pod", 0)]));
    let names: Vec<String> = (0..CONTAINERS_MAX + 7).map(|number| number.to_string()).collect();
    let mut many = Division::default();
    assert_eq!(many.list(names.iter().map(|name| app(name)), true), 7);
}

#[derive(Clone, Debug)]
enum Step {
    List(Vec<bool>),
    Observe(u64),
    Divide(Vec<Option<u64>>),
    GiveUp,
}

fn step() -> impl Strategy<Value = Step> {
    let counter = prop_oneof![0..2000u64, Just(u64::MAX), any::<u64>()];
    prop_oneof![
        proptest::collection::vec(any::<bool>(), 5).prop_map(Step::List),
        (0..2000u64).prop_map(Step::Observe),
        proptest::collection::vec(proptest::option::of(counter), 5).prop_map(Step::Divide),
        Just(Step::GiveUp),
    ]
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "pod"];

/// What was charged to containers that are still known and to those that are not.
fn audit(now: &Division, before: &mut BTreeMap<String, u64>, gone: &mut u64) -> u64 {
    let after: BTreeMap<String, u64> = charged(now).into_iter().collect();
    for (name, nanos) in &*before {
        match after.get(name) {
            Some(now) => assert!(now >= nanos, "{name} fell from {nanos} to {now}"),
            None => *gone += nanos,
        }
    }
    *before = after;
    before.values().sum::<u64>()
}

proptest! {
    /// At any time all that the pod has used is charged to somebody exactly once, or pending.
    #[test]
    fn nothing_is_lost_and_nothing_falls(steps in proptest::collection::vec(step(), 1..60), watched: bool) {
        let mut division = Division::default();
        let (mut used, mut pod) = (0u64, None);
        let (mut before, mut gone) = (BTreeMap::new(), 0);
        for step in steps {
            // A container that is removed takes its last charge with it, which no one can see.
            let known: BTreeMap<String, u64> = charged(&division).into_iter().collect();
            let pending = division.pending();
            match step {
                Step::List(listed) => {
                    let names = NAMES.iter().zip(listed).filter(|(_, listed)| *listed);
                    division.list(names.map(|(id, _)| Listed { id, app: *id != "pod" }), watched);
                }
                Step::Observe(to) => {
                    used += pod.map_or(0, |from: u64| to.saturating_sub(from));
                    pod = Some(to);
                    division.observe(to);
                }
                Step::Divide(counters) => {
                    let counters = NAMES.iter().zip(counters);
                    let counters = counters.filter_map(|(id, nanos)| Some(((*id).to_owned(), nanos?)));
                    division.divide(&counters.collect());
                    let after: BTreeMap<String, u64> = charged(&division).into_iter().collect();
                    let kept: u64 = after.iter().map(|(id, nanos)| nanos - known.get(id).unwrap_or(&0)).sum();
                    prop_assert!(kept <= pending);
                    // The rest went to those that were forgotten in the same step.
                    gone += pending - division.pending() - kept;
                }
                Step::GiveUp => division.give_up(),
            }
            let held = audit(&division, &mut before, &mut gone);
            prop_assert_eq!(held + gone + division.pending(), used);
        }
    }
}
