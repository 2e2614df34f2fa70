//! Tests of merging samples: the outcome does not depend on who came first.

use std::sync::Arc;

use model::{
    columns::{Columns, stale_nan},
    histogram::Histogram,
};
use proptest::prelude::*;

use super::{Samples, compare_floats, compare_histograms};

fn histogram(number: u8) -> Arc<Histogram> {
    Arc::new(Histogram { count: f64::from(number), sum: 1.0, ..Histogram::default() })
}

fn samples() -> impl Strategy<Value = Samples> {
    let value = prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(stale_nan()), Just(1.5)];
    let sample = (0i64..12, value, 0u8..6, 0i64..3);
    proptest::collection::vec(sample, 0..12).prop_map(|drawn| {
        let mut samples = Samples::default();
        for (time, value, number, start) in drawn {
            if number < 2 {
                samples.histograms.push(time, histogram(number), start);
            } else {
                samples.floats.push(time, value, start);
            }
        }
        samples
    })
}

/// Everything that can be told apart.
fn bits(samples: &Samples) -> String {
    let mut columns = Columns::default();
    samples.clone().append_to(&mut columns);
    let values: Vec<u64> = columns.values.iter().map(|value| value.to_bits()).collect();
    let starts: Vec<i64> = (0..columns.len()).map(|at| columns.start(at)).collect();
    format!("{:?} {values:?} {starts:?} {:?}", columns.times, columns.histograms)
}

fn merged(parts: &[&Samples]) -> Samples {
    let mut all = Samples::default();
    for part in parts {
        all.append(&mut (*part).clone());
    }
    all.settle();
    all
}

#[test]
fn numbers_win_over_staleness_and_histograms_over_numbers() {
    let mut samples = Samples::default();
    samples.floats.push(5, stale_nan(), 0);
    samples.floats.push(1, 2.0, 0);
    samples.floats.push(5, -7.0, 3);
    samples.floats.push(9, 1.0, 0);
    samples.histograms.push(9, histogram(1), 0);
    samples.settle();
    let mut columns = Columns::default();
    samples.append_to(&mut columns);
    assert_eq!(columns.times, [1, 5, 9]);
    assert_eq!(columns.values[..2], [2.0, -7.0]);
    assert_eq!(columns.starts, [0, 3, 0]);
    assert!(columns.histogram(2).is_some());
}

proptest! {
    #[test]
    fn the_order_of_merging_is_of_no_matter(a in samples(), b in samples(), c in samples()) {
        let all = merged(&[&a, &b, &c]);
        prop_assert_eq!(bits(&merged(&[&c, &a, &b])), bits(&all));
        prop_assert_eq!(bits(&merged(&[&merged(&[&a, &c]), &b])), bits(&all));
        prop_assert_eq!(bits(&merged(&[&all, &a])), bits(&all));
        let mut columns = Columns::default();
        all.clone().append_to(&mut columns);
        prop_assert!(columns.times.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn splitting_and_joining_gives_the_same(a in samples(), at in 0i64..13) {
        let whole = merged(&[&a]);
        let (mut rest, mut first) = (whole.clone(), Samples::default());
        rest.split_before(at, &mut first);
        prop_assert!(first.floats.times.iter().chain(&first.histograms.times).all(|time| *time < at));
        prop_assert!(rest.first_time().is_none_or(|time| time >= at));
        prop_assert_eq!(first.len() + rest.len(), whole.len());
        prop_assert_eq!(bits(&merged(&[&rest, &first])), bits(&whole));
        let mut kept = whole.clone();
        kept.retain(|time| time < at);
        prop_assert_eq!(bits(&kept), bits(&first));
    }

    #[test]
    fn the_orders_are_total(a in any::<f64>(), b in any::<f64>(), x in 0u8..4, y in 0u8..4) {
        prop_assert_eq!(compare_floats(a, b), compare_floats(b, a).reverse());
        prop_assert_eq!(compare_floats(a, b).is_eq(), a.to_bits() == b.to_bits());
        let (x, y) = (histogram(x), histogram(y));
        prop_assert_eq!(compare_histograms(&x, &y), compare_histograms(&y, &x).reverse());
        prop_assert_eq!(compare_histograms(&x, &y).is_eq(), x == y);
    }
}
