//! Nothing is done before its intent is on record, and what changed meanwhile stops it.

use super::*;
use crate::{Stage, selector::Scope};

const SHOP: &str = "acme/shop/shop-0@n1";

fn rig_with_open_intent() -> (Rig, u64) {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.slow = true;
    rig.say(EventKind::Exited, SHOP, 1);
    let (ticket, intent) = rig.unrecorded.pop().expect("an intent");
    assert_eq!(intent.kind, EventKind::RestartDecided);
    rig.log.push(intent);
    assert!(rig.sent.is_empty(), "not before it is recorded");
    (rig, ticket)
}

/// Changes something, then confirms the record; gives the rig.
fn after(change: impl FnOnce(&mut Rig)) -> Rig {
    let (mut rig, ticket) = rig_with_open_intent();
    change(&mut rig);
    rig.slow = false;
    for (ticket, event) in std::mem::take(&mut rig.unrecorded) {
        rig.log.push(event);
        rig.core.handle_recorded(ticket, rig.now);
    }
    rig.core.handle_recorded(ticket, rig.now);
    rig.drain();
    rig
}

#[test]
fn the_command_follows_its_record_once() {
    let (mut rig, ticket) = rig_with_open_intent();
    rig.core.handle_recorded(ticket, rig.now);
    rig.core.handle_recorded(ticket, rig.now);
    rig.core.handle_recorded(ticket + 1, rig.now);
    rig.drain();
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn a_start_meanwhile_withdraws_it() {
    let rig = after(|rig| rig.say(EventKind::Started, SHOP, 2));
    assert!(rig.sent.is_empty());
    rig.assert_refused(Guardrail::Withdrawn, "not restarted after all: it was started anew");
    assert_eq!(rig.core.stats().withdrawn, 1);
}

#[test]
fn a_pause_meanwhile_withdraws_it() {
    let mut rig =
        after(|rig| rig.core.pause("deploy freeze", Scope::Everything, None).expect("a pause"));
    assert!(rig.sent.is_empty());
    rig.secs(2);
    rig.assert_refused(Guardrail::Paused, "paused by deploy freeze");
}

#[test]
fn a_late_record_withdraws_it_and_costs_no_attempt() {
    let mut rig = after(|rig| rig.now = rig.now.saturating_add(Duration::from_secs(11)));
    assert!(rig.sent.is_empty());
    rig.assert_refused(Guardrail::Withdrawn, "its record took too long");
    rig.secs(2);
    assert_eq!(rig.sent.len(), 1);
    assert!(rig.last(EventKind::RestartDecided).reason.starts_with("restart (1 of 3)"));
}

#[test]
fn a_record_that_never_comes_withdraws_it() {
    let (mut rig, ticket) = rig_with_open_intent();
    rig.secs(30);
    assert!(rig.sent.is_empty());
    rig.core.handle_recorded(ticket, rig.now);
    rig.drain();
    assert!(rig.sent.is_empty(), "the old ticket is void");
}

#[test]
fn a_failed_record_is_tried_again() {
    let (mut rig, ticket) = rig_with_open_intent();
    rig.core.handle_record_failed(ticket, rig.now);
    assert_eq!(rig.core.incidents().next().map(|i| i.stage), Some(Stage::Waiting));
    rig.slow = false;
    rig.secs(2);
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn a_page_that_could_not_be_recorded_is_handed_out_again() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for run in 1..=3 {
        rig.fail_and_restart(SHOP, run);
    }
    rig.slow = true;
    rig.say(EventKind::ProbeFailed, SHOP, 4);
    rig.secs(60);
    let first = std::mem::take(&mut rig.unrecorded);
    assert_eq!(first.len(), 2, "quarantined and paged: {first:?}");
    for (ticket, _) in first.iter().rev() {
        rig.core.handle_record_failed(*ticket, rig.now);
    }
    rig.drain();
    assert_eq!(rig.unrecorded, first);
    for (ticket, _) in &first {
        rig.core.handle_recorded(*ticket, rig.now);
        rig.core.handle_record_failed(*ticket, rig.now);
    }
    rig.unrecorded.clear();
    rig.drain();
    assert!(rig.unrecorded.is_empty(), "once is enough");
}
