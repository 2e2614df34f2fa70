//! Tests of who gets in, and as whom.

use std::collections::BTreeSet;

use model::{tenant::TenantId, time::Timestamp};

use super::{Grant, InvalidGrant, Tokens, Unauthorized};
use crate::access::{Forbidden, Scope, Tenants};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn grant(
    tenants: &[&str],
    scopes: &[Scope],
    expires: Option<Timestamp>,
) -> Result<Grant, InvalidGrant> {
    let tenants: Vec<String> = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
    let scopes: BTreeSet<Scope> = scopes.iter().copied().collect();
    Grant::new("t", SECRET, &tenants, scopes, Some("n1".to_owned()), expires)
}

#[test]
fn only_the_exact_unexpired_token_is_let_in() {
    let tokens = Tokens::new(vec![
        grant(&["acme"], &[Scope::MetricsRead], Some(Timestamp(1000))).expect("is valid"),
    ]);
    let check = |token: Option<&str>, now: i64, expect: Result<(), Unauthorized>| {
        assert_eq!(tokens.authenticate(token, Timestamp(now)).map(|_access| ()), expect);
    };
    check(Some(SECRET), 999, Ok(()));
    check(Some(SECRET), 1000, Err(Unauthorized::Unknown));
    check(Some(OTHER), 1, Err(Unauthorized::Unknown));
    check(Some(SECRET.trim_start_matches('0')), 1, Err(Unauthorized::Unknown));
    check(Some(&"x".repeat(1 << 20)), 1, Err(Unauthorized::Unknown));
    check(Some(""), 1, Err(Unauthorized::Missing));
    check(None, 1, Err(Unauthorized::Missing));
}

#[test]
fn access_is_to_what_the_token_names_and_nothing_else() {
    let access = grant(&["acme"], &[Scope::MetricsRead], None).expect("is valid").access;
    assert_eq!(access.require(&[Scope::MetricsRead, Scope::Operator]), Ok(()));
    assert_eq!(access.require(&[Scope::Operator]), Err(Forbidden::Scope(Scope::Operator)));
    let tenant = |name| TenantId::new(name).expect("is valid");
    assert_eq!(access.require_tenant(&tenant("acme")), Ok(()));
    assert_eq!(access.require_tenant(&tenant("globex")), Err(Forbidden::Tenant));
    assert_eq!(access.require_node("n1"), Ok(()));
    assert_eq!(access.require_node("n2"), Err(Forbidden::Node));
}

#[test]
fn grants_that_say_too_little_are_refused() {
    let read = &[Scope::MetricsRead][..];
    assert!(matches!(grant(&[], read, None), Err(InvalidGrant::NoTenant { .. })));
    assert!(matches!(grant(&["acme"], &[], None), Err(InvalidGrant::NoScope { .. })));
    assert!(matches!(grant(&["a/b"], read, None), Err(InvalidGrant::Tenant { .. })));
    let write = &[Scope::MetricsWrite][..];
    assert!(matches!(grant(&["*"], write, None), Err(InvalidGrant::WriterNeedsOneTenant { .. })));
    assert_eq!(grant(&["*"], read, None).expect("is valid").access.tenants, Tenants::All);
    let short =
        Grant::new("t", "short", &["*".to_owned()], BTreeSet::from([Scope::Operator]), None, None);
    assert!(matches!(short, Err(InvalidGrant::Short { length: 5, .. })));
}
