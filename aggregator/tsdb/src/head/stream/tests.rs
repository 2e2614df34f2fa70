//! Tests of streams: what goes in comes out, bit for bit.

use proptest::prelude::*;

use super::{Stream, decode};

fn round_trip(samples: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let mut stream = Stream::default();
    for (time, value) in samples {
        stream.push(*time, *value);
    }
    let (mut times, mut values) = (Vec::new(), Vec::new());
    decode(stream.bytes(), &mut times, &mut values);
    times.into_iter().zip(values.into_iter().map(f64::to_bits)).collect()
}

#[test]
fn a_regular_constant_series_takes_a_byte_a_sample() {
    let mut stream = Stream::default();
    for number in 0..100 {
        stream.push(1_700_000_000_000 + number * 15_000, 42f64.to_bits());
    }
    // 16 for the first, 3 for the second with its distance in time.
    assert_eq!(stream.bytes().len(), 16 + 3 + 98);
    assert_eq!(stream.count(), 100);
}

#[test]
fn the_ends_of_the_range_come_back() {
    let samples = [
        (i64::MIN, f64::NAN.to_bits()),
        (i64::MIN + 1, model::columns::STALE_NAN_BITS),
        (-1, (-0f64).to_bits()),
        (0, u64::MAX),
        (i64::MAX - 1, 1),
        (i64::MAX, 0),
    ];
    assert_eq!(round_trip(&samples), samples);
}

proptest! {
    #[test]
    fn any_samples_come_back(
        samples in proptest::collection::vec((any::<i64>(), 0u32..64, any::<u64>(), 0u32..64), 0..200),
    ) {
        let mut samples: Vec<(i64, u64)> = samples
            .into_iter()
            .map(|(time, time_shift, value, shift)| (time >> time_shift, value >> shift << (shift / 2)))
            .collect();
        samples.sort_unstable();
        prop_assert_eq!(round_trip(&samples), samples);
    }

    #[test]
    fn any_bytes_decode_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let (mut times, mut values) = (Vec::new(), Vec::new());
        decode(&bytes, &mut times, &mut values);
        prop_assert_eq!(times.len(), values.len());
    }
}
