//! Who may tell of what, and for how long it holds.

use std::collections::BTreeSet;

use model::{
    ruler::{GroupReport, RulerReport},
    tenant::TenantId,
    time::Timestamp,
};
use tenancy::access::{Access, Forbidden, Scope, Tenants};

use super::{
    ALERTMANAGERS_MAX, BYTES_MAX, BYTES_PER_TOKEN_MAX, NAME_BYTES_MAX, RULERS_PER_TOKEN_MAX,
    Refused, Rulers,
};

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("is a name")
}

fn caller(name: &str, tenants: Tenants) -> Access {
    Access { name: name.to_owned(), tenants, scopes: BTreeSet::from([Scope::Alerting]), node: None }
}

fn of(tenant: Option<TenantId>) -> RulerReport {
    let groups = vec![GroupReport { tenant, ..GroupReport::default() }];
    RulerReport { groups, ..RulerReport::default() }
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
        let put = rulers.put(&caller("c", tenants), "r", of(about.map(tenant)), 1, Timestamp(0));
        assert_eq!(put, if taken { Ok(()) } else { Err(Forbidden::Tenant.into()) }, "{about:?}");
        assert_eq!(rulers.reports(Timestamp(0)).len(), usize::from(taken));
    }
}

#[test]
fn a_report_replaces_the_last_of_the_same_ruler_and_ends_with_it() {
    let rulers = Rulers::default();
    let (one, two) = (caller("one", Tenants::All), caller("two", Tenants::All));
    for (caller, name) in [(&one, "r"), (&one, "r"), (&one, "s"), (&two, "r")] {
        rulers.put(caller, name, of(None), 1, Timestamp(1000)).expect("is taken");
    }
    assert_eq!(rulers.reports(Timestamp(121_000)).len(), 3);
    assert_eq!(rulers.reports(Timestamp(121_001)).len(), 0, "nothing was heard for too long");
}

#[test]
fn rulers_are_bounded_by_token_and_those_that_are_over_make_room() {
    let rulers = Rulers::default();
    let put = |token: &str, name: usize, at: i64| {
        let caller = caller(token, Tenants::All);
        rulers.put(&caller, &name.to_string(), of(None), 1, Timestamp(at))
    };
    for name in 0..RULERS_PER_TOKEN_MAX {
        assert_eq!(put("c", name, 0), Ok(()));
    }
    assert_eq!(put("c", RULERS_PER_TOKEN_MAX, 0), Err(Refused::Rulers));
    assert_eq!(put("d", 0, 0), Ok(()), "who has told nothing has its own share");
    assert_eq!(put("c", 0, 1), Ok(()), "who is known may tell more");
    assert_eq!(put("c", RULERS_PER_TOKEN_MAX, 120_001), Ok(()));
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    let refused = rulers.put(&caller("d", Tenants::All), &long, of(None), 1, Timestamp(0));
    assert_eq!(refused, Err(Refused::Name));
}

#[test]
fn memory_is_bounded_by_token_and_over_all() {
    let rulers = Rulers::default();
    let put = |token: &str, name: &str, bytes: usize| {
        rulers.put(&caller(token, Tenants::All), name, of(None), bytes, Timestamp(0))
    };
    assert_eq!(put("t0", "r", BYTES_PER_TOKEN_MAX), Ok(()));
    assert_eq!(put("t0", "s", 1), Err(Refused::Bytes));
    assert_eq!(put("t0", "r", BYTES_PER_TOKEN_MAX), Ok(()), "in place of its last");
    for token in 1..BYTES_MAX / BYTES_PER_TOKEN_MAX {
        assert_eq!(put(&format!("t{token}"), "r", BYTES_PER_TOKEN_MAX), Ok(()));
    }
    assert_eq!(put("last", "r", 1), Err(Refused::BytesOfAll));
    assert_eq!(put("t0", "r", 1), Ok(()));
    assert_eq!(put("last", "r", 1), Ok(()));
}

#[test]
fn operators_see_the_alertmanagers_of_all_rulers() {
    let rulers = Rulers::default();
    let (all, one) = (caller("c", Tenants::All), caller("t", Tenants::One(tenant("acme"))));
    let told = |urls: &[&str]| RulerReport {
        alertmanagers: urls.iter().map(|url| (*url).to_owned()).collect(),
        ..RulerReport::default()
    };
    for (name, urls) in [("r", ["http://a", "http://b"]), ("s", ["http://b", "http://c"])] {
        rulers.put(&all, name, told(&urls), 1, Timestamp(0)).expect("is taken");
    }
    let seen: Vec<String> = rulers.alertmanagers(&all, Timestamp(0)).into_iter().collect();
    assert_eq!(seen, ["http://a", "http://b", "http://c"]);
    assert!(rulers.alertmanagers(&one, Timestamp(0)).is_empty());
    assert!(rulers.alertmanagers(&all, Timestamp(121_001)).is_empty());
    let many = rulers.put(&all, "r", told(&["x"; ALERTMANAGERS_MAX + 1]), 1, Timestamp(0));
    assert_eq!(many, Err(Refused::Alertmanagers(ALERTMANAGERS_MAX + 1)));
}
