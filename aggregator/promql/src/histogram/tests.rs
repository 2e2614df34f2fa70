//! Laws that arithmetic on histograms keeps, and answers worked out by hand.

use std::sync::Arc;

use model::histogram::{Histogram, ResetHint};
use proptest::prelude::*;

use super::{
    arithmetic::{self, Incompatible},
    bounds, buckets, classic, compact, equal, fraction, layout, quantile, reset, scale,
    trim::{self, Keep},
    variance,
};
use crate::script::{Notated, parse_series};

fn notated(text: &str) -> Histogram {
    match parse_series(&format!("a {text}")) {
        Ok((_, values)) => match values.into_iter().next() {
            Some(Notated::Histogram { histogram, .. }) => Arc::unwrap_or_clone(histogram),
            other => panic!("{text} is {other:?}"),
        },
        Err(error) => panic!("{text}: {error}"),
    }
}

/// An exponential histogram with whole counts.
fn exponential() -> impl Strategy<Value = Histogram> {
    let side = || prop::collection::vec((1i32..4, 0u8..6), 0..6);
    (-1i32..4, side(), side(), 0u8..4, 0u8..40).prop_map(
        |(schema, positive, negative, zero, sum)| {
            let mut histogram = Histogram {
                schema,
                zero_threshold: 0.001,
                sum: f64::from(sum),
                ..Histogram::default()
            };
            let indexed = |side: Vec<(i32, u8)>| {
                let mut index = -3;
                side.into_iter().map(move |(gap, count)| {
                    index += gap;
                    (index, f64::from(count))
                })
            };
            layout::set_positive(&mut histogram, indexed(positive));
            layout::set_negative(&mut histogram, indexed(negative));
            histogram.zero_count = f64::from(zero);
            let all = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
            histogram.count = histogram.zero_count + all.sum::<f64>();
            histogram
        },
    )
}

fn filled(histogram: &Histogram) -> Vec<(f64, f64)> {
    let filled = buckets::all(histogram).into_iter().filter(|bucket| bucket.count != 0.0);
    filled.map(|bucket| (bucket.upper, bucket.count)).collect()
}

#[test]
fn sums_of_different_layouts() {
    let mut sum = notated("{{schema:1 count:6 sum:10 buckets:[1 2 3] offset:1}}");
    let other = notated("{{schema:0 count:4 sum:5 z_bucket:1 z_bucket_w:0.5 buckets:[3]}}");
    let noticed = arithmetic::add(&mut sum, &other).expect("both are exponential");
    assert!(!noticed.reset_collision && !noticed.bounds_reconciled);
    // Buckets 1 and 2 of schema 1 are bucket 1 of schema 0, bucket 3 belongs to its bucket 2.
    let expected =
        notated("{{schema:0 count:10 sum:15 z_bucket:1 z_bucket_w:0.5 buckets:[3 3 3] offset:0}}");
    assert!(equal(&sum, &expected), "{sum:?}");
}

#[test]
fn custom_bounds_that_differ_are_reconciled() {
    let mut sum = notated("{{schema:-53 count:6 sum:9 custom_values:[1 2 5] buckets:[1 2 3]}}");
    let other = notated("{{schema:-53 count:3 sum:4 custom_values:[1 5] buckets:[1 1 1]}}");
    let noticed = arithmetic::add(&mut sum, &other).expect("both are custom");
    assert!(noticed.bounds_reconciled);
    assert_eq!(sum.custom_values, [1.0, 5.0]);
    compact::compact(&mut sum);
    assert_eq!(sum.positive_buckets, [2.0, 6.0, 1.0]);
    let exponential = notated("{{schema:0 count:1 buckets:[1]}}");
    assert_eq!(arithmetic::add(&mut sum, &exponential), Err(Incompatible));
}

#[test]
fn resets() {
    let before = notated("{{schema:0 count:6 sum:9 buckets:[1 2 3]}}");
    let cases = [
        ("{{schema:0 count:6 sum:9 buckets:[1 2 3]}}", false),
        ("{{schema:0 count:7 sum:9 buckets:[1 2 4]}}", false),
        ("{{schema:0 count:5 sum:9 buckets:[1 2 2]}}", true),
        ("{{schema:0 count:8 sum:9 buckets:[0 2 6]}}", true),
        ("{{schema:1 count:60 sum:9 buckets:[10 20 30]}}", true),
        ("{{schema:-1 count:7 sum:9 buckets:[1 6]}}", false),
        ("{{schema:0 count:7 sum:9 buckets:[1 2 4] counter_reset_hint:reset}}", true),
        ("{{schema:0 count:5 sum:9 buckets:[1 2 2] counter_reset_hint:not_reset}}", false),
    ];
    for (after, is_reset) in cases {
        assert_eq!(reset::detect(&notated(after), &before), is_reset, "{after}");
    }
}

#[test]
fn quantiles_by_hand() {
    let custom = notated("{{schema:-53 count:10 sum:20 custom_values:[1 2 4] buckets:[0 5 5]}}");
    // Linear within 1 to 2, then within 2 to 4.
    for (q, expected) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
        assert_eq!(quantile::quantile(q, &custom, "").0, expected, "{q}");
    }
    // Exponential within 1 to 2: the middle is the square root of two.
    let exponential = notated("{{schema:0 count:2 sum:3 buckets:[2] offset:1}}");
    let middle = quantile::quantile(0.5, &exponential, "").0;
    assert!((middle - std::f64::consts::SQRT_2).abs() < 1e-12, "{middle}");
    let (part, _) = fraction::fraction(f64::NEG_INFINITY, middle, &exponential, "");
    assert!((part - 0.5).abs() < 1e-12, "{part}");
    assert_eq!(quantile::quantile(-0.1, &custom, "").0, f64::NEG_INFINITY);
    assert_eq!(quantile::quantile(1.1, &custom, "").0, f64::INFINITY);
    assert!(quantile::quantile(0.5, &Histogram::default(), "").0.is_nan());
}

#[test]
fn classic_quantiles_by_hand() {
    let quantile = |q: f64, buckets: &[(f64, f64)]| classic::quantile(q, &mut buckets.to_vec());
    let regular = [(1.0, 2.0), (2.0, 6.0), (f64::INFINITY, 8.0)];
    assert_eq!(quantile(0.5, &regular).0, 1.5);
    assert_eq!(quantile(0.125, &regular).0, 0.5);
    assert_eq!(quantile(1.0, &regular).0, 2.0);
    assert!(quantile(0.5, &[(1.0, 2.0)]).0.is_nan(), "no bucket up to infinity");
    let (value, forced) = quantile(0.5, &[(1.0, 5.0), (2.0, 3.0), (f64::INFINITY, 8.0)]);
    assert_eq!((value, forced.is_some()), (0.8, true));
}

#[test]
fn variance_of_equal_buckets() {
    let custom = notated("{{schema:-53 count:2 sum:4 custom_values:[0 2 4] buckets:[0 1 1]}}");
    assert_eq!(variance(&custom), 1.0);
}

#[test]
fn negative_factors_make_gauges() {
    let mut histogram = notated("{{schema:0 count:3 sum:6 buckets:[1 2]}}");
    scale::multiply(&mut histogram, -2.0);
    assert_eq!(histogram.reset_hint, ResetHint::Gauge);
    assert_eq!((histogram.count, histogram.sum), (-6.0, -12.0));
    scale::divide(&mut histogram, 0.0);
    assert!(histogram.positive_buckets.is_empty() && histogram.count == f64::NEG_INFINITY);
}

#[test]
fn bounds_are_powers() {
    for schema in -4..=8 {
        for index in -600..600 {
            let bound = bounds::exponential(index, schema);
            let exact = (f64::from(index) * 2f64.powi(-schema)).exp2();
            let near = (bound / exact - 1.0).abs() < 1e-14;
            assert!(near || bound == exact || bound == f64::MAX, "{index} of {schema}: {bound}");
            assert!(bounds::exponential(index - 1, schema) <= bound);
        }
    }
    assert_eq!(bounds::exponential(1024, 0), f64::MAX);
    assert_eq!(bounds::exponential(1025, 0), f64::INFINITY);
    // Prometheus' square root of two is the one below the nearest.
    assert_eq!(bounds::exponential(1, 1), std::f64::consts::SQRT_2.next_down());
}

proptest! {
    #[test]
    fn finer_schemas_have_the_coarser_bounds(index in -2000i32..2000, schema in -4i32..8) {
        let bound = bounds::exponential(index, schema);
        prop_assert_eq!(bound, bounds::exponential(index * 2, schema + 1));
    }

    #[test]
    fn spans_hold_what_they_are_made_from(histogram in exponential()) {
        let pairs: Vec<_> = layout::positive(&histogram).collect();
        let (spans, counts) = layout::spans(pairs.clone());
        prop_assert_eq!(layout::pairs(&spans, &counts).collect::<Vec<_>>(), pairs);
        prop_assert!(histogram.validate().is_ok());
    }

    #[test]
    fn compacting_changes_nothing(histogram in exponential()) {
        let mut compacted = histogram.clone();
        compact::compact(&mut compacted);
        prop_assert_eq!(filled(&compacted), filled(&histogram));
        prop_assert!(compacted.positive_buckets.iter().all(|count| *count != 0.0));
    }

    #[test]
    fn addition_commutes_and_is_undone(left in exponential(), right in exponential()) {
        let (mut sum, mut other) = (left.clone(), right.clone());
        arithmetic::add(&mut sum, &right).expect("compatible");
        arithmetic::add(&mut other, &left).expect("compatible");
        prop_assert_eq!(filled(&sum), filled(&other));
        prop_assert_eq!(sum.count, left.count + right.count);
        let total: f64 = filled(&sum).iter().map(|(_, count)| count).sum();
        prop_assert_eq!(total, sum.count);
        arithmetic::subtract(&mut sum, &right).expect("compatible");
        let coarse = layout::copy_to_schema(&left, sum.schema);
        prop_assert_eq!(filled(&sum), filled(&coarse));
    }

    #[test]
    fn coarser_histograms_hold_as_much(histogram in exponential(), coarser in 0i32..4) {
        let copy = layout::copy_to_schema(&histogram, histogram.schema - coarser);
        let total = |h: &Histogram| filled(h).iter().map(|(_, count)| count).sum::<f64>();
        prop_assert_eq!(total(&copy), total(&histogram));
        prop_assert!(!reset::detect(&copy, &histogram));
    }

    #[test]
    fn quantiles_ascend_and_fractions_invert(histogram in exponential(), low in 0.0..1.0f64, high in 0.0..1.0f64) {
        prop_assume!(histogram.count > 0.0);
        let (low, high) = (low.min(high), low.max(high));
        let value = |q| quantile::quantile(q, &histogram, "").0;
        prop_assert!(value(low) <= value(high));
        let (all, _) = fraction::fraction(f64::NEG_INFINITY, f64::INFINITY, &histogram, "");
        prop_assert_eq!(all, 1.0);
        let (below, _) = fraction::fraction(f64::NEG_INFINITY, value(high), &histogram, "");
        prop_assert!(below >= high - 1e-9, "{} {}", below, high);
    }

    #[test]
    fn both_sides_of_a_cut_make_the_whole(histogram in exponential(), limit in -9.0..9.0f64) {
        let kept = |keep| {
            let mut part = histogram.clone();
            trim::trim(&mut part, limit, keep);
            part.count
        };
        let both = kept(Keep::Below) + kept(Keep::Above);
        prop_assert!((both - histogram.count).abs() < 1e-9, "{}", both);
    }
}
