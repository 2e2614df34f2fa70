//! Tests that bounds hold their values, and that quantiles stay where the exact ones are.

use model::histogram::Histogram;
use proptest::prelude::*;

use super::{BUCKETS_MAX, Exponential, SCHEMA_FINEST, bucket_index, upper_bound};

#[test]
fn bounds_are_inclusive_above() {
    for schema in -4..=8 {
        for index in [-200, -65, -64, -1, 0, 1, 2, 63, 64, 65, 200] {
            let bound = upper_bound(index, schema);
            if bound == 0.0 || bound.is_infinite() {
                continue;
            }
            assert_eq!(bucket_index(bound, schema), index, "schema {schema}");
            assert_eq!(bucket_index(bound.next_up(), schema), index + 1, "schema {schema}");
        }
    }
    assert_eq!(upper_bound(64, 6), 2.0);
    assert_eq!(bucket_index(1.0, 6), 0);
    assert_eq!(bucket_index(0.001, 0), -9, "2^-10 < 0.001 <= 2^-9");
}

#[test]
fn neighbours_share_a_span() {
    let mut buckets = Exponential::default();
    for (index, count) in [(0, 1), (1, 2), (4, 3), (100, 4)] {
        buckets.add(upper_bound(index, SCHEMA_FINEST), count);
    }
    buckets.add(0.0, 5);
    let histogram = buckets.histogram();
    histogram.validate().expect("is valid");
    let spans: Vec<_> =
        histogram.positive_spans.iter().map(|span| (span.offset, span.length)).collect();
    assert_eq!(spans, [(0, 5), (95, 1)]);
    assert_eq!(histogram.positive_buckets, [1.0, 2.0, 0.0, 0.0, 3.0, 4.0]);
    assert_eq!((histogram.zero_count, histogram.count), (5.0, 15.0));
}

#[test]
fn too_many_buckets_halve_the_resolution() {
    let mut buckets = Exponential::default();
    let mut value = 0.001;
    for _ in 0..8000 {
        buckets.add(value, 1);
        value *= 1.0055;
    }
    let histogram = buckets.histogram();
    histogram.validate().expect("is valid");
    assert!(buckets.buckets.len() <= BUCKETS_MAX);
    assert!(buckets.schema() < SCHEMA_FINEST);
    assert_eq!(histogram.positive_buckets.iter().sum::<f64>(), 8000.0);
}

/// The quantile as PromQL takes it from a native histogram: exponential interpolation in a bucket.
pub(crate) fn quantile(histogram: &Histogram, q: f64) -> f64 {
    let rank = q * histogram.count;
    let mut seen = histogram.zero_count;
    if seen >= rank {
        return 0.0;
    }
    let mut index = 0;
    let mut counts = histogram.positive_buckets.iter();
    for span in &histogram.positive_spans {
        index += span.offset;
        for _ in 0..span.length {
            let count = counts.next().expect("one for each bucket");
            if seen + count >= rank {
                let low = upper_bound(index - 1, histogram.schema);
                let high = upper_bound(index, histogram.schema);
                return low * (high / low).powf((rank - seen) / count);
            }
            seen += count;
            index += 1;
        }
    }
    f64::INFINITY
}

proptest! {
    #[test]
    fn a_value_is_in_its_bucket(value in 1e-6f64..1e9, schema in -4i32..=8) {
        let index = bucket_index(value, schema);
        prop_assert!(value <= upper_bound(index, schema));
        prop_assert!(value > upper_bound(index - 1, schema));
    }

    #[test]
    fn halving_is_the_same_as_counting_coarsely(values in prop::collection::vec(1e-3f64..1e6, 1..200)) {
        let mut halved = Exponential::default();
        let mut coarse = Exponential { schema: SCHEMA_FINEST - 2, ..Exponential::default() };
        for value in values {
            halved.add(value, 1);
            coarse.add(value, 1);
        }
        halved.halve();
        halved.halve();
        prop_assert_eq!(halved, coarse);
    }
}
