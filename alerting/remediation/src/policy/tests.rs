//! Tests of what policies accept, and of which one applies.

use super::*;
use crate::tests::{target, tenant};

fn new(
    restart: RestartPolicy,
    overrides: Vec<Override>,
    fleet: FleetPolicy,
) -> Result<Policy, InvalidPolicy> {
    Policy::new(restart, overrides, fleet, tenant("platform"))
}

#[test]
fn the_defaults_are_valid() {
    assert!(new(RestartPolicy::default(), Vec::new(), FleetPolicy::default()).is_ok());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let restart = RestartPolicy::default;
    let fleet = FleetPolicy::default;
    let check = |restart, fleet, expect| {
        assert_eq!(new(restart, Vec::new(), fleet).err(), Some(expect));
    };
    let zero = Duration::ZERO;
    check(RestartPolicy { window: zero, ..restart() }, fleet(), InvalidPolicy::Zero("window"));
    check(
        RestartPolicy { app_percent: 101, ..restart() },
        fleet(),
        InvalidPolicy::Percent("app_percent"),
    );
    check(
        RestartPolicy { answer_within: Duration::from_secs(29), ..restart() },
        fleet(),
        InvalidPolicy::AnswerBeforeExpiry,
    );
    check(restart(), FleetPolicy { quiet: zero, ..fleet() }, InvalidPolicy::Zero("quiet"));
    check(
        restart(),
        FleetPolicy { breaker_apps_percent: 120, ..fleet() },
        InvalidPolicy::Percent("breaker_apps_percent"),
    );
    let nothing = Override { selector: Selector::default(), policy: restart() };
    let refused = new(restart(), vec![nothing.clone()], fleet()).err();
    assert_eq!(refused, Some(InvalidPolicy::EmptySelector(0)));
    let many = vec![nothing; OVERRIDES_MAX + 1];
    let refused = new(restart(), many, fleet()).err();
    assert_eq!(refused, Some(InvalidPolicy::TooManyOverrides(OVERRIDES_MAX + 1)));
}

#[test]
fn the_last_override_that_matches_applies() {
    let own = |restarts| RestartPolicy { restarts, ..RestartPolicy::default() };
    let overrides = vec![
        Override { selector: Selector::tenant(tenant("acme")), policy: own(5) },
        Override { selector: Selector::app(tenant("acme"), "shop"), policy: own(7) },
    ];
    let policy = new(own(3), overrides, FleetPolicy::default()).expect("valid");
    let restarts = |name: &str| policy.of(&target(name)).restarts;
    assert_eq!(restarts("acme/shop/shop-0@n1"), 7);
    assert_eq!(restarts("acme/blog/blog-0@n1"), 5);
    assert_eq!(restarts("umbrella/shop/shop-0@n1"), 3);
}
