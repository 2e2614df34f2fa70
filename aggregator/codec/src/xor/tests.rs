//! Samples come back from chunks; chunks end where a reader needs them to; no bytes make a decoder
//! panic.

use std::sync::Arc;

use model::{
    columns::{Columns, stale_nan},
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, Span},
};
use proptest::prelude::*;

use super::*;

fn floats(samples: &[(i64, f64)]) -> Columns {
    let mut columns = Columns::default();
    samples.iter().for_each(|(time, value)| columns.push(*time, *value));
    columns
}

/// Encodes and decodes; returns the chunks too.
fn round_trip(columns: &Columns) -> (Vec<Chunk>, Columns) {
    let encoded: Vec<Chunk> = chunks(columns, 0..columns.len()).collect();
    let mut out = Columns::default();
    for chunk in &encoded {
        let before = out.len();
        decode(chunk.encoding, &chunk.data, &mut out).expect("decodes");
        assert_eq!(out.times[before], chunk.start);
        assert_eq!(out.times[out.len() - 1], chunk.end);
    }
    (encoded, out)
}

fn bits(columns: &Columns) -> Vec<(i64, u64)> {
    columns.times.iter().copied().zip(columns.values.iter().map(|v| v.to_bits())).collect()
}

fn histogram(count: f64, buckets: &[f64]) -> Histogram {
    Histogram {
        schema: 3,
        zero_threshold: 2f64.powi(-128),
        zero_count: 1.0,
        count,
        sum: count * 1.5,
        positive_spans: vec![
            Span { offset: -2, length: 1 },
            Span { offset: 3, length: buckets.len() as u32 - 1 },
        ],
        positive_buckets: buckets.to_vec(),
        negative_spans: vec![Span { offset: 5, length: 1 }],
        negative_buckets: vec![2.0],
        ..Histogram::default()
    }
}

fn histograms(samples: &[Histogram]) -> Columns {
    let mut columns = Columns::default();
    for (number, sample) in samples.iter().enumerate() {
        columns.push_histogram(number as i64 * 15_000, Arc::new(sample.clone()));
    }
    columns
}

#[test]
fn a_chunk_of_floats_has_the_bytes_of_the_format() {
    // Two samples ahead of the third: the header, a varint, 64 bits, a varint, differences.
    let columns = floats(&[(1000, 1.0), (2000, 1.0), (3000, 2.0), (4001, 2.0)]);
    let found: Vec<Chunk> = chunks(&columns, 0..4).collect();
    let [chunk] = found.as_slice() else { panic!("one chunk") };
    assert_eq!((chunk.encoding, chunk.start, chunk.end), (Encoding::Xor, 1000, 4001));
    let expected = [
        0x00,
        0x04, // four samples
        0xd0,
        0x0f, // zigzag of 1000
        0x3f,
        0xf0,
        0,
        0,
        0,
        0,
        0,
        0, // 1.0
        0xe8,
        0x07, // 1000 later
        // 0: the same value; 0: the same step; 1.0 ^ 2.0 = 0x7ff << 52: 11, 1 leading zero (00001),
        // 11 bits (001011), eleven ones; then 10 and fourteen bits of 1; 0: the same value.
        0b0011_0000,
        0b1001_0111,
        0b1111_1111,
        0b1110_0000,
        0b0000_0000,
        0b0100_0000,
    ];
    assert_eq!(chunk.data, expected);
}

#[test]
fn floats_come_back_whatever_they_are() {
    let times = [i64::MIN, -1, 0, 1, 8192, 8193, 1 << 40, i64::MAX];
    let values = [0.0, -0.0, f64::NAN, stale_nan(), f64::INFINITY, f64::MIN_POSITIVE, 1e308, 0.1];
    let columns = floats(&times.into_iter().zip(values).collect::<Vec<_>>());
    let (_, out) = round_trip(&columns);
    assert_eq!(bits(&out), bits(&columns));
}

#[test]
fn chunks_hold_so_many_samples_and_no_more() {
    let samples: Vec<(i64, f64)> = (0..300).map(|n| (n * 1000, n as f64)).collect();
    let columns = floats(&samples);
    let (encoded, out) = round_trip(&columns);
    assert_eq!(out, columns);
    let starts: Vec<i64> = encoded.iter().map(|chunk| chunk.start / 1000).collect();
    assert_eq!(starts, [0, 120, 240]);
    // A part of the samples.
    let part: Vec<Chunk> = chunks(&columns, 100..130).collect();
    assert_eq!(
        part.iter().map(|chunk| (chunk.start, chunk.end)).collect::<Vec<_>>(),
        [(100_000, 129_000)]
    );
    assert_eq!(chunks(&columns, 300..400).count(), 0);
}

#[test]
fn whole_and_float_histograms_come_back() {
    for (factor, encoding) in [(1.0, Encoding::Histogram), (0.5, Encoding::FloatHistogram)] {
        let samples: Vec<Histogram> = (1..200)
            .map(|n| {
                let n = f64::from(n);
                let mut histogram =
                    histogram(n * 10.0 * factor, &[n * factor, n * n, 3.0 + n * 4.0]);
                histogram.reset_hint = ResetHint::NotReset;
                histogram
            })
            .collect();
        let columns = histograms(&samples);
        let (encoded, mut out) = round_trip(&columns);
        assert!(encoded.iter().all(|chunk| chunk.encoding == encoding));
        assert_eq!(encoded.len(), 2);
        // What was known before the first of a chunk is not repeated.
        for index in [0, 120] {
            let first = Arc::make_mut(&mut out.histograms[index].1);
            assert_eq!(first.reset_hint, ResetHint::Unknown);
            first.reset_hint = ResetHint::NotReset;
        }
        assert_eq!(out, columns);
    }
}

#[test]
fn custom_bounds_come_back() {
    let custom = Histogram {
        schema: SCHEMA_CUSTOM,
        count: 5.0,
        sum: 3.0,
        positive_spans: vec![Span { offset: 0, length: 4 }],
        positive_buckets: vec![1.0, 0.0, 3.0, 1.0],
        custom_values: vec![-1.0, 0.005, 1.0 / 3.0, 33_554.431, 1e9],
        ..Histogram::default()
    };
    let columns = histograms(&[custom]);
    assert_eq!(round_trip(&columns).1, columns);
}

#[test]
fn a_chunk_of_histograms_ends_at_whatever_a_reader_could_mistake() {
    let base = histogram(10.0, &[1.0, 2.0, 3.0]);
    let more = histogram(20.0, &[2.0, 2.0, 3.0]);
    let stale = Histogram { sum: stale_nan(), ..Histogram::default() };
    let fewer = histogram(30.0, &[2.0, 1.0, 3.0]);
    let mut reset = more.clone();
    reset.reset_hint = ResetHint::Reset;
    let mut gauge = more.clone();
    gauge.reset_hint = ResetHint::Gauge;
    let mut finer = more.clone();
    finer.schema = 4;
    let mut wider = more.clone();
    wider.zero_threshold = 1e-6;
    let mut fraction = more.clone();
    fraction.zero_count = 1.5;
    for (next, expected) in [
        (&more, 1),
        (&stale, 1),
        (&fewer, 2),
        (&reset, 2),
        (&gauge, 2),
        (&finer, 2),
        (&wider, 2),
        (&fraction, 2),
    ] {
        let columns = histograms(&[base.clone(), next.clone()]);
        let (encoded, out) = round_trip(&columns);
        assert_eq!(encoded.len(), expected, "{next:?}");
        assert_eq!(bits(&out), bits(&columns));
        let mut expected = next.clone();
        if encoded.len() == 1 && next.sum.to_bits() != stale_nan().to_bits() {
            expected.reset_hint = ResetHint::NotReset;
        }
        let found = &*out.histograms[1].1;
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
    // Nothing follows a stale one, and one may stand at the beginning.
    let columns = histograms(&[stale.clone(), base, stale.clone(), stale]);
    let (encoded, out) = round_trip(&columns);
    assert_eq!(encoded.len(), 3);
    assert_eq!(bits(&out), bits(&columns));
}

#[test]
fn floats_and_histograms_take_turns() {
    let mut columns = floats(&[(1, 1.0), (2, 2.0)]);
    columns.push_histogram(3, Arc::new(histogram(10.0, &[1.0, 2.0])));
    columns.push(4, 4.0);
    columns.push_histogram(5, Arc::new(histogram(11.0, &[1.0, 2.0])));
    columns.push_histogram(6, Arc::new(histogram(12.0, &[1.0, 2.0])));
    let (encoded, out) = round_trip(&columns);
    let kinds: Vec<Encoding> = encoded.iter().map(|chunk| chunk.encoding).collect();
    assert_eq!(kinds, [Encoding::Xor, Encoding::Histogram, Encoding::Xor, Encoding::Histogram]);
    assert_eq!(out.times, columns.times);
    let part: Vec<i64> = chunks(&columns, 3..5).map(|chunk| chunk.start).collect();
    assert_eq!(part, [4, 5]);
}

#[test]
fn a_few_bytes_do_not_take_much_memory() {
    // A span of 2^32 - 1 buckets in a short chunk.
    let mut out = bits::Writer::after(&[0xff, 0xff, 0]);
    out.put(0, 8);
    out.put_signed(0);
    out.put_unsigned(1);
    out.put_unsigned(u32::MAX.into());
    out.put_signed(0);
    let data = out.finish();
    let mut columns = Columns::default();
    for encoding in [Encoding::Histogram, Encoding::FloatHistogram] {
        assert!(decode(encoding, &data, &mut columns).is_err());
    }
    assert!(columns.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_floats_come_back(
        samples in prop::collection::vec((any::<i64>(), any::<u64>()), 0..300),
    ) {
        let mut columns = Columns::default();
        samples.iter().for_each(|(time, value)| columns.push(*time, f64::from_bits(*value)));
        let (_, out) = round_trip(&columns);
        prop_assert_eq!(bits(&out), bits(&columns));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(
        number in 1u64..4,
        data in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut columns = Columns::default();
        let encoding = Encoding::of(number).expect("is known");
        let result = decode(encoding, &data, &mut columns);
        // Each sample takes two bits at least.
        prop_assert!(columns.len() <= data.len() * 4, "{:?}", result);
    }

    #[test]
    fn no_damage_makes_a_decoder_panic(
        factor in prop::sample::select(vec![1.0, 0.3]),
        at in 0usize..200,
        flip in 1u8..,
        cut in 0usize..200,
    ) {
        let samples: Vec<Histogram> =
            (1..9).map(|n| histogram(f64::from(n) * factor, &[1.0, f64::from(n), 7.0])).collect();
        for chunk in chunks(&histograms(&samples), 0..8) {
            let mut data = chunk.data;
            let at = at % data.len();
            data[at] ^= flip;
            data.truncate(data.len() - cut % data.len());
            let mut columns = Columns::default();
            let result = decode(chunk.encoding, &data, &mut columns);
            prop_assert!(columns.len() <= data.len() * 4, "{:?}", result);
        }
    }
}
