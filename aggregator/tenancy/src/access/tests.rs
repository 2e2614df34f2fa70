//! Binding a caller to one of its tenants.

use std::collections::BTreeSet;

use model::tenant::TenantId;

use super::{Access, Forbidden, Scope, Tenants};

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("is a name")
}

#[test]
fn rights_only_shrink() {
    let some = BTreeSet::from([tenant("a"), tenant("b")]);
    for (tenants, wanted, allowed) in [
        (Tenants::All, "a", true),
        (Tenants::Some(some.clone()), "b", true),
        (Tenants::Some(some), "c", false),
        (Tenants::One(tenant("a")), "a", true),
        (Tenants::One(tenant("a")), "b", false),
    ] {
        let name = "ruler".to_owned();
        let scopes = BTreeSet::from([Scope::Alerting]);
        let access = Access { name, tenants, scopes, node: Some("n".to_owned()) };
        let bound = access.bound_to(&tenant(wanted));
        let expected = Access { tenants: Tenants::One(tenant(wanted)), ..access };
        assert_eq!(bound, if allowed { Ok(expected) } else { Err(Forbidden::Tenant) });
    }
}
