//! Tests of the two forms of counts, and of what is no histogram.

use std::sync::Arc;

use model::{
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, Span},
    write::HistogramSample,
};

use super::{Unusable, put, read};
use crate::protobuf::reader::Reader;

fn read_all(message: &[u8]) -> Result<HistogramSample, Unusable> {
    read(Reader::new(message), 1000).expect("is a whole message")
}

/// Integer form, by hand: count 7, sum 4.5, schema 3, zero threshold 0.5 with 1 observation,
/// buckets 2 at -1, 0 at 0, then 3 at 4, one negative bucket of 1 at 2, reset, t = 7, start = 5.
#[test]
fn deltas_become_absolute_counts() {
    let mut message = vec![0x08, 7, 0x19];
    message.extend_from_slice(&4.5f64.to_le_bytes());
    message.extend_from_slice(&[0x20, 6, 0x29]);
    message.extend_from_slice(&0.5f64.to_le_bytes());
    message.extend_from_slice(&[0x30, 1]);
    message.extend_from_slice(&[0x42, 4, 0x08, 4, 0x10, 1]); // negative span 2, 1
    message.extend_from_slice(&[0x4a, 1, 2]); // negative delta 1
    message.extend_from_slice(&[0x5a, 4, 0x08, 1, 0x10, 2]); // positive span -1, 2
    message.extend_from_slice(&[0x5a, 4, 0x08, 6, 0x10, 1]); // positive span 3, 1
    message.extend_from_slice(&[0x62, 3, 4, 3, 6]); // positive deltas 2, -2, 3
    message.extend_from_slice(&[0x70, 1, 0x78, 7, 0x88, 0x01, 5]);
    let expect = Histogram {
        schema: 3,
        reset_hint: ResetHint::Reset,
        zero_threshold: 0.5,
        zero_count: 1.0,
        count: 7.0,
        sum: 4.5,
        positive_spans: vec![Span { offset: -1, length: 2 }, Span { offset: 3, length: 1 }],
        positive_buckets: vec![2.0, 0.0, 3.0],
        negative_spans: vec![Span { offset: 2, length: 1 }],
        negative_buckets: vec![1.0],
        custom_values: vec![],
    };
    let sample = HistogramSample { time: 7, value: Arc::new(expect), start: 5 };
    assert_eq!(read_all(&message), Ok(sample.clone()));
    let mut again = Vec::new();
    put(&mut again, &sample, true);
    assert_eq!(again, message);
}

#[test]
fn a_fraction_makes_it_a_float_histogram() {
    let histogram = Histogram {
        schema: SCHEMA_CUSTOM,
        count: 1.5,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_buckets: vec![1.0, 0.5],
        custom_values: vec![0.1, 0.2],
        ..Histogram::default()
    };
    let sample = HistogramSample { time: -1, value: Arc::new(histogram), start: 0 };
    let mut message = Vec::new();
    put(&mut message, &sample, false);
    assert_eq!(message.first(), Some(&0x11), "count_float");
    assert_eq!(read_all(&message), Ok(sample));
}

#[test]
fn what_is_no_histogram_says_why() {
    let check = |message: &[u8], why: &str| {
        let unusable = read_all(message).expect_err("is unusable").to_string();
        assert!(unusable.contains(why), "{unusable}");
    };
    check(&[0x08, 1, 0x20, 106], "schema 53");
    check(&[0x08, 1, 0x20, 9], "schema -5");
    check(&[0x08, 1, 0x62, 1, 2], "describe 0 buckets");
    check(
        &[0x08, 9, 0x5a, 2, 0x10, 1, 0x62, 1, 6],
        "3 observations are in the buckets, but the count is 9",
    );
    check(&[0x08, 2, 0x5a, 2, 0x10, 1, 0x62, 1, 6], "3 observations");
    check(&[0x08, 1, 0x5a, 2, 0x10, 1, 0x62, 1, 1], "negative count");
    // Two deltas of the largest integer.
    let max = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let deltas = [&[0x08, 1, 0x5a, 2, 0x10, 2, 0x62, 20][..], &max, &max].concat();
    check(&deltas, "overflows");
    // Counts of the form that `count` does not announce are not looked at.
    let mut mixed = vec![0x08, 1, 0x5a, 2, 0x10, 1, 0x6a, 8];
    mixed.extend_from_slice(&1f64.to_le_bytes());
    check(&mixed, "0 are given");
}

#[test]
fn buckets_have_a_limit() {
    let mut message = vec![0x08, 0, 0x5a, 2, 0x10, 100, 0x62, 100];
    message.extend([0; 100]);
    let read = |max| read(Reader::new(&message), max).expect("is a whole message");
    assert!(read(100).is_ok());
    assert_eq!(read(99), Err(Unusable::TooManyBuckets(99)));
}

/// What a future sender may use: schema 10, buckets 1, 2 and 3 at 3, 4 and 5.
#[test]
fn reserved_schemas_are_reduced() {
    let mut message = vec![0x08, 6, 0x20, 20];
    message.extend_from_slice(&[0x5a, 4, 0x08, 6, 0x10, 3, 0x62, 3, 2, 2, 2]);
    let sample = read_all(&message).expect("is a histogram");
    assert_eq!(sample.value.schema, 8);
    assert_eq!(sample.value.positive_spans, [Span { offset: 1, length: 2 }]);
    assert_eq!(sample.value.positive_buckets, [3.0, 3.0]);
}

/// What observed NaN counts it, and no bucket does.
#[test]
fn observations_of_nan_are_in_the_count_alone() {
    let nan = [&[0x19][..], &f64::NAN.to_le_bytes()].concat();
    let message = |count: u8| [&[0x08, count][..], &nan, &[0x5a, 2, 0x10, 1, 0x62, 1, 6]].concat();
    assert!(read_all(&message(9)).is_ok());
    assert!(matches!(read_all(&message(2)), Err(Unusable::Count { .. })));
}
