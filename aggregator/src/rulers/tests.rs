//! Who may tell of what, and for how long it holds.

use std::collections::BTreeSet;

use model::{
    ruler::{GroupReport, RulerReport},
    tenant::TenantId,
    time::Timestamp,
};
use tenancy::access::{Access, Forbidden, Scope, Tenants};

use super::{RULERS_MAX, Refused, Rulers};

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("is a name")
}

fn caller(name: &str, tenants: Tenants) -> Access {
    Access { name: name.to_owned(), tenants, scopes: BTreeSet::from([Scope::Alerting]), node: None }
}

fn of(tenant: Option<TenantId>) -> RulerReport {
    RulerReport { groups: vec![GroupReport { tenant, ..GroupReport::default() }] }
}

#[test]
fn a_caller_tells_of_its_own_tenants_only() {
    let acme = || Tenants::One(tenant("acme"));
    for (tenants, about, taken) in [
        (acme(), Some("acme"), true),
        (acme(), Some("globex"), false),
        (acme(), None, false),
        (Tenants::All, Some("globex"), true),
        (Tenants::All, None, true),
    ] {
        let rulers = Rulers::default();
        let put = rulers.put(&caller("c", tenants), "r", of(about.map(tenant)), Timestamp(0));
        assert_eq!(put, if taken { Ok(()) } else { Err(Forbidden::Tenant.into()) }, "{about:?}");
        assert_eq!(rulers.reports(Timestamp(0)).len(), usize::from(taken));
    }
}

#[test]
fn a_report_replaces_the_last_of_the_same_ruler_and_ends_with_it() {
    let rulers = Rulers::default();
    let (one, two) = (caller("one", Tenants::All), caller("two", Tenants::All));
    for (caller, name) in [(&one, "r"), (&one, "r"), (&one, "s"), (&two, "r")] {
        rulers.put(caller, name, of(None), Timestamp(1000)).expect("is taken");
    }
    assert_eq!(rulers.reports(Timestamp(121_000)).len(), 3);
    assert_eq!(rulers.reports(Timestamp(121_001)).len(), 0, "nothing was heard for too long");
}

#[test]
fn rulers_are_bounded_and_those_that_are_over_make_room() {
    let rulers = Rulers::default();
    let caller = caller("c", Tenants::All);
    let put =
        |name: usize, at: i64| rulers.put(&caller, &name.to_string(), of(None), Timestamp(at));
    for name in 0..RULERS_MAX {
        assert_eq!(put(name, 0), Ok(()));
    }
    assert_eq!(put(RULERS_MAX, 0), Err(Refused::Rulers));
    assert_eq!(put(0, 1), Ok(()), "who is known may tell more");
    assert_eq!(put(RULERS_MAX, 120_001), Ok(()));
}
