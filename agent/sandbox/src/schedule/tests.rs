//! Tests of when a sandbox is asked.

use std::time::Duration;

use model::time::Timestamp;
use proptest::prelude::*;

use super::{BACKOFF_MAX, IDLE_NANOS, Schedule};

const START: Timestamp = Timestamp(1_000_000);

fn second(number: i64) -> Timestamp {
    Timestamp(START.0 + number * 1000)
}

#[test]
fn an_idle_sandbox_is_asked_once() {
    let mut schedule = Schedule::new("a", START);
    assert!(schedule.asks(START, 5));
    assert!((1..1000).all(|tick| !schedule.asks(second(tick), 5 + IDLE_NANOS - 1)));
    assert!(schedule.asks(second(1000), 5 + IDLE_NANOS), "it has run enough by now");
}

#[test]
fn what_happened_hastens_but_not_a_sandbox_that_fails() {
    let mut schedule = Schedule::new("a", START);
    assert!(schedule.asks(START, 5));
    schedule.hasten(second(1));
    assert!(schedule.asks(second(1), 5));
    assert_eq!(schedule.answered(second(2), false), 1);
    schedule.hasten(second(2));
    assert!(!schedule.asks(second(3), u64::MAX));
}

#[test]
fn sandboxes_are_asked_at_different_moments() {
    let mut firsts: Vec<i64> = (0..20)
        .map(|number| {
            let mut schedule = Schedule::new(&format!("sandbox-{number}"), START);
            assert!(schedule.asks(START, 0));
            schedule.due.0
        })
        .collect();
    firsts.sort_unstable();
    firsts.dedup();
    assert!(firsts.len() > 15, "{firsts:?}");
}

proptest! {
    #[test]
    fn a_busy_sandbox_is_asked_every_ten_to_fifteen_seconds(id in "[a-f0-9]{8}") {
        let mut schedule = Schedule::new(&id, START);
        let asked: Vec<i64> = (0..300)
            .filter(|tick| schedule.asks(second(*tick), *tick as u64 * IDLE_NANOS))
            .collect();
        for pair in asked.windows(2) {
            prop_assert!((10..=15).contains(&(pair[1] - pair[0])), "{:?}", asked);
        }
    }

    #[test]
    fn failing_is_asked_ever_less_but_never_given_up(id in "[a-f0-9]{8}") {
        let mut schedule = Schedule::new(&id, START);
        let mut now = START;
        for failures in 1..40 {
            now = now.max(schedule.due);
            prop_assert!(schedule.asks(now, 0));
            prop_assert_eq!(schedule.answered(now, false), failures);
            prop_assert!(schedule.due.since(now) <= BACKOFF_MAX);
        }
        prop_assert!(schedule.due.since(now) > Duration::from_secs(200));
        prop_assert_eq!(schedule.answered(now, true), 0);
    }
}
