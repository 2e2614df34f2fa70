//! What rules may hold together.

use std::sync::Arc;

use super::{Account, Budget, Held};

fn bytes(bytes: usize) -> Budget {
    Budget { alerts: 1, bytes }
}

#[test]
fn rules_share_what_a_tenant_may_hold_and_give_it_back() {
    let account = Arc::new(Account::new(bytes(60), Budget { alerts: 2, bytes: 100 }));
    let mut rules: Vec<Held> = (0..3).map(|_| Held::new(Arc::clone(&account))).collect();
    let [a, b, c] = rules.as_mut_slice() else { panic!("are three") };
    assert_eq!(a.set(bytes(60)), Ok(()));
    let error = a.set(bytes(61)).expect_err("is too much for one");
    assert!(error.to_string().starts_with("alerts of the rule are more than 60 bytes"), "{error}");
    let error = b.set(bytes(41)).expect_err("is too much for all");
    let wanted = "alerts of all rules of the tenant are more than 100 bytes";
    assert!(error.to_string().starts_with(wanted), "{error}");
    assert_eq!(b.set(bytes(40)), Ok(()));
    let error = c.set(bytes(0)).expect_err("is the third");
    assert!(error.to_string().contains("more than 2 alerts"), "{error}");
    assert_eq!(b.set(Budget::default()), Ok(()));
    assert_eq!(c.set(bytes(40)), Ok(()));
    rules.clear();
    assert_eq!(Held::new(account).set(bytes(60)), Ok(()), "all was given back");
}
