//! Tests of streams: what goes in comes out, bit for bit.

use proptest::prelude::*;

use super::{Stream, decode};
use crate::head::pool::Pool;

fn stream(samples: &[(i64, u64)]) -> Vec<u8> {
    let (mut stream, mut pool, mut bytes) = (Stream::default(), Pool::default(), Vec::new());
    for (time, value) in samples {
        stream.push(*time, *value, &mut pool);
    }
    assert_eq!(usize::from(stream.count), samples.len());
    pool.copy(&stream.bytes, &mut bytes);
    bytes
}

fn round_trip(samples: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let (mut times, mut values) = (Vec::new(), Vec::new());
    decode(&stream(samples), &mut times, &mut values);
    times.into_iter().zip(values.into_iter().map(f64::to_bits)).collect()
}

#[test]
fn a_regular_constant_series_takes_next_to_nothing() {
    let samples: Vec<(i64, u64)> =
        (0..100).map(|number| (1_700_000_000_000 + number * 15_000, 42f64.to_bits())).collect();
    // The first, the second with its distance in time, and the count of the others.
    assert_eq!(stream(&samples).len(), 16 + 3 + 2);
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
        samples in proptest::collection::vec((any::<i64>(), 0u32..64, any::<u64>(), 0u32..64), 0..100),
        repeated in 0usize..60,
    ) {
        let mut samples: Vec<(i64, u64)> = samples
            .into_iter()
            .map(|(time, time_shift, value, shift)| (time >> time_shift, value >> shift << (shift / 2)))
            .collect();
        samples.sort_unstable();
        // A run of unchanged samples, and one more that changes.
        if let Some((time, value)) = samples.last().copied().filter(|(time, _)| *time < i64::MAX / 2) {
            let step = time.unsigned_abs().min(1000) as i64;
            samples.extend((1..=repeated as i64).map(|number| (time + number * step, value)));
            samples.push((i64::MAX, 7));
        }
        prop_assert_eq!(round_trip(&samples), samples);
    }

    #[test]
    fn any_bytes_decode_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let (mut times, mut values) = (Vec::new(), Vec::new());
        decode(&bytes, &mut times, &mut values);
        prop_assert_eq!(times.len(), values.len());
    }
}
