//! Whatever arrives, in whatever order, nothing panics and nothing is done unrecorded.

use proptest::prelude::*;

use super::*;

const KINDS: [EventKind; 13] = [
    EventKind::Started,
    EventKind::Exited,
    EventKind::ProbeFailed,
    EventKind::ProbeRecovered,
    EventKind::RestartDecided,
    EventKind::RestartRefused,
    EventKind::Restarted,
    EventKind::RestartFailed,
    EventKind::Recovered,
    EventKind::Quarantined,
    EventKind::Paged,
    EventKind::Resumed,
    EventKind::FaultInjected,
];

fn any_event() -> impl Strategy<Value = Event> {
    let text = prop_oneof![
        Just("true".to_owned()),
        Just("withdrawn".to_owned()),
        Just("breaker".to_owned()),
        Just("readiness".to_owned()),
        Just("9223372036854775807".to_owned()),
        Just("18446744073709551615".to_owned()),
        "[0-9a-z/-]{0,4}",
    ];
    let key = prop::sample::select(vec!["run", "probe", "guardrail", "expires", "shadow"]);
    let details = prop::collection::btree_map(key.prop_map(str::to_owned), text, 0..4);
    let time = prop_oneof![4 => 0i64..3_000_000, 1 => any::<i64>()];
    let names = (0u8..3, 0u8..3, 0u8..4, 0u8..3);
    (prop::sample::select(KINDS.to_vec()), names, time, details).prop_map(
        |(kind, (tenant, app, instance, node), time, details)| {
            let name = |prefix: &str, number: u8| match number {
                0 => String::new(),
                number => format!("{prefix}{number}"),
            };
            let target = Target {
                tenant: super::tenant(["platform", "acme", "umbrella"][usize::from(tenant)]),
                app: name("app", app),
                component: String::new(),
                instance: name("i", instance),
                node: name("n", node),
            };
            let incident = name("incident", instance);
            Event { details, incident, ..event(kind, &target, 0, Timestamp(time)) }
        },
    )
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_is_done_unrecorded(
        recorded in prop::collection::vec(any_event(), 0..40),
        live in prop::collection::vec((any_event(), any::<bool>()), 0..60),
    ) {
        let mut rig = Rig::new();
        rig.core.replay(&recorded, rig.now);
        rig.drain();
        for (event, jump) in live {
            // The wall clock may jump, also back.
            rig.now = if jump { event.time } else { rig.now };
            rig.core.handle_event(&event, rig.now);
            rig.core.handle_timeout(rig.now);
            rig.drain();
        }
        for command in &rig.sent {
            let intent = rig.log.iter().any(|event| {
                event.kind == EventKind::RestartDecided && event.incident == command.incident
            });
            prop_assert!(intent, "{:?}", command);
        }
        rig.now = Timestamp(rig.now.millis().clamp(0, 1 << 40));
        rig.secs(300);
    }
}
