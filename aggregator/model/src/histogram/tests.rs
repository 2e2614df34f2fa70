//! Tests of what a valid histogram is.

use super::{Histogram, InvalidHistogram, SCHEMA_CUSTOM, Span};

fn exponential() -> Histogram {
    Histogram {
        schema: 3,
        count: 3.0,
        sum: 4.5,
        positive_spans: vec![Span { offset: -2, length: 1 }, Span { offset: 3, length: 1 }],
        positive_buckets: vec![1.0, 2.0],
        ..Histogram::default()
    }
}

#[test]
fn a_plain_histogram_is_valid() {
    assert_eq!(exponential().validate(), Ok(()));
}

#[test]
fn every_fault_is_named() {
    let mut fine = exponential();
    fine.schema = 9;
    assert_eq!(fine.validate(), Err(InvalidHistogram::Schema(9)));

    let mut short = exponential();
    short.positive_buckets.pop();
    assert!(matches!(short.validate(), Err(InvalidHistogram::SpanLength { given: 1, .. })));

    let mut backwards = exponential();
    backwards.positive_spans[1].offset = -1;
    assert!(matches!(backwards.validate(), Err(InvalidHistogram::SpanOffset { number: 1, .. })));

    let mut negative = exponential();
    negative.positive_buckets[1] = -1.0;
    assert!(matches!(negative.validate(), Err(InvalidHistogram::NegativeCount { .. })));
}

#[test]
fn custom_bounds_must_ascend_and_hold_the_buckets() {
    let mut custom = Histogram {
        schema: SCHEMA_CUSTOM,
        count: 3.0,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![1.0, 1.0, 1.0],
        custom_values: vec![1.0, 2.0],
        ..Histogram::default()
    };
    assert_eq!(custom.validate(), Ok(()));
    custom.custom_values = vec![1.0];
    assert_eq!(custom.validate(), Err(InvalidHistogram::CustomBuckets));
    custom.custom_values = vec![2.0, 1.0];
    assert_eq!(custom.validate(), Err(InvalidHistogram::CustomBounds));
    custom.custom_values = vec![f64::NEG_INFINITY, 1.0];
    assert_eq!(custom.validate(), Ok(()));
    custom.custom_values = vec![1.0, f64::INFINITY];
    assert_eq!(custom.validate(), Err(InvalidHistogram::CustomBounds));
    custom.custom_values = vec![1.0, 2.0, 3.0];
    custom.positive_spans[0].offset = -1;
    assert!(matches!(custom.validate(), Err(InvalidHistogram::SpanOffset { number: 0, .. })));
}
