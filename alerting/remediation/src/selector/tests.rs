//! Tests of what selectors match.

use super::{Scope, Selector};
use crate::tests::{target, tenant};

#[test]
fn all_named_levels_must_match() {
    let shop = target("acme/shop/shop-0@n1");
    let check = |selector: Selector, expect: bool| {
        assert_eq!(selector.matches(&shop), expect, "{selector:?}");
    };
    check(Selector::default(), false);
    check(Selector::tenant(tenant("acme")), true);
    check(Selector::tenant(tenant("acm")), false);
    check(Selector::app(tenant("acme"), "shop"), true);
    check(Selector::app(tenant("acme"), "blog"), false);
    check(Selector::app(tenant("umbrella"), "shop"), false);
    check(Selector::node("n1"), true);
    check(Selector::node("n2"), false);
    check(Selector::instance(&shop), true);
    check(Selector::instance(&target("acme/shop/shop-1@n1")), false);
    check(Selector { component: Some(String::new()), ..Selector::default() }, true);
}

#[test]
fn everything_has_to_be_said() {
    let shop = target("acme/shop/shop-0@n1");
    assert!(Scope::Everything.covers(&shop));
    assert!(!Scope::Selected(Selector::default()).covers(&shop));
}
