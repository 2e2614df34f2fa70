//! Tests of reading stories: a step out of order is a missing step.

use std::collections::BTreeMap;

use model::{
    event::{Event, EventKind, Target},
    tenant::TenantId,
    time::Timestamp,
};

use super::Steps;

fn steps(events: &[(EventKind, i64)]) -> Steps {
    let events: Vec<Event> = events
        .iter()
        .map(|(kind, time)| Event {
            id: 0,
            time: Timestamp(*time),
            kind: *kind,
            target: Target {
                tenant: TenantId::new("acme").expect("is valid"),
                app: "a".to_owned(),
                component: String::new(),
                instance: "a-0".to_owned(),
                node: "n".to_owned(),
            },
            reason: "why".to_owned(),
            incident: String::new(),
            details: BTreeMap::new(),
        })
        .collect();
    Steps::read(Timestamp(100), events.iter())
}

#[test]
fn a_whole_story_misses_nothing() {
    use EventKind::{ProbeFailed, Recovered, RestartDecided, Restarted};
    let whole = [(ProbeFailed, 110), (RestartDecided, 111), (Restarted, 112), (Recovered, 113)];
    assert!(steps(&whole).missing_for_recovery().is_empty());
    assert_eq!(steps(&whole[..3]).missing_for_recovery(), ["recovered"]);
}

#[test]
fn events_before_the_fault_do_not_count() {
    use EventKind::{ProbeFailed, Recovered, RestartDecided, Restarted};
    let early = [(ProbeFailed, 99), (RestartDecided, 111), (Restarted, 112), (Recovered, 113)];
    assert_eq!(steps(&early).missing_for_recovery(), ["detected"]);
}

#[test]
fn a_step_out_of_order_is_missing() {
    use EventKind::{ProbeFailed, Recovered, RestartDecided, Restarted};
    let disorder = [(ProbeFailed, 110), (Restarted, 111), (RestartDecided, 112), (Recovered, 113)];
    assert_eq!(steps(&disorder).missing_for_recovery(), ["restarted"]);
}
