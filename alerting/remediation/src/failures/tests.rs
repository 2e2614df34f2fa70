//! Tests that the counts agree with counting anew.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::tests::tenant;

fn place(app: u8, node: u8) -> Place {
    // Two tenants, so that apps share them.
    let app = AppKey { tenant: tenant(&format!("t{}", app % 2)), app: format!("a{app}") };
    Place { app, node: format!("n{node}") }
}

#[derive(Clone, Debug)]
enum Step {
    Open(Key, u8, u8),
    Close(Key),
    Age(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u64..8, 0u8..4, 0u8..3).prop_map(|(key, app, node)| Step::Open(key, app, node)),
        (0u64..8).prop_map(Step::Close),
        (0i64..50).prop_map(Step::Age),
    ]
}

proptest! {
    #[test]
    fn counts_agree_with_counting_anew(steps in proptest::collection::vec(step(), 0..60)) {
        let mut failures = Failures::default();
        let mut open: BTreeMap<Key, (i64, Place, bool)> = BTreeMap::new();
        for (now, step) in steps.into_iter().enumerate() {
            let now = i64::try_from(now).expect("small");
            match step {
                Step::Open(key, app, node) => {
                    failures.open(key, Timestamp(now), place(app, node));
                    open.insert(key, (now, place(app, node), true));
                }
                Step::Close(key) => {
                    failures.close(key);
                    open.remove(&key);
                }
                Step::Age(oldest) => {
                    failures.age(Timestamp(oldest));
                    for (began, _, recent) in open.values_mut() {
                        *recent &= *began > oldest;
                    }
                }
            }
            for (tally, only_recent) in [(&failures.current, false), (&failures.recent, true)] {
                let counted = || open.values().filter(|entry| !only_recent || entry.2);
                let apps: BTreeSet<_> = counted().map(|entry| entry.1.app.clone()).collect();
                prop_assert_eq!(tally.apps(), apps.len());
                for node in ["n0", "n1", "n2"] {
                    let tenants: BTreeSet<_> = counted()
                        .filter(|entry| entry.1.node == node)
                        .map(|entry| entry.1.app.tenant.clone())
                        .collect();
                    prop_assert_eq!(tally.tenants_on(node), tenants.len());
                }
            }
        }
    }
}
