//! A new process that reads the timeline goes on where the old one stopped.

use super::*;
use crate::{BreakerState, Stage};

const SHOP: &str = "acme/shop/shop-0@n1";

/// The same rig with a new core that has read the log.
fn crash(mut rig: Rig) -> Rig {
    rig.core = Remediation::new(Policy::with_defaults(tenant("platform")), 99);
    rig.core.replay(&rig.log, rig.now);
    rig.drain();
    rig
}

#[test]
fn a_command_in_progress_is_not_repeated() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    assert_eq!(rig.sent.len(), 1);
    let mut rig = crash(rig);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 1);
    assert_eq!(
        rig.core.incidents().next().map(|i| (i.stage, i.attempts)),
        Some((Stage::Commanded, 1))
    );
    rig.restarted();
    rig.secs(10);
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 1);
}

#[test]
fn an_answer_that_came_before_the_crash_is_verified_after_it() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.secs(1);
    rig.restarted();
    let id = rig.last(EventKind::RestartDecided).incident.clone();
    let mut rig = crash(rig);
    rig.say(EventKind::ProbeRecovered, SHOP, 2);
    assert_eq!(rig.last(EventKind::Recovered).incident, id);
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn a_recovery_that_was_not_recorded_is_recorded_after_the_crash() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.secs(1);
    rig.restarted();
    rig.say(EventKind::ProbeRecovered, SHOP, 2);
    assert_eq!(rig.log.pop().map(|event| event.kind), Some(EventKind::Recovered));
    let rig = crash(rig);
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 1);
}

#[test]
fn a_failure_that_was_not_dealt_with_is_dealt_with_after_the_crash() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.slow = true;
    rig.say(EventKind::Exited, SHOP, 1);
    rig.unrecorded.clear();
    rig.slow = false;
    let rig = crash(rig);
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn attempts_and_quarantines_are_remembered() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for run in 1..=2 {
        rig.fail_and_restart(SHOP, run);
        rig = crash(rig);
    }
    rig.fail_and_restart(SHOP, 3);
    rig = crash(rig);
    rig.say(EventKind::ProbeFailed, SHOP, 4);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 3);
    assert_eq!(rig.of_kind(EventKind::Quarantined).len(), 1);
    rig = crash(rig);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 3);
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 1, "nobody is called twice");
    rig.say(EventKind::Resumed, SHOP, 0);
    rig = crash(rig);
    rig.secs(1);
    assert_eq!(rig.sent.len(), 4);
}

#[test]
fn an_open_breaker_stays_open_without_a_second_page() {
    let mut rig = Rig::new();
    for i in 0..10 {
        rig.say(EventKind::Started, &format!("t{i}/app/app-0@n{i}"), 1);
    }
    for i in 0..4 {
        rig.say(EventKind::ProbeFailed, &format!("t{i}/app/app-0@n{i}"), 1);
    }
    rig.secs(10);
    let mut rig = crash(rig);
    assert!(matches!(rig.core.breaker(), BreakerState::Open { .. }));
    rig.secs(30);
    assert!(rig.sent.is_empty());
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 1);
}

#[test]
fn a_withdrawn_intent_costs_nothing_after_a_crash() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.slow = true;
    rig.say(EventKind::Exited, SHOP, 1);
    rig.slow = false;
    let (ticket, intent) = rig.unrecorded.pop().expect("an intent");
    rig.log.push(intent);
    rig.now = rig.now.saturating_add(Duration::from_secs(20));
    rig.core.handle_recorded(ticket, rig.now);
    rig.drain();
    rig.assert_refused(Guardrail::Withdrawn, "too long");
    let mut rig = crash(rig);
    rig.secs(2);
    assert_eq!(rig.sent.len(), 1);
    assert!(rig.last(EventKind::RestartDecided).reason.starts_with("restart (1 of 3)"));
}

#[test]
fn a_timeline_that_lacks_its_beginning_is_believed() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.log.retain(|event| event.kind == EventKind::RestartDecided);
    let mut rig = crash(rig);
    assert_eq!(rig.core.incidents().count(), 1);
    rig.restarted();
    rig.secs(10);
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 1);
}
