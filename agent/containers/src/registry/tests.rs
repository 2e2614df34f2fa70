//! Sources that come, go and contradict each other, on a given clock.

use std::{collections::BTreeSet, time::Duration};

use model::time::Timestamp;
use proptest::prelude::*;

use super::{CONTAINERS_MAX, EVICTED, GRACE, News, Registry, Stats};
use crate::{
    container::{Facts, Phase, Pod, Source, State},
    mapping::Mapping,
};

const BEGAN: Timestamp = Timestamp(1_000_000);

fn registry() -> Registry {
    Registry::new(Mapping::default(), BEGAN)
}

fn named(name: &str) -> Facts {
    Facts { name: name.to_owned(), ..Facts::default() }
}

fn running(at: i64) -> Facts {
    let state = State { phase: Phase::Running, started: Some(Timestamp(at)), ..State::default() };
    Facts { state, ..named("web") }
}

fn exited(started: i64, finished: i64, code: i32) -> Facts {
    let state = State {
        phase: Phase::Exited,
        started: Some(Timestamp(started)),
        finished: Some(Timestamp(finished)),
        code: Some(code),
        ..State::default()
    };
    Facts { state, ..named("web") }
}

fn phases(news: &[News]) -> Vec<Phase> {
    news.iter().map(|news| news.phase).collect()
}

fn name(registry: &Registry, id: &str) -> String {
    registry.container(id).map(|known| known.facts.name).unwrap_or_default()
}

#[test]
fn the_better_source_wins_and_the_next_takes_over() {
    let mut registry = registry();
    registry.tell(Source::Cri, "a", named("cri"));
    registry.tell(Source::Containerd, "a", named("containerd"));
    assert_eq!(name(&registry, "a"), "cri");
    assert_eq!(registry.stats().contradictions, 1);
    registry.lost(Source::Cri);
    assert_eq!(name(&registry, "a"), "containerd");
    // Alone, what an absent source said is better than nothing.
    registry.lost(Source::Containerd);
    assert_eq!(name(&registry, "a"), "cri");
    registry.tell(Source::Containerd, "b", named("b"));
    assert_eq!(name(&registry, "a"), "containerd");
    registry.replace(Source::Cri, vec![("a".to_owned(), named("new"))], Vec::new(), BEGAN);
    assert_eq!(name(&registry, "a"), "new");
}

#[test]
fn news_are_told_once_and_only_of_what_happened_since() {
    let mut registry = registry();
    assert!(registry.tell(Source::Cri, "old", running(999_999)).is_empty());
    assert_eq!(
        phases(&registry.tell(Source::Cri, "old", exited(999_999, 1_000_005, 1))),
        [Phase::Exited]
    );
    assert_eq!(phases(&registry.tell(Source::Cri, "new", running(1_000_001))), [Phase::Running]);
    assert!(registry.tell(Source::Containerd, "new", running(1_000_001)).is_empty());
    let news = registry.tell(Source::Containerd, "new", exited(1_000_001, 1_000_300, 3));
    assert_eq!(phases(&news), [Phase::Exited]);
    assert_eq!(news[0].container.facts.state.code, Some(3));
    assert!(registry.tell(Source::Cri, "new", exited(1_000_001, 1_000_300, 3)).is_empty());
    // Seen for the first time when it was over already.
    let news = registry.tell(Source::Cri, "brief", exited(1_000_001, 1_000_300, 0));
    assert_eq!(phases(&news), [Phase::Running, Phase::Exited]);
    // A late word of its start takes nothing back.
    registry.tell(Source::Cri, "brief", running(1_000_001));
    let state = registry.container("brief").unwrap().facts.state;
    assert_eq!((state.phase, state.code), (Phase::Exited, Some(0)));
}

#[test]
fn what_has_ended_is_remembered_for_a_grace() {
    let mut registry = registry();
    registry.tell(Source::Cri, "a", running(1_000_001));
    let gone = Timestamp(2_000_000);
    registry.forget(Source::Cri, "a", gone);
    assert_eq!(name(&registry, "a"), "web");
    assert!(registry.sweep(gone.saturating_add(GRACE - Duration::from_millis(1))).is_empty());
    assert_eq!(name(&registry, "a"), "web");
    let news = registry.sweep(gone.saturating_add(GRACE));
    assert_eq!(phases(&news), [Phase::Exited], "nobody told of its end");
    assert_eq!(news[0].container.facts.state.code, None);
    assert!(registry.is_empty());
}

#[test]
fn a_pod_is_known_by_the_api_server_by_cri_and_by_its_sandbox() {
    let mut registry = registry();
    let labels = |tenant: &str| [("tidewatch.dev/tenant".to_owned(), tenant.to_owned())].into();
    let pod = |tenant: &str| Pod {
        uid: "u".to_owned(),
        name: "web-0".to_owned(),
        namespace: "shop".to_owned(),
        labels: labels(tenant),
        ..Pod::default()
    };
    let sandbox = Facts { pod_uid: "u".to_owned(), ..named("POD") };
    registry.replace(Source::Cri, vec![("s".to_owned(), sandbox)], vec![pod("one")], BEGAN);
    registry.tell(Source::Cri, "a", Facts { sandbox: "s".to_owned(), ..named("web") });
    let tenant = |registry: &Registry| {
        let owner = registry.container("a").unwrap().owner;
        owner.tenant.map(|tenant| tenant.as_str().to_owned())
    };
    assert_eq!(tenant(&registry).as_deref(), Some("one"));
    assert_eq!(registry.container("a").unwrap().facts.pod_name, "web-0");
    assert_eq!(registry.container("s").unwrap().owner.app, "", "a sandbox does no app's work");
    registry.tell_pod(Source::ApiServer, pod("two"));
    assert_eq!(tenant(&registry).as_deref(), Some("two"));
    registry.lost(Source::ApiServer);
    assert_eq!(tenant(&registry).as_deref(), Some("one"));
    assert_eq!(registry.pod("u").unwrap().0.name, "web-0");
}

#[test]
fn a_full_registry_forgets_what_ended_first() {
    let mut registry = registry();
    for number in 0..CONTAINERS_MAX {
        registry.tell(Source::Cri, &number.to_string(), named("web"));
    }
    registry.tell(Source::Cri, "late", running(1));
    assert_eq!((registry.container("late"), registry.stats().dropped), (None, 1));
    registry.tell(Source::Cri, "8", exited(1, 20, 0));
    registry.tell(Source::Cri, "late", running(1));
    assert!(registry.container("late").is_some() && registry.container("8").is_none());
    assert_eq!((registry.len(), registry.stats().dropped), (CONTAINERS_MAX, 2));
    for number in 9..3_000 {
        registry.tell(Source::Cri, &number.to_string(), exited(1, number, 0));
    }
    registry.tell(Source::Cri, "later", running(1));
    assert_eq!(registry.len(), CONTAINERS_MAX - EVICTED + 1);
    assert!(registry.container("9").is_none() && registry.container("2999").is_some());
}

#[test]
fn fifty_a_second_leak_nothing() {
    let mut registry = registry();
    let (mut now, mut news) = (BEGAN, 0);
    let mut most = 0;
    for second in 0..600 {
        now = now.saturating_add(Duration::from_secs(1));
        for number in 0..50 {
            let id = format!("{second}-{number}");
            let pod = Pod { uid: id.clone(), ..Pod::default() };
            registry.tell_pod(Source::Cri, pod);
            let at = now.millis();
            let with_pod = |facts| Facts { pod_uid: id.clone(), ..facts };
            news += registry.tell(Source::Cri, &id, with_pod(running(at))).len();
            news += registry.tell(Source::Cri, &id, with_pod(exited(at, at + 300, 0))).len();
            registry.forget(Source::Cri, &id, now);
            registry.forget_pod(Source::Cri, &id);
        }
        if second % 60 == 0 {
            assert!(registry.sweep(now).is_empty());
        }
        most = most.max(registry.len());
    }
    assert_eq!((news, registry.stats()), (60_000, Stats::default()));
    assert!(most < 50 * 365, "{most}");
    registry.sweep(now.saturating_add(GRACE));
    assert!(registry.is_empty() && registry.pods.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Tell(Source, u8, Box<Facts>),
    Forget(Source, u8),
    Replace(Source, Vec<u8>),
    Lost(Source),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let source = prop::sample::select(Source::ALL.to_vec());
    let facts = (0..4u8, 0..3i64, any::<bool>()).prop_map(|(phase, at, oom)| {
        let phase =
            [Phase::Unknown, Phase::Created, Phase::Running, Phase::Exited][usize::from(phase)];
        let at = BEGAN.millis() + at;
        let state = State {
            phase,
            started: (phase >= Phase::Running).then_some(Timestamp(at)),
            finished: (phase == Phase::Exited).then_some(Timestamp(at + 5)),
            code: (phase == Phase::Exited).then_some(i32::from(oom)),
            oom,
            ..State::default()
        };
        Facts { state, ..named("web") }
    });
    prop_oneof![
        4 => (source.clone(), 0..6u8, facts).prop_map(|(s, id, facts)| Step::Tell(s, id, Box::new(facts))),
        2 => (source.clone(), 0..6u8).prop_map(|(s, id)| Step::Forget(s, id)),
        1 => (source.clone(), prop::collection::vec(0..6u8, 0..4)).prop_map(|(s, l)| Step::Replace(s, l)),
        1 => source.prop_map(Step::Lost),
        1 => any::<u16>().prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn news_come_once_in_order_and_nothing_stays_for_ever(
        steps in prop::collection::vec(step(), 0..80)
    ) {
        let mut registry = registry();
        let mut now = BEGAN;
        let mut told: BTreeSet<(String, Phase)> = BTreeSet::new();
        for step in steps {
            let before: Vec<_> = (0..6u8).map(|id| registry.container(&id.to_string())).collect();
            let news = match step {
                Step::Tell(source, id, facts) => registry.tell(source, &id.to_string(), *facts),
                Step::Forget(source, id) => {
                    registry.forget(source, &id.to_string(), now);
                    Vec::new()
                }
                Step::Replace(source, ids) => {
                    let list = ids.iter().map(|id| (id.to_string(), named("web"))).collect();
                    registry.replace(source, list, Vec::new(), now)
                }
                Step::Lost(source) => {
                    registry.lost(source);
                    prop_assert!(!registry.hears(source));
                    Vec::new()
                }
                Step::Pass(seconds) => {
                    now = now.saturating_add(Duration::from_secs(seconds.into()));
                    registry.sweep(now)
                }
            };
            for News { phase, container } in news {
                let id = container.id;
                prop_assert!(!told.contains(&(id.clone(), Phase::Exited)), "news after the end");
                prop_assert!(told.insert((id, phase)), "news told twice");
            }
            for (id, before) in before.into_iter().enumerate() {
                let id = id.to_string();
                match (before, registry.container(&id)) {
                    (Some(before), Some(after)) => {
                        prop_assert!(before.facts.state.phase <= after.facts.state.phase);
                    }
                    // Forgotten wholly: an identifier that comes again is another container.
                    (Some(_), None) => told.retain(|(told, _)| *told != id),
                    _ => {}
                }
            }
        }
        for source in Source::ALL {
            registry.lost(source);
        }
        registry.sweep(now);
        registry.sweep(now.saturating_add(GRACE));
        prop_assert!(registry.is_empty());
    }
}
