//! When restarts do not help: quarantine, one page, and a person.

use super::*;

const SHOP: &str = "acme/shop/shop-0@n1";

#[test]
fn three_restarts_that_do_not_help_end_in_quarantine_and_one_page() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for run in 1..=3 {
        rig.fail_and_restart(SHOP, run);
        rig.secs(1);
    }
    rig.say(EventKind::ProbeFailed, SHOP, 4);
    rig.secs(3600);
    assert_eq!(rig.sent.len(), 3);
    let quarantined = rig.last(EventKind::Quarantined);
    assert!(
        quarantined.reason.starts_with(
            "left alone until a person resumes it: 3 restarts did not help; last: GET /healthz"
        ),
        "{}",
        quarantined.reason
    );
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 1);
    assert_eq!(rig.core.quarantined().count(), 1);
}

#[test]
fn three_restarts_that_help_for_a_moment_end_in_quarantine_too() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for run in 1..=3 {
        rig.fail_and_restart(SHOP, run);
        rig.secs(1);
        rig.say(EventKind::ProbeRecovered, SHOP, run + 1);
        rig.secs(30);
    }
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 3);
    rig.say(EventKind::ProbeFailed, SHOP, 4);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 3);
    assert!(rig.last(EventKind::Quarantined).reason.contains("3 restarts within 10 min"));
}

#[test]
fn restarts_that_help_for_a_quarter_of_an_hour_end_in_quarantine_at_last() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for run in 1..=6 {
        rig.fail_and_restart(SHOP, run);
        rig.secs(1);
        rig.say(EventKind::ProbeRecovered, SHOP, run + 1);
        rig.secs(9 * 60);
    }
    rig.say(EventKind::ProbeFailed, SHOP, 7);
    rig.secs(60);
    let reason = &rig.last(EventKind::Quarantined).reason;
    assert!(reason.contains("6 restarts within 60 min: each helps only for a while"), "{reason}");
}

#[test]
fn a_quarantine_holds_through_recovery_and_failure_until_a_person_resumes() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for run in 1..=3 {
        rig.fail_and_restart(SHOP, run);
    }
    rig.say(EventKind::ProbeFailed, SHOP, 4);
    rig.secs(60);
    rig.say(EventKind::ProbeRecovered, SHOP, 4);
    assert_eq!(
        rig.last(EventKind::Recovered).reason.split(',').next(),
        Some("healthy again after 3 restarts")
    );
    rig.secs(24 * 3600);
    rig.say(EventKind::ProbeFailed, SHOP, 4);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 3);
    rig.assert_refused(Guardrail::Quarantine, "in quarantine until a person resumes it");
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 1);

    let mut nobody = event(EventKind::Resumed, &target(SHOP), 0, rig.now);
    nobody.target.app.clear();
    nobody.target.instance.clear();
    rig.tell(nobody);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 3, "who resumes nobody resumes nobody");

    rig.say(EventKind::Resumed, SHOP, 0);
    rig.secs(1);
    assert_eq!(rig.sent.len(), 4);
    assert!(rig.last(EventKind::RestartDecided).reason.starts_with("restart (1 of 3)"));
}

#[test]
fn a_resume_of_an_app_resumes_its_instances() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for run in 1..=3 {
        rig.fail_and_restart(SHOP, run);
    }
    rig.say(EventKind::ProbeFailed, SHOP, 4);
    rig.secs(60);
    let mut app = event(EventKind::Resumed, &target(SHOP), 0, rig.now);
    app.target.instance.clear();
    rig.tell(app);
    rig.secs(1);
    assert_eq!(rig.sent.len(), 4);
}
