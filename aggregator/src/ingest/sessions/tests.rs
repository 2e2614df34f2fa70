//! Whose session it is.

use std::{collections::BTreeSet, path::Path};

use disk::sim::SimDisk;
use tsdb::options::Options;

use super::*;

fn access(name: &str, tenants: Tenants) -> Access {
    let scopes = BTreeSet::from([Scope::MetricsWrite]);
    Access { name: name.to_owned(), tenants, scopes, node: None }
}

fn sessions() -> Sessions {
    let disk = Arc::new(SimDisk::new(1));
    let opened = Store::open(disk, Path::new("metrics"), Options::default(), &|_| {});
    Sessions::new(opened.expect("opens").0)
}

#[test]
fn what_a_request_is_bound_to_has_a_session_of_its_own() {
    let tenant = |name| TenantId::new(name).expect("is a name");
    let (acme, globex) = (Tenants::One(tenant("acme")), Tenants::One(tenant("globex")));
    let sessions = sessions();
    let begin = |access: &Access| sessions.find(access, (7, 1), Timestamp(0)).expect("is begun");
    let all = [
        access("a", Tenants::All),
        access("a", acme),
        access("a", globex),
        access("b", Tenants::All),
    ];
    let begun: Vec<_> = all.iter().map(&begin).collect();
    for (one, session) in begun.iter().enumerate() {
        lock(session).sequence = 1;
        for (other, access) in all.iter().enumerate() {
            assert_eq!(Arc::ptr_eq(session, &begin(access)), one == other);
        }
    }
    sessions.forget(&key_of(&all[1], 7), &mut lock(&begun[1]));
    let goes_on = |access| sessions.find(access, (7, 2), Timestamp(0)).is_some();
    assert_eq!(all.each_ref().map(goes_on), [true, false, true, true]);
}

#[test]
fn sessions_of_a_token_are_bounded_whatever_they_are_bound_to() {
    let sessions = sessions();
    let open = |number: u64| {
        let tenant = TenantId::new(&format!("t{number}")).expect("is a name");
        let now = Timestamp(i64::try_from(number).expect("is small"));
        sessions.find(&access("a", Tenants::One(tenant)), (number, 1), now)
    };
    let many = u64::try_from(SESSIONS_PER_TENANT_TOKEN_MAX).expect("is small") + 5;
    assert!((0..many).all(|number| open(number).is_some()));
    assert_eq!(sessions.all().len(), SESSIONS_PER_TENANT_TOKEN_MAX);
    assert!(!sessions.all().keys().any(|(.., epoch)| *epoch < 5), "the quietest went");
}
