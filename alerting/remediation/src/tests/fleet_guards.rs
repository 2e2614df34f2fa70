//! Guardrails of nodes and the region, each with its reason.

use super::*;
use crate::{BreakerState, selector::Selector};

/// One app per tenant, spread over nodes.
fn fleet(rig: &mut Rig, apps: usize, nodes: usize) -> Vec<String> {
    let names: Vec<String> =
        (0..apps).map(|i| format!("t{i}/app{i}/app{i}-0@n{}", i % nodes)).collect();
    for name in &names {
        rig.say(EventKind::Started, name, 1);
    }
    names
}

fn no_node_guard() -> FleetPolicy {
    FleetPolicy { node_tenants: 1000, ..FleetPolicy::default() }
}

#[test]
fn a_small_fleet_with_few_failures_is_never_blocked() {
    for failing in 1..=2 {
        let mut rig = Rig::new();
        let names = fleet(&mut rig, 6, 1);
        for name in &names[..failing] {
            rig.say(EventKind::ProbeFailed, name, 1);
        }
        rig.secs(1);
        assert_eq!(rig.sent.len(), failing);
        assert_eq!(rig.core.breaker(), BreakerState::Closed);
    }
}

#[test]
fn too_many_apps_at_once_open_the_breaker_and_page_once() {
    let mut rig = Rig::with(policy(RestartPolicy::default(), no_node_guard()));
    let names = fleet(&mut rig, 10, 5);
    for name in &names[..3] {
        rig.say(EventKind::ProbeFailed, name, 1);
        rig.advance(Duration::from_millis(30));
    }
    rig.secs(1);
    assert!(rig.sent.is_empty(), "{:?}", rig.sent);
    rig.assert_refused(Guardrail::Breaker, "too much of the region fails at once");
    let paged = rig.of_kind(EventKind::Paged);
    assert_eq!(paged.len(), 1);
    assert!(paged[0].reason.starts_with("3 of 10 apps began to fail within 60 s"));
    assert_eq!(paged[0].target.tenant, tenant("platform"));
    for name in &names[3..8] {
        rig.say(EventKind::Exited, name, 1);
        rig.secs(5);
    }
    assert!(rig.sent.is_empty());
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 1, "once");
    for event in rig.of_kind(EventKind::RestartRefused) {
        let own = event.target.tenant.as_str();
        for other in (0..10).map(|i| format!("t{i}")).filter(|name| name != own) {
            assert!(!event.reason.contains(&other), "{} names {other}", event.reason);
        }
    }
}

#[test]
fn after_quiet_one_action_at_a_time_shows_whether_acting_helps() {
    let mut rig = Rig::with(policy(RestartPolicy::default(), no_node_guard()));
    let names = fleet(&mut rig, 10, 5);
    for name in &names[..5] {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    assert!(matches!(rig.core.breaker(), BreakerState::Open { .. }));
    rig.secs(59);
    assert!(rig.sent.is_empty());
    rig.secs(2);
    assert_eq!(rig.core.breaker(), BreakerState::HalfOpen);
    for trial in 1..=3 {
        assert_eq!(rig.core.breaker(), BreakerState::HalfOpen);
        rig.secs(2);
        assert_eq!(rig.sent.len(), trial, "one at a time");
        rig.restarted();
        let target = rig.sent.last().expect("a command").target.clone();
        rig.tell(event(EventKind::ProbeRecovered, &target, 2, rig.now));
    }
    assert_eq!(rig.core.breaker(), BreakerState::Closed, "two of ten are below the threshold");
    assert_eq!(rig.last(EventKind::Recovered).target.tenant.as_str(), "platform");
}

#[test]
fn an_action_that_does_not_help_opens_it_again_for_longer() {
    let mut rig = Rig::with(policy(RestartPolicy::default(), no_node_guard()));
    let names = fleet(&mut rig, 10, 5);
    for name in &names[..5] {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    rig.secs(62);
    assert_eq!(rig.core.breaker(), BreakerState::HalfOpen);
    assert_eq!(rig.sent.len(), 1);
    let command = rig.sent[0].clone();
    rig.restarted();
    let failed = event(EventKind::ProbeFailed, &command.target, command.run + 1, rig.now);
    let now = rig.now;
    rig.tell(failed);
    let expected = now.saturating_add(Duration::from_secs(120));
    assert_eq!(rig.core.breaker(), BreakerState::Open { until: expected });
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 1, "still the same episode");
}

#[test]
fn a_person_can_close_the_breaker() {
    let mut rig = Rig::with(policy(RestartPolicy::default(), no_node_guard()));
    let names = fleet(&mut rig, 10, 5);
    for name in &names[..3] {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    rig.secs(61);
    rig.core.reset_breaker(rig.now);
    rig.drain();
    assert_eq!(rig.core.breaker(), BreakerState::Closed);
    rig.secs(1);
    assert!(rig.sent.len() > 1);
}

#[test]
fn several_tenants_failing_on_a_node_are_one_incident_of_the_node() {
    let mut rig = Rig::new();
    let mut names = Vec::new();
    for tenant in 0..4 {
        names.push(format!("t{tenant}/app/app-0@bad"));
        names.push(format!("t{tenant}/app/app-1@good"));
    }
    for name in &names {
        rig.say(EventKind::Started, name, 1);
    }
    for name in names.iter().filter(|name| name.ends_with("bad")).take(3) {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    rig.say(EventKind::ProbeFailed, "t3/app/app-1@good", 1);
    rig.secs(50);
    assert_eq!(rig.sent.len(), 1, "only what is elsewhere");
    assert_eq!(rig.sent[0].target.node, "good");
    let refused = rig.of_kind(EventKind::RestartRefused);
    assert_eq!(refused.len(), 3);
    rig.assert_refused(Guardrail::NodeIncident, "the node is to blame, not what runs on it");
    let paged = rig.of_kind(EventKind::Paged);
    assert_eq!(paged.len(), 1);
    assert_eq!(paged[0].target.node, "bad");
    assert!(paged[0].reason.starts_with("3 of 4 tenants on node bad began to fail within 60 s"));
    assert_eq!(rig.core.node_incidents().next().map(|(node, _)| node), Some("bad"));
}

#[test]
fn a_person_can_end_a_nodes_incident() {
    let mut rig = Rig::with(policy(
        RestartPolicy::default(),
        FleetPolicy { breaker_apps: 100, ..FleetPolicy::default() },
    ));
    let names = fleet(&mut rig, 3, 1);
    for name in &names {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    rig.secs(61);
    rig.sent.clear();
    let mut resumed = event(EventKind::Resumed, &target("platform/x/y@n0"), 0, rig.now);
    resumed.target.app.clear();
    resumed.target.instance.clear();
    rig.tell(resumed);
    rig.secs(1);
    assert_eq!(rig.core.node_incidents().count(), 0);
    assert!(!rig.sent.is_empty());
}

#[test]
fn few_tenants_of_many_on_a_node_are_no_incident_of_the_node() {
    let mut rig = Rig::with(policy(
        RestartPolicy::default(),
        FleetPolicy { breaker_apps: 100, ..FleetPolicy::default() },
    ));
    let names = fleet(&mut rig, 20, 1);
    for name in &names[..3] {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    rig.secs(3);
    assert_eq!(rig.core.node_incidents().count(), 0);
    assert_eq!(rig.sent.len(), 2, "within the node's budget");
}

#[test]
fn failing_nodes_open_the_breaker() {
    let fleet_policy = FleetPolicy { breaker_apps: 100, ..FleetPolicy::default() };
    let mut rig = Rig::with(policy(RestartPolicy::default(), fleet_policy));
    let names = fleet(&mut rig, 15, 5);
    for name in names.iter().filter(|name| name.ends_with("n0") || name.ends_with("n1")) {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    assert!(matches!(rig.core.breaker(), BreakerState::Open { .. }));
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 3, "two nodes and the region");
    rig.say(EventKind::Exited, names.last().expect("one on n4"), 1);
    rig.secs(10);
    assert!(rig.sent.is_empty(), "not elsewhere either");
}

#[test]
fn a_node_has_a_budget() {
    let fleet_policy = FleetPolicy { breaker_apps: 100, ..no_node_guard() };
    let mut rig = Rig::with(policy(RestartPolicy::default(), fleet_policy));
    let names = fleet(&mut rig, 20, 1);
    for name in &names[..3] {
        rig.say(EventKind::Exited, name, 1);
    }
    assert_eq!(rig.sent.len(), 2);
    rig.assert_refused(
        Guardrail::NodeBudget,
        "2 actions in progress on node n0, at most 2 allowed",
    );
    let mut rig = Rig::with(policy(
        RestartPolicy::default(),
        FleetPolicy { node_in_flight: 100, node_restarts: 4, breaker_apps: 100, ..no_node_guard() },
    ));
    let names = fleet(&mut rig, 20, 1);
    for name in &names[..5] {
        rig.say(EventKind::Exited, name, 1);
    }
    assert_eq!(rig.sent.len(), 4);
    rig.assert_refused(
        Guardrail::NodeBudget,
        "4 restarts on node n0 within 60 s, at most 4 allowed",
    );
    rig.secs(61);
    assert_eq!(rig.sent.len(), 5);
}

#[test]
fn the_region_has_a_budget() {
    let fleet_policy = FleetPolicy {
        region_in_flight: 3,
        region_restarts: 4,
        breaker_apps: 100,
        ..no_node_guard()
    };
    let mut rig = Rig::with(policy(RestartPolicy::default(), fleet_policy));
    let names = fleet(&mut rig, 20, 20);
    for name in &names[..4] {
        rig.say(EventKind::Exited, name, 1);
    }
    assert_eq!(rig.sent.len(), 3);
    rig.assert_refused(
        Guardrail::RegionBudget,
        "3 actions in progress in the region, at most 3 allowed",
    );
    for command in rig.sent.clone() {
        rig.tell(event(EventKind::Restarted, &command.target, command.run + 1, rig.now));
    }
    rig.secs(7);
    assert_eq!(rig.sent.len(), 4);
    rig.say(EventKind::Exited, &names[4], 1);
    rig.assert_refused(
        Guardrail::RegionBudget,
        "4 restarts in the region within 60 s, at most 4 allowed",
    );
}

#[test]
fn a_pause_of_a_node_holds_what_runs_there() {
    let mut rig = Rig::new();
    let names = fleet(&mut rig, 2, 2);
    let scope = crate::selector::Scope::Selected(Selector::node("n0"));
    rig.core.pause("reboot", scope, None).expect("a pause");
    for name in &names {
        rig.say(EventKind::Exited, name, 1);
    }
    rig.secs(10);
    assert_eq!(rig.sent.len(), 1);
    assert_eq!(rig.sent[0].target.node, "n1");
}
