//! The grid of times.

use proptest::prelude::*;

use super::*;
use crate::{
    group::{ADDRESS, Group},
    labels::LabelSet,
    target::{Populated, populate, tests::job},
};

fn target(address: &str) -> Box<Target> {
    let own = LabelSet::from_iter([(ADDRESS, address)]);
    match populate(&job("scrape_interval = '15s'"), &Group::default(), &own) {
        Ok(Populated::Target(target)) => target,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn times_lie_one_interval_apart(port in 1u16..65_535, now in -1i64 << 40..1i64 << 45) {
        let target = target(&format!("h:{port}"));
        let first = next(&target, Timestamp(now));
        prop_assert!(first > Timestamp(now) && first.millis() - now <= 15_000);
        prop_assert_eq!(next(&target, first).millis(), first.millis() + 15_000);
        prop_assert_eq!(next(&target, Timestamp(first.millis() - 1)), first);
    }

    #[test]
    fn early_timers_and_clocks_set_back_do_no_harm(port in 1u16..65_535, now in 0i64..1 << 45) {
        let target = target(&format!("h:{port}"));
        let due = next(&target, Timestamp(now));
        let early = Timestamp(due.millis() - 1);
        prop_assert_eq!(next_after(&target, due, early).millis(), due.millis() + 15_000);
        let back = Timestamp(due.millis() - 3_600_000);
        prop_assert!(next_after(&target, due, back).millis() <= back.millis() + 15_000);
    }
}

#[test]
fn targets_are_spread_over_the_interval() {
    let mut slots = [0; 15];
    for port in 1..=1500 {
        let due = next(&target(&format!("h:{port}")), Timestamp(0)).millis();
        slots[usize::try_from(due % 15_000 / 1000).expect("is small")] += 1;
    }
    assert!(slots.iter().all(|count| (60..150).contains(count)), "{slots:?}");
}
