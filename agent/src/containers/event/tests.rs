//! What a person reads about a container.

use collector::usage::{Cpu, Usage};
use containers::{
    container::{Container, Facts, Phase, State},
    early::Told,
    mapping::Owner,
    registry::News,
};
use model::{event::EventKind, tenant::TenantId, time::Timestamp};

use super::event;

fn told(phase: Phase, name: &str, state: State) -> Told {
    let facts = Facts {
        name: name.to_owned(),
        pod_name: "web-0".to_owned(),
        namespace: "shop".to_owned(),
        attempt: Some(4),
        memory_limit: Some(1024),
        state,
        ..Facts::default()
    };
    let owner =
        Owner { tenant: TenantId::new("acme").ok(), app: "web".to_owned(), ..Owner::default() };
    let cpu = Cpu { usage_nanos: Some(210_000_000), ..Cpu::default() };
    let usage = (phase == Phase::Exited).then(|| Usage { cpu, ..Usage::default() });
    Told { news: News { phase, container: Container { id: "c1".to_owned(), facts, owner } }, usage }
}

#[test]
fn starts_and_ends_say_how() {
    let ended = |code, oom| State {
        phase: Phase::Exited,
        started: Some(Timestamp(1000)),
        finished: Some(Timestamp(1300)),
        code,
        oom,
        ..State::default()
    };
    let running =
        State { phase: Phase::Running, started: Some(Timestamp(1000)), ..State::default() };
    let cases = [
        (Phase::Running, running, "container web started, restarted 4 times"),
        (Phase::Exited, ended(Some(3), false), "container web exited with code 3 after 300ms"),
        (
            Phase::Exited,
            ended(Some(137), true),
            "container web was killed at its memory limit of 1024 bytes after 300ms",
        ),
        (
            Phase::Exited,
            ended(None, false),
            "container web is gone; nobody saw how it ended after 300ms",
        ),
    ];
    let now = Timestamp(9000);
    for (phase, state, reason) in cases {
        let event = event(&told(phase, "web", state), None, "n1", now).unwrap();
        assert_eq!(event.reason, reason);
        assert_eq!(event.target.tenant.as_str(), "acme");
        assert_eq!((&*event.target.instance, &*event.target.node), ("web-0", "n1"));
        let detail = |name: &str| event.details.get(name).map(|value| &**value);
        assert_eq!((detail("restarts"), detail("run")), (Some("4"), Some("5")));
        assert_eq!(detail("container_id"), Some("c1"));
        match phase {
            Phase::Running => {
                assert_eq!((event.kind, event.time), (EventKind::Started, Timestamp(1000)));
            }
            _ => {
                assert_eq!((event.kind, event.time), (EventKind::Exited, Timestamp(1300)));
                assert_eq!((detail("cpu_seconds"), detail("ran_ms")), (Some("0.21"), Some("300")));
            }
        }
    }
    assert_eq!(event(&told(Phase::Running, "POD", State::default()), None, "n1", now), None);
    let mut nobodys = told(Phase::Running, "web", State::default());
    nobodys.news.container.owner.tenant = None;
    assert_eq!(event(&nobodys, None, "n1", now), None);
    let host = TenantId::new("host").unwrap();
    let event = event(&nobodys, Some(&host), "n1", now).unwrap();
    assert_eq!((event.target.tenant, event.time), (host, now));
}
