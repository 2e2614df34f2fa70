//! Tests of native histograms.

use std::sync::Arc;

use model::{
    columns::stale_nan,
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, Span},
};
use proptest::prelude::*;

use super::{super::ChunkError, decode, encode};

pub(in super::super) fn encoded(histograms: &[Arc<Histogram>]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(histograms, &mut super::values::Scratch::default(), &mut out).unwrap();
    out
}

/// The histogram with all its floats as bits, for NaN equals nothing.
fn shown(histogram: &Histogram) -> String {
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let Histogram { schema, reset_hint, positive_spans, negative_spans, .. } = histogram;
    let scalars =
        bits(&[histogram.zero_threshold, histogram.zero_count, histogram.count, histogram.sum]);
    let positive = bits(&histogram.positive_buckets);
    let negative = bits(&histogram.negative_buckets);
    let custom = bits(&histogram.custom_values);
    format!(
        "{schema} {reset_hint:?} {scalars:x?} {positive_spans:?} {positive:x?} \
         {negative_spans:?} {negative:x?} {custom:x?}"
    )
}

fn check(histograms: &[Arc<Histogram>]) -> usize {
    let bytes = encoded(histograms);
    let mut input = bytes.as_slice();
    let back = decode(&mut input, histograms.len()).unwrap();
    assert!(input.is_empty());
    assert_eq!(back.len(), histograms.len());
    for (histogram, back) in histograms.iter().zip(&back) {
        assert_eq!(shown(histogram), shown(back));
    }
    bytes.len()
}

/// A histogram of request durations as it grows: `number` requests more in each bucket in turn.
fn growing(number: u32) -> Histogram {
    let positive_buckets: Vec<f64> =
        (0..20).map(|bucket| f64::from(number * (bucket % 5) + 100)).collect();
    Histogram {
        schema: 3,
        reset_hint: ResetHint::NotReset,
        zero_threshold: 2.938_735_877_055_719e-39,
        zero_count: f64::from(number / 10),
        count: positive_buckets.iter().sum::<f64>() + f64::from(number / 10),
        sum: f64::from(number) * 0.125,
        positive_spans: vec![Span { offset: -4, length: 12 }, Span { offset: 3, length: 8 }],
        positive_buckets,
        ..Histogram::default()
    }
}

fn stale() -> Histogram {
    Histogram { sum: stale_nan(), ..Histogram::default() }
}

#[test]
fn a_growing_histogram_takes_a_few_bytes_a_sample() {
    let mut histograms: Vec<Arc<Histogram>> = (0..120).map(|n| Arc::new(growing(n))).collect();
    let len = check(&histograms);
    assert!(len < 250, "{len} bytes for 120 histograms of 20 buckets");
    histograms.push(Arc::new(stale()));
    let len = check(&histograms);
    assert!(len < 290, "{len} bytes with a staleness marker");
}

#[test]
fn layouts_may_change_and_return() {
    let custom = Histogram {
        schema: SCHEMA_CUSTOM,
        count: 3.0,
        sum: 1.5,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_buckets: vec![1.0, 2.0],
        custom_values: vec![0.005, 0.01, 0.025],
        ..Histogram::default()
    };
    let gauge = Histogram {
        reset_hint: ResetHint::Gauge,
        negative_spans: vec![Span { offset: 1, length: 1 }],
        negative_buckets: vec![0.5],
        count: -1.0,
        ..growing(4)
    };
    let inconsistent = Histogram { positive_buckets: vec![1.0; 3], ..growing(5) };
    check(
        &[growing(1), custom.clone(), gauge, stale(), custom, inconsistent, growing(2)]
            .map(Arc::new),
    );
}

#[test]
fn too_many_cells_are_refused_both_ways() {
    let wide = Arc::new(Histogram { positive_buckets: vec![1.0; 3000], ..growing(1) });
    let mut out = Vec::new();
    let mut scratch = super::values::Scratch::default();
    let many = vec![Arc::clone(&wide); 700];
    assert_eq!(encode(&many, &mut scratch, &mut out), Err(ChunkError::Cells));
    assert!(out.is_empty());
    let some = encoded(&many[..600]);
    assert_eq!(decode(&mut some.as_slice(), 600).map(|back| back.len()), Ok(600));
    // The layout claims 2^21 buckets, and there are two histograms.
    let bytes = [1, 0, 0x20, 0, 0, 0x80, 0x80, 0x80, 1, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(decode(&mut bytes.as_slice(), 2).map(drop), Err(ChunkError::Cells));
    // Custom bounds without end.
    let bytes = [1, 0, 0x20, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    assert_eq!(decode(&mut bytes.as_slice(), 2).map(drop), Err(ChunkError::Cells));
}

pub(in super::super) fn any_histogram() -> impl Strategy<Value = Histogram> {
    let float = prop_oneof![(0u32..1000).prop_map(f64::from), any::<f64>(), Just(stale_nan())];
    let spans = prop::collection::vec(
        (any::<i32>(), any::<u32>()).prop_map(|(offset, length)| Span { offset, length }),
        0..3,
    );
    let floats = prop::collection::vec(float, 0..8);
    let hint = prop_oneof![
        Just(ResetHint::Unknown),
        Just(ResetHint::Reset),
        Just(ResetHint::NotReset),
        Just(ResetHint::Gauge),
    ];
    (
        any::<i32>(),
        hint,
        prop::array::uniform4(any::<f64>()),
        spans.clone(),
        spans,
        floats.clone(),
        floats,
    )
        .prop_map(
            |(schema, reset_hint, scalars, positive_spans, negative_spans, positive, negative)| {
                let [zero_threshold, zero_count, count, sum] = scalars;
                Histogram {
                    schema: schema % 9,
                    reset_hint,
                    zero_threshold,
                    zero_count,
                    count,
                    sum,
                    positive_spans,
                    custom_values: negative.clone(),
                    positive_buckets: positive,
                    negative_spans,
                    negative_buckets: negative,
                }
            },
        )
}

proptest! {
    #[test]
    fn histograms_come_back(
        kinds in prop::collection::vec(any_histogram(), 1..5),
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<f64>()), 1..40),
    ) {
        let histograms: Vec<Arc<Histogram>> = order
            .iter()
            .map(|(kind, sum)| Arc::new(Histogram { sum: *sum, ..kind.get(&kinds).clone() }))
            .collect();
        check(&histograms);
    }

    #[test]
    fn any_bytes_are_survived(
        bytes in prop::collection::vec(prop_oneof![0u8..8, any::<u8>()], 0..300),
        count in 1usize..200,
    ) {
        if let Ok(histograms) = decode(&mut bytes.as_slice(), count) {
            prop_assert_eq!(histograms.len(), count);
        }
    }

    #[test]
    fn flipped_bits_are_survived(flip in any::<prop::sample::Index>(), count in 1usize..60) {
        let histograms: Vec<_> = (0..40).map(|number| Arc::new(growing(number))).collect();
        let mut bytes = encoded(&histograms);
        let bit = flip.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        for count in [40, count] {
            if let Ok(histograms) = decode(&mut bytes.as_slice(), count) {
                prop_assert_eq!(histograms.len(), count);
            }
        }
    }
}
