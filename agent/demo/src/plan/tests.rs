//! Tests of the schedule, on a clock of their own.

use std::collections::BTreeMap;

use model::tenant::TenantId;
use proptest::prelude::*;

use super::*;

const TIMING: Timing = Timing {
    first_after: Duration::from_secs(20),
    between: Duration::from_secs(5),
    story_max: Duration::from_secs(60),
    clear_after: Duration::from_secs(2),
};

fn target(instance: &str) -> Target {
    Target {
        tenant: TenantId::new("acme").unwrap(),
        app: "app".into(),
        component: String::new(),
        instance: instance.into(),
        node: "here".into(),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1000)
}

fn event(kind: EventKind, instance: &str, seconds: i64) -> Event {
    Event {
        id: 0,
        time: at(seconds),
        kind,
        target: target(instance),
        reason: String::new(),
        incident: String::new(),
        details: BTreeMap::new(),
    }
}

fn plan() -> Plan {
    let faults = vec![(Fault::Hang, target("a")), (Fault::CrashLoop, target("b"))];
    Plan::new(faults, TIMING, at(0))
}

fn inject(fault: Fault, instance: &str) -> Option<Injection> {
    Some(Injection { target: target(instance), step: Step::Inject(fault) })
}

#[test]
fn one_story_after_the_other() {
    let mut plan = plan();
    assert_eq!(plan.poll(at(19), &[]), None);
    assert_eq!(plan.poll_timeout(), Some(at(20)));
    assert_eq!(plan.poll(at(20), &[]), inject(Fault::Hang, "a"));
    assert_eq!(plan.poll(at(21), &[event(EventKind::ProbeFailed, "a", 21)]), None);
    assert_eq!(plan.poll(at(22), &[event(EventKind::Recovered, "b", 22)]), None, "another's");
    assert_eq!(plan.poll(at(22), &[event(EventKind::Recovered, "a", 19)]), None, "an older one");
    assert_eq!(plan.poll_timeout(), Some(at(80)));
    assert_eq!(plan.poll(at(24), &[event(EventKind::Recovered, "a", 23)]), None);
    assert_eq!(plan.stories()[0].outcome, Some(Outcome::Recovered));
    assert_eq!(plan.stories()[0].ended_at, Some(at(23)));
    assert_eq!(plan.poll(at(27), &[]), None);
    assert_eq!(plan.poll(at(28), &[]), inject(Fault::CrashLoop, "b"));
    let quarantined = event(EventKind::Quarantined, "b", 40);
    assert_eq!(plan.poll(at(40), std::slice::from_ref(&quarantined)), None);
    let clear = Some(Injection { target: target("b"), step: Step::Clear });
    assert_eq!(plan.poll(at(42), &[quarantined]), clear);
    assert!(plan.is_finished());
    assert_eq!((plan.poll(at(1000), &[]), plan.poll_timeout()), (None, None));
    assert_eq!(plan.stories()[1].outcome, Some(Outcome::Quarantined));
}

#[test]
fn a_story_that_does_not_end_is_ended_and_cleared() {
    let mut plan = plan();
    plan.poll(at(20), &[]);
    assert_eq!(plan.poll(at(79), &[]), None);
    assert_eq!(plan.poll(at(80), &[]), None);
    assert_eq!(plan.stories()[0].outcome, Some(Outcome::TimedOut));
    assert_eq!(plan.poll(at(82), &[]).map(|injection| injection.step), Some(Step::Clear));
    assert_eq!(plan.poll(at(86), &[]), None);
    assert_eq!(plan.poll(at(87), &[]), inject(Fault::CrashLoop, "b"));
}

#[test]
fn what_cannot_be_injected_is_passed_over() {
    let mut plan = plan();
    plan.not_injected(at(1));
    assert!(plan.stories().is_empty(), "nothing was asked for");
    plan.poll(at(20), &[]);
    plan.not_injected(at(20));
    assert_eq!(plan.stories()[0].outcome, Some(Outcome::NotInjected));
    assert_eq!(plan.poll(at(25), &[]), inject(Fault::CrashLoop, "b"));
}

#[test]
fn without_faults_there_is_nothing_to_do() {
    let mut plan = Plan::new(Vec::new(), TIMING, at(0));
    assert!(plan.is_finished());
    assert_eq!(plan.poll(at(100), &[]), None);
}

proptest! {
    /// Whatever happens when, each fault comes once, in order, and the plan ends.
    #[test]
    fn every_plan_ends(steps in proptest::collection::vec((0_i64..90, 0_usize..4), 0..60)) {
        let mut plan = plan();
        let (mut now, mut injected) = (0, Vec::new());
        let calm = std::iter::repeat_n((90, 3), 20);
        for (seconds, what) in steps.into_iter().chain(calm) {
            now += seconds;
            let events = match what {
                0 => vec![event(EventKind::Recovered, "a", now)],
                1 => vec![event(EventKind::Quarantined, "b", now)],
                _ => vec![],
            };
            if let Some(Injection { step: Step::Inject(fault), .. }) = plan.poll(at(now), &events) {
                injected.push(fault);
            }
        }
        prop_assert!(plan.is_finished());
        prop_assert_eq!(injected, [Fault::Hang, Fault::CrashLoop]);
        prop_assert!(plan.stories().iter().all(|story| story.outcome.is_some()));
    }
}
