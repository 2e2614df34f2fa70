//! Tests that the grid is kept, whatever happens.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn on_grid(at: Timestamp, hash: u64, period: Duration) -> bool {
    let period = millis_of(period);
    at.millis().rem_euclid(period) == phase(hash, period)
}

#[test]
fn a_probe_is_due_once_per_period_at_its_phase() {
    let mut schedule = Schedule::default();
    let hash = name_hash(["acme", "shop"]);
    schedule.insert(1, hash, SECOND, Timestamp(1_000_500));
    let mut ticks = Vec::new();
    while ticks.len() < 5 {
        let at = schedule.poll_timeout().expect("one is next");
        assert_eq!(schedule.pop_due(Timestamp(at.millis() - 1)), None, "not early");
        ticks.push(schedule.pop_due(at).expect("due"));
        assert_eq!(schedule.pop_due(at), None, "once");
    }
    assert!(ticks[0].at >= Timestamp(1_000_500) && ticks[0].at < Timestamp(1_001_500));
    for (number, tick) in ticks.iter().enumerate() {
        let expected = ticks[0].at.saturating_add(SECOND * u32::try_from(number).expect("small"));
        assert_eq!((tick.at, tick.skipped, tick.extra), (expected, 0, false));
        assert!(on_grid(tick.at, hash, SECOND));
    }
}

#[test]
fn a_restart_of_the_prober_moves_no_tick() {
    let hash = name_hash(["acme", "shop-0", "liveness"]);
    let tick = |start: i64| {
        let mut schedule = Schedule::default();
        schedule.insert(1, hash, SECOND, Timestamp(start));
        schedule.poll_timeout().expect("next").millis() % 1000
    };
    assert_eq!(tick(1_700_000_000_123), tick(1_700_000_987_654));
}

#[test]
fn late_ticks_are_skipped_and_counted() {
    let mut schedule = Schedule::default();
    schedule.insert(1, 0, SECOND, Timestamp(0));
    assert_eq!(schedule.pop_due(Timestamp(0)).map(|tick| tick.at), Some(Timestamp(0)));
    let tick = schedule.pop_due(Timestamp(5300)).expect("due");
    assert_eq!((tick.at, tick.skipped), (Timestamp(5000), 4));
    assert_eq!(tick.late, Duration::from_millis(300));
    assert_eq!(schedule.poll_timeout(), Some(Timestamp(6000)), "no drift");
}

#[test]
fn a_recheck_comes_between_and_does_not_move_the_grid() {
    let mut schedule = Schedule::default();
    schedule.insert(1, 0, SECOND, Timestamp(0));
    schedule.pop_due(Timestamp(0));
    schedule.recheck(1, Timestamp(250));
    assert_eq!(schedule.poll_timeout(), Some(Timestamp(250)));
    let tick = schedule.pop_due(Timestamp(260)).expect("due");
    assert_eq!((tick.at, tick.extra), (Timestamp(250), true));
    assert_eq!(schedule.poll_timeout(), Some(Timestamp(1000)));
    schedule.recheck(1, Timestamp(1200));
    assert_eq!(schedule.poll_timeout(), Some(Timestamp(1000)), "the grid is soon enough");
    schedule.recheck(1, Timestamp(900));
    let tick = schedule.pop_due(Timestamp(1050)).expect("due");
    assert_eq!((tick.at, tick.extra, tick.skipped), (Timestamp(1000), false, 0), "one for both");
    assert_eq!(schedule.pop_due(Timestamp(1050)), None);
    schedule.recheck(9, Timestamp(0));
    assert_eq!(schedule.poll_timeout(), Some(Timestamp(2000)), "nobody's recheck is nothing");
}

#[test]
fn removing_ends_it() {
    let mut schedule = Schedule::default();
    schedule.insert(1, 0, SECOND, Timestamp(0));
    schedule.insert(2, 0, SECOND, Timestamp(0));
    schedule.recheck(1, Timestamp(-5));
    schedule.remove(1);
    schedule.remove(7);
    assert_eq!(schedule.pop_due(Timestamp(0)).map(|tick| tick.key), Some(2));
    schedule.remove(2);
    assert_eq!(schedule.poll_timeout(), None);
    assert!(schedule.is_empty());
}

#[test]
fn similar_names_are_spread_evenly() {
    let mut buckets = [0u32; 20];
    for number in 0..20_000 {
        let hash = name_hash(["acme", "shop", &format!("shop-{number}"), "n1", "liveness"]);
        buckets[usize::try_from(phase(hash, 1000) / 50).expect("small")] += 1;
    }
    assert!(buckets.iter().all(|count| (850..1150).contains(count)), "{buckets:?}");
}

proptest! {
    #[test]
    fn every_tick_is_served_or_skipped(
        hash: u64,
        period in 100i64..5000,
        start in -10_000_000i64..10_000_000,
        waits in prop::collection::vec(0i64..20_000, 1..60),
        rechecks in prop::collection::vec(prop::option::of(0i64..2000), 60),
    ) {
        let length = Duration::from_millis(u64::try_from(period).expect("positive"));
        let mut schedule = Schedule::default();
        schedule.insert(1, hash, length, Timestamp(start));
        let first = schedule.poll_timeout().expect("next");
        prop_assert!(first.millis() >= start && first.millis() < start + period);
        let mut now = start;
        let mut accounted = 0u64;
        for (wait, recheck) in waits.into_iter().zip(rechecks) {
            now += wait;
            while let Some(tick) = schedule.pop_due(Timestamp(now)) {
                prop_assert!(tick.at.millis() <= now);
                if tick.extra {
                    prop_assert_eq!(tick.skipped, 0);
                } else {
                    prop_assert!(on_grid(tick.at, hash, length));
                    accounted += 1 + tick.skipped;
                }
            }
            let passed = if now < first.millis() { 0 } else { (now - first.millis()) / period + 1 };
            prop_assert_eq!(i64::try_from(accounted).expect("small"), passed);
            let next = schedule.poll_timeout().expect("always one");
            prop_assert!(next.millis() > now && next.millis() <= now + period || next == first);
            if let Some(after) = recheck {
                schedule.recheck(1, Timestamp(now + after));
                let earlier = schedule.poll_timeout().expect("always one");
                prop_assert!(earlier <= next && earlier.millis() >= now.min(next.millis()));
            }
        }
    }

    #[test]
    fn the_phase_is_within_the_period(hash: u64, period in 1i64..i64::MAX) {
        prop_assert!((0..period).contains(&phase(hash, period)));
    }

    #[test]
    fn extremes_do_no_harm(hash: u64, period: Duration, start: i64, now: i64, at: i64) {
        let mut schedule = Schedule::default();
        schedule.insert(1, hash, period, Timestamp(start));
        schedule.recheck(1, Timestamp(at));
        schedule.pop_due(Timestamp(now));
        schedule.remove(1);
        prop_assert_eq!(schedule.poll_timeout(), None);
    }
}
