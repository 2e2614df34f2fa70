//! Tests that what leaves as a histogram has the quantiles of what came in.

use proptest::prelude::*;

use super::{DURATION_MICROS_MAX, FEW_MAX, Latency, Pool};
use crate::exponential::{SCHEMA_FINEST, tests::quantile};

/// Relative error of a quantile: one bucket of schema 7 (0.54 %) and half of one of the HDR
/// histogram's (0.39 %).
const ERROR_MAX: f64 = 0.01;

fn exact(sorted: &[u64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted[rank - 1] as f64 / 1000.0
}

fn check(mut latencies: Vec<u64>, pool: &mut Pool, tick: usize) {
    let mut latency = Latency::default();
    for part in latencies.chunks(tick) {
        for micros in part {
            latency.record(*micros, pool);
        }
        latency.settle(pool);
    }
    latencies.sort_unstable();
    let histogram = latency.histogram();
    histogram.validate().expect("is valid");
    assert_eq!(histogram.schema, SCHEMA_FINEST);
    assert_eq!(histogram.count, latencies.len() as f64);
    let sum: f64 = latencies.iter().map(|micros| *micros as f64 / 1000.0).sum();
    assert!((histogram.sum - sum).abs() <= sum * 1e-9, "{} is not {sum}", histogram.sum);
    for q in [0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
        let (want, got) = (exact(&latencies, q), quantile(&histogram, q));
        assert!((got - want).abs() <= want * ERROR_MAX, "q {q}: {got} is not near {want}");
    }
}

#[test]
fn classic_counts_are_exact() {
    let mut latency = Latency::default();
    let mut pool = Pool::default();
    for micros in [0, 500, 501, 1_000, 999_999, 1_000_000, u64::MAX] {
        latency.record(micros, &mut pool);
    }
    latency.settle(&mut pool);
    let counts: Vec<_> = latency.classic().cumulative().collect();
    let of = |bound| counts.iter().find(|(label, _)| *label == bound).expect("is a bound").1;
    assert_eq!((of("0.5"), of("1"), of("5")), (2, 4, 4));
    assert_eq!((of("500"), of("1000"), of("3600000"), of("+Inf")), (4, 6, 7, 7));
    assert_eq!(latency.count(), 7);
    let seconds = (500 + 501 + 1_000 + 999_999 + 1_000_000 + DURATION_MICROS_MAX) as f64 / 1000.0;
    assert!((latency.sum_millis() - seconds).abs() < 1e-6);
}

#[test]
fn the_resolution_holds_over_the_whole_range() {
    let mut latency = 1.0f64;
    let all = std::iter::from_fn(|| {
        latency *= 1.001;
        (latency < DURATION_MICROS_MAX as f64).then_some(latency as u64)
    });
    let all: Vec<u64> = all.collect();
    for tick in [FEW_MAX, all.len()] {
        check(all.clone(), &mut Pool::default(), tick);
    }
}

proptest! {
    #[test]
    fn what_is_saved_goes_on(
        before in prop::collection::vec(any::<u32>(), 0..200), after in prop::collection::vec(any::<u32>(), 0..200),
    ) {
        let mut pool = Pool::default();
        let (mut straight, mut saved) = (Latency::default(), Latency::default());
        for micros in &before {
            straight.record(u64::from(*micros), &mut pool);
            saved.record(u64::from(*micros), &mut pool);
        }
        straight.settle(&mut pool);
        saved.settle(&mut pool);
        let text = serde_json::to_string(&saved.save()).expect("is JSON");
        let mut saved = Latency::load(serde_json::from_str(&text).expect("is JSON")).expect("is whole");
        prop_assert_eq!(saved.histogram(), straight.histogram());
        for micros in &after {
            straight.record(u64::from(*micros), &mut pool);
            saved.record(u64::from(*micros), &mut pool);
        }
        straight.settle(&mut pool);
        saved.settle(&mut pool);
        prop_assert_eq!(saved.histogram(), straight.histogram());
        prop_assert_eq!(saved.classic(), straight.classic());
    }
}

#[test]
fn nothing_new_shares_the_last_histogram() {
    let mut latency = Latency::default();
    let mut pool = Pool::default();
    latency.record(7, &mut pool);
    latency.settle(&mut pool);
    let first = latency.histogram();
    latency.settle(&mut pool);
    assert!(std::sync::Arc::ptr_eq(&first, &latency.histogram()));
}

#[test]
fn a_lent_histogram_comes_back_empty() {
    let mut pool = Pool::default();
    for _ in 0..3 {
        let mut latency = Latency::default();
        for micros in 1..=1000 {
            latency.record(micros * 1000, &mut pool);
        }
        latency.settle(&mut pool);
        assert_eq!(latency.count(), 1000);
        assert_eq!(latency.histogram().positive_buckets.iter().sum::<f64>(), 1000.0);
        assert_eq!(pool.idle.len(), 1, "one is enough for all");
    }
}

proptest! {
    #[test]
    fn quantiles_agree_with_the_exact_ones(
        latencies in prop::collection::vec(1u64..100_000_000, 1..2000),
        tick in 1usize..500,
    ) {
        check(latencies, &mut Pool::default(), tick);
    }

    #[test]
    fn also_where_latencies_crowd(
        centre in 100u64..10_000_000,
        spread in prop::collection::vec(0u64..1000, 100..1000),
    ) {
        let latencies = spread.into_iter().map(|more| centre + more * centre / 5000).collect();
        check(latencies, &mut Pool::default(), 256);
    }
}
