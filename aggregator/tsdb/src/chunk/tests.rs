//! Tests of payloads.

use std::sync::Arc;

use codec::chunk::{ChunkError, Scratch};
use model::histogram::{Histogram, Span};
use proptest::prelude::*;

use super::{decode, encode_floats, encode_histograms};
use crate::samples::Samples;

fn histogram(number: i64) -> Arc<Histogram> {
    Arc::new(Histogram {
        count: number as f64,
        sum: number as f64 / 3.0,
        positive_spans: vec![Span { offset: 1, length: 1 }],
        positive_buckets: vec![number as f64],
        ..Histogram::default()
    })
}

proptest! {
    #[test]
    fn payloads_come_back(
        drawn in proptest::collection::vec((any::<i64>(), any::<f64>(), any::<bool>()), 1..80),
    ) {
        let mut samples = Samples::default();
        for (number, (start, value, has_start)) in (0i64..).zip(&drawn) {
            let start = if *has_start { *start } else { 0 };
            samples.floats.push(number * 7, *value, start);
            samples.histograms.push(number * 9, histogram(number), start);
        }
        let (mut floats, mut histograms) = (Vec::new(), Vec::new());
        let mut scratch = Scratch::default();
        let zone = encode_floats(&samples.floats, &mut floats, &mut scratch).unwrap();
        encode_histograms(&samples.histograms, &mut histograms, &mut scratch).unwrap();
        prop_assert_eq!(zone.count as usize, drawn.len());
        // Twice, so that the second finds something there.
        let mut decoded = Samples::default();
        for _ in 0..2 {
            decode(&samples.floats.times, &floats, &mut decoded).unwrap();
            decode(&samples.histograms.times, &histograms, &mut decoded).unwrap();
        }
        prop_assert_eq!(decoded.len(), drawn.len() * 4);
        for number in 0..drawn.len() * 2 {
            let from = number % drawn.len();
            let (found, expected) = (&decoded.floats, &samples.floats);
            prop_assert_eq!(found.values[number].to_bits(), expected.values[from].to_bits());
            prop_assert_eq!(found.start(number), expected.start(from));
            prop_assert_eq!(&decoded.histograms.values[number], &samples.histograms.values[from]);
            prop_assert_eq!(decoded.histograms.start(number), samples.histograms.start(from));
        }
    }

    #[test]
    fn any_bytes_decode_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut samples = Samples::default();
        if decode(&[1, 2, 3], &bytes, &mut samples).is_ok() {
            prop_assert_eq!(samples.len(), 3);
        }
    }
}

#[test]
fn unknown_kinds_are_refused() {
    let refused = decode(&[1], &[4, 0], &mut Samples::default());
    assert_eq!(refused, Err(ChunkError::Invalid("kind")));
    assert_eq!(decode(&[1], &[], &mut Samples::default()), Err(ChunkError::Truncated));
}
