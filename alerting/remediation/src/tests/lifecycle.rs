//! The way of an incident when nothing holds it back.

use super::*;
use crate::Stage;

const SHOP: &str = "acme/shop/shop-0@n1";

#[test]
fn a_hang_is_restarted_and_its_recovery_recorded() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    assert!(rig.sent.is_empty(), "a verdict of a probe waits for others first");
    rig.secs(1);
    let decided = rig.last(EventKind::RestartDecided).clone();
    assert_eq!(decided.reason, "restart (1 of 3): GET /healthz: no answer within 500ms");
    assert_eq!(decided.run(), 1);
    let command = rig.sent[0].clone();
    assert_eq!((command.run, &command.incident), (1, &decided.incident));
    assert_eq!(command.expires, decided.time.saturating_add(Duration::from_secs(30)));
    rig.restarted();
    assert_eq!(rig.core.incidents().next().map(|i| i.stage), Some(Stage::Verifying));
    rig.secs(2);
    rig.say(EventKind::ProbeRecovered, SHOP, 2);
    let recovered = rig.last(EventKind::Recovered);
    assert_eq!(recovered.reason, "healthy again after 1 restart, 3 s");
    assert_eq!(recovered.incident, decided.incident);
    assert_eq!(rig.core.incidents().count(), 0);
    assert_eq!(rig.core.poll_timeout(), None);
}

#[test]
fn a_crash_is_started_again_at_once_and_settles_without_a_probe() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    assert_eq!(rig.sent.len(), 1, "no waiting");
    rig.restarted();
    rig.secs(4);
    assert!(rig.of_kind(EventKind::Recovered).is_empty());
    rig.secs(1);
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 1);
}

#[test]
fn a_probe_that_recovers_by_itself_in_time_leaves_no_trace() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.advance(Duration::from_millis(99));
    rig.say(EventKind::ProbeRecovered, SHOP, 1);
    rig.secs(600);
    assert_eq!(rig.core.incidents().count(), 0);
    assert_eq!(rig.log.len(), 3, "only facts: {:?}", rig.log);
}

#[test]
fn events_of_an_older_run_change_nothing() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.restarted();
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 1);
    assert_eq!(rig.core.stats().stale, 2);
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 1);
}

#[test]
fn a_start_told_late_or_twice_does_not_look_like_a_recovery() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.say(EventKind::Exited, SHOP, 2);
    rig.secs(2);
    assert_eq!(rig.sent.last().map(|command| command.run), Some(2));
    rig.say(EventKind::Restarted, SHOP, 2);
    rig.secs(20);
    assert!(rig.of_kind(EventKind::Recovered).is_empty());
    rig.say(EventKind::Restarted, SHOP, 3);
    rig.secs(20);
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 1);
}

#[test]
fn without_a_sign_of_recovery_the_attempt_has_failed() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.secs(1);
    rig.restarted();
    rig.secs(59);
    assert_eq!(rig.sent.len(), 1);
    rig.secs(4);
    assert_eq!(rig.sent.len(), 2);
    let reason = &rig.last(EventKind::RestartDecided).reason;
    assert_eq!(reason, "restart (2 of 3): no sign of recovery within 60 s of the restart");
}

#[test]
fn a_node_that_does_not_answer_gets_another_command_only_after_a_long_wait() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.secs(89);
    assert_eq!(rig.sent.len(), 1);
    rig.secs(3);
    assert_eq!(rig.sent.len(), 2);
    assert!(rig.sent[0].expires < rig.last(EventKind::RestartDecided).time, "never two valid ones");
    assert_eq!(
        rig.last(EventKind::RestartDecided).reason,
        "restart (2 of 3): node n1 did not answer"
    );
}

#[test]
fn a_node_that_cannot_is_asked_again_with_backoff() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.say(EventKind::RestartFailed, SHOP, 1);
    rig.secs(2);
    assert_eq!(rig.sent.len(), 2);
    let reason = &rig.last(EventKind::RestartDecided).reason;
    assert_eq!(reason, "restart (2 of 3): the node could not restart it: no such container");
}

#[test]
fn a_start_by_somebody_else_ends_the_wait() {
    let mut rig = Rig::new();
    rig.core.pause("night", crate::selector::Scope::Everything, None).expect("a pause");
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.say(EventKind::Started, SHOP, 2);
    rig.secs(10);
    assert!(rig.sent.is_empty());
    assert_eq!(rig.last(EventKind::Recovered).reason, "healthy again by itself, 5 s");
}

#[test]
fn an_event_without_an_instance_is_dropped_and_counted() {
    let mut rig = Rig::new();
    let mut event = event(EventKind::Exited, &target(SHOP), 1, rig.now);
    event.target.instance.clear();
    rig.tell(event);
    assert_eq!(rig.core.stats().dropped, 1);
    assert!(rig.sent.is_empty());
}

#[test]
fn its_own_entries_coming_back_change_nothing() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    for event in rig.log.clone() {
        if event.kind == EventKind::RestartDecided {
            rig.core.handle_event(&event, rig.now);
        }
    }
    rig.drain();
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn an_instance_that_departed_is_forgotten() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.slow = true;
    rig.say(EventKind::Exited, SHOP, 1);
    rig.core.handle_departed(&target(SHOP), rig.now);
    let (ticket, _) = rig.unrecorded[0];
    rig.core.handle_recorded(ticket, rig.now);
    rig.drain();
    assert!(rig.sent.is_empty());
    assert_eq!(rig.core.poll_timeout(), None);
    assert_eq!(rig.core.incidents().count(), 0);
}
