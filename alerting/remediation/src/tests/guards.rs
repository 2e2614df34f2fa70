//! Guardrails of an instance and its app, each with its reason.

use super::*;
use crate::{
    Stage,
    policy::Mode,
    selector::{Scope, Selector},
};

const SHOP: &str = "acme/shop/shop-0@n1";
const SHOP_1: &str = "acme/shop/shop-1@n2";
const SHOP_2: &str = "acme/shop/shop-2@n3";

#[test]
fn waits_grow_up_to_the_cap_and_start_over_after_long_health() {
    let restart = RestartPolicy {
        restarts: 100,
        app_restarts: 100,
        flap_restarts: 100,
        ..RestartPolicy::default()
    };
    let mut rig = Rig::with(policy(restart, FleetPolicy::default()));
    rig.start(&[SHOP]);
    rig.say(EventKind::Exited, SHOP, 1);
    let mut longest = Duration::ZERO;
    for attempt in 1..20u32 {
        rig.restarted();
        rig.say(EventKind::Exited, SHOP, u64::from(attempt) + 1);
        let began = rig.now;
        let cap = Duration::from_secs(1 << (attempt - 1).min(6)).min(Duration::from_secs(60));
        while rig.sent.len() <= attempt as usize {
            let at = rig.core.poll_timeout().expect("due");
            rig.advance(at.since(rig.now));
        }
        let waited = rig.now.since(began);
        assert!(waited <= cap, "attempt {attempt} waited {waited:?}, more than {cap:?}");
        longest = longest.max(waited);
    }
    assert!(longest > Duration::from_secs(20), "the jitter uses its room: {longest:?}");
    rig.restarted();
    rig.secs(6 + 300);
    rig.say(EventKind::Exited, SHOP, 21);
    assert_eq!(rig.sent.len(), 21, "at once again");
}

#[test]
fn one_replica_at_a_time() {
    let mut rig = Rig::new();
    rig.start(&[SHOP, SHOP_1, SHOP_2]);
    rig.say(EventKind::Exited, SHOP, 1);
    rig.say(EventKind::Exited, SHOP_1, 1);
    rig.secs(2);
    assert_eq!(rig.sent.len(), 1);
    rig.assert_refused(
        Guardrail::AppBudget,
        "1 replica of shop being restarted already, at most 1 at a time",
    );
    rig.restarted();
    rig.secs(7);
    assert_eq!(rig.sent.len(), 2, "after the first is verified");
    assert_eq!(rig.of_kind(EventKind::RestartRefused).len(), 1, "told once");
}

#[test]
fn a_part_of_a_large_app_where_allowed() {
    let restart = RestartPolicy { app_in_flight: 5, ..RestartPolicy::default() };
    let fleet = FleetPolicy { node_in_flight: 10, ..FleetPolicy::default() };
    let mut rig = Rig::with(policy(restart, fleet));
    let names: Vec<String> = (0..25).map(|i| format!("acme/shop/shop-{i}@n1")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.start(&names);
    for name in &names[..4] {
        rig.say(EventKind::Exited, name, 1);
    }
    rig.secs(1);
    assert_eq!(rig.sent.len(), 2, "10 % of 25");
    rig.assert_refused(Guardrail::AppBudget, "2 replicas of shop");
}

#[test]
fn an_app_has_a_budget_of_its_own() {
    let restart = RestartPolicy { app_restarts: 2, ..RestartPolicy::default() };
    let mut rig = Rig::with(policy(restart, FleetPolicy::default()));
    rig.start(&[SHOP, SHOP_1, SHOP_2]);
    for name in [SHOP, SHOP_1] {
        rig.say(EventKind::Exited, name, 1);
        rig.restarted();
        rig.secs(10);
    }
    rig.say(EventKind::Exited, SHOP_2, 1);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 2);
    rig.assert_refused(Guardrail::AppBudget, "2 restarts of shop within 10 min, at most 2 allowed");
    rig.secs(600);
    assert_eq!(rig.sent.len(), 3, "when the window has passed");
}

#[test]
fn all_replicas_down_means_one_canary_first() {
    let mut rig = Rig::new();
    rig.start(&[SHOP, SHOP_1, SHOP_2]);
    for name in [SHOP, SHOP_1, SHOP_2] {
        rig.say(EventKind::ProbeFailed, name, 1);
    }
    rig.secs(1);
    assert_eq!(rig.sent.len(), 1);
    let reason = &rig.last(EventKind::RestartDecided).reason;
    assert!(reason.contains("the first of all replicas, which are down"), "{reason}");
    rig.restarted();
    rig.say(EventKind::ProbeFailed, SHOP, 2);
    rig.secs(3);
    assert_eq!(rig.sent.len(), 2);
    assert_eq!(rig.sent[1].target.instance, "shop-1", "the least tried is the next");
}

#[test]
fn all_replicas_down_overrules_a_larger_allowance() {
    let restart = RestartPolicy { app_in_flight: 2, app_percent: 100, ..RestartPolicy::default() };
    let mut rig = Rig::with(policy(restart, FleetPolicy::default()));
    rig.start(&[SHOP, SHOP_1]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.say(EventKind::ProbeFailed, SHOP_1, 1);
    rig.secs(2);
    assert_eq!(rig.sent.len(), 1);
    rig.assert_refused(Guardrail::Canary, "all replicas are down, and another one is tried first");
}

#[test]
fn the_last_replica_that_may_still_answer_goes_last() {
    let mut rig = Rig::new();
    rig.start(&[SHOP, SHOP_1]);
    rig.say_probe(EventKind::ProbeFailed, SHOP, 1, "readiness");
    rig.secs(29);
    rig.say(EventKind::Exited, SHOP_1, 1);
    rig.say(EventKind::RestartFailed, SHOP_1, 1);
    rig.say_probe(EventKind::ProbeFailed, SHOP, 1, "readiness/api");
    assert_eq!(rig.sent.len(), 1);
    let tried = |rig: &Rig| rig.sent.iter().map(|c| c.target.instance.clone()).collect::<Vec<_>>();
    loop {
        rig.secs(1);
        if !rig.of_kind(EventKind::Quarantined).is_empty() {
            break;
        }
        if rig.core.incidents().any(|incident| incident.stage == Stage::Commanded) {
            rig.say(EventKind::RestartFailed, SHOP_1, 1);
        }
        assert!(tried(&rig).iter().all(|name| name == "shop-1"), "{:?}", tried(&rig));
    }
    let refused: Vec<_> = rig.of_kind(EventKind::RestartRefused);
    assert!(
        refused.iter().any(|event| event.details["guardrail"] == "last_ready"
            && event.reason.contains("the last replica that may still answer")),
        "{refused:?}"
    );
    rig.secs(2);
    assert_eq!(tried(&rig).last().map(String::as_str), Some("shop-0"), "then it is the canary");
}

#[test]
fn a_replica_that_is_not_ready_waits_longer_or_for_ever() {
    let mut rig = Rig::new();
    rig.start(&[SHOP, SHOP_1]);
    rig.say_probe(EventKind::ProbeFailed, SHOP, 1, "readiness");
    rig.secs(29);
    assert!(rig.sent.is_empty());
    rig.secs(2);
    assert_eq!(rig.sent.len(), 1);

    let restart = RestartPolicy { restart_unready: None, ..RestartPolicy::default() };
    let mut rig = Rig::with(policy(restart, FleetPolicy::default()));
    rig.start(&[SHOP, SHOP_1]);
    rig.say_probe(EventKind::ProbeFailed, SHOP, 1, "readiness");
    rig.secs(3600);
    assert!(rig.sent.is_empty());
    rig.assert_refused(Guardrail::Readiness, "only not ready, which is for the load balancer");
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.secs(1);
    assert_eq!(rig.sent.len(), 1, "not alive is another matter");
}

#[test]
fn a_restarted_replica_may_take_its_time_to_be_ready() {
    let mut rig = Rig::new();
    rig.start(&[SHOP, SHOP_1]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.secs(1);
    rig.restarted();
    rig.say_probe(EventKind::ProbeFailed, SHOP, 2, "readiness");
    rig.secs(40);
    assert_eq!(rig.sent.len(), 1);
    rig.say_probe(EventKind::ProbeRecovered, SHOP, 2, "readiness");
    assert_eq!(rig.of_kind(EventKind::Recovered).len(), 1);
}

#[test]
fn what_recovers_by_itself_again_and_again_gets_time() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    for _ in 0..5 {
        rig.say(EventKind::ProbeFailed, SHOP, 1);
        rig.advance(Duration::from_millis(50));
        rig.say(EventKind::ProbeRecovered, SHOP, 1);
        rig.secs(5);
    }
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.secs(29);
    assert!(rig.sent.is_empty());
    rig.assert_refused(
        Guardrail::Flapping,
        "it recovered by itself 5 times within 10 min: it gets 30 s to do so again",
    );
    rig.secs(2);
    assert_eq!(rig.sent.len(), 1, "but not for ever");
}

#[test]
fn a_young_deployment_is_to_blame() {
    let mut rig = Rig::new();
    rig.start(&[SHOP, "acme/blog/blog-0@n1"]);
    rig.core.handle_deployed(&tenant("acme"), "shop", "v42", rig.now);
    rig.secs(180);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.say(EventKind::ProbeFailed, "acme/blog/blog-0@n1", 1);
    rig.secs(60);
    assert_eq!(rig.sent.len(), 1, "the other app is restarted");
    rig.assert_refused(
        Guardrail::RecentDeploy,
        "deployment v42 is 3 min old: roll it back, a restart would not help",
    );
    assert_eq!(rig.of_kind(EventKind::Paged).len(), 1);
    rig.secs(600);
    assert_eq!(rig.sent.last().map(|command| command.target.app.as_str()), Some("shop"));
}

#[test]
fn a_pause_holds_its_scope_only_and_ends() {
    let mut rig = Rig::new();
    rig.start(&[SHOP, "umbrella/api/api-0@n2"]);
    let until = rig.now.saturating_add(Duration::from_secs(100));
    let scope = Scope::Selected(Selector::tenant(tenant("acme")));
    rig.core.pause("maintenance", scope, Some(until)).expect("a pause");
    rig.say(EventKind::Exited, SHOP, 1);
    rig.say(EventKind::Exited, "umbrella/api/api-0@n2", 1);
    rig.secs(90);
    assert!(rig.sent.iter().all(|command| command.target.app == "api"));
    rig.assert_refused(
        Guardrail::Paused,
        "not restarted: paused by maintenance; it failed: killed",
    );
    rig.secs(11);
    assert!(rig.sent.iter().any(|command| command.target.app == "shop"));
}

#[test]
fn a_pause_without_an_end_is_ended_by_name() {
    let mut rig = Rig::new();
    rig.start(&[SHOP]);
    rig.core.pause("x", Scope::Selected(Selector::app(tenant("acme"), "shop")), None).expect("ok");
    rig.say(EventKind::Exited, SHOP, 1);
    rig.secs(3600);
    assert!(rig.sent.is_empty());
    assert!(!rig.core.unpause("y"));
    assert!(rig.core.unpause("x"));
    rig.secs(1);
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn an_empty_selector_is_refused() {
    let mut rig = Rig::new();
    let refused = rig.core.pause("x", Scope::Selected(Selector::default()), None);
    assert_eq!(refused, Err(crate::PauseError::EmptySelector));
}

#[test]
fn shadow_mode_says_and_does_not() {
    let restart = RestartPolicy { mode: Mode::Shadow, ..RestartPolicy::default() };
    let overrides = vec![override_for(Selector::tenant(tenant("acme")), restart)];
    let policy = Policy::new(
        RestartPolicy::default(),
        overrides,
        FleetPolicy::default(),
        tenant("platform"),
    )
    .expect("valid");
    let mut rig = Rig::with(policy);
    rig.start(&[SHOP, "umbrella/api/api-0@n2"]);
    rig.say(EventKind::ProbeFailed, SHOP, 1);
    rig.secs(3600);
    assert!(rig.sent.is_empty());
    let decided = rig.of_kind(EventKind::RestartDecided);
    assert_eq!(decided.len(), 1);
    assert!(decided[0].reason.starts_with("would be restarted (1 of 3): GET"));
    assert_eq!(decided[0].details["shadow"], "true");
    rig.say(EventKind::ProbeRecovered, SHOP, 1);
    assert_eq!(
        rig.last(EventKind::Recovered).reason.split(',').next(),
        Some("healthy again by itself")
    );
    rig.say(EventKind::Exited, "umbrella/api/api-0@n2", 1);
    assert_eq!(rig.sent.len(), 1, "others are acted on");
}
