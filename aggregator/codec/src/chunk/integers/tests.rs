//! Tests that integers come back through each transform.

use proptest::prelude::*;

use super::{
    super::ChunkError,
    Transform, decode,
    encode::{Kind, Scratch, encode},
};

fn encoded(values: &[i64], kind: Kind) -> Vec<u8> {
    let mut out = Vec::new();
    encode(values, kind, &mut Scratch::default(), &mut out);
    out
}

fn decoded(bytes: &[u8], count: usize) -> Result<Vec<i64>, ChunkError> {
    let mut out = vec![0i64; count];
    let mut input = bytes;
    decode(&mut input, &mut out)?;
    assert!(input.is_empty());
    Ok(out)
}

/// Encodes, expects a transform and a length, and decodes.
fn check(values: &[i64], kind: Kind, transform: Transform, len_max: usize) {
    let bytes = encoded(values, kind);
    assert_eq!(bytes[0] & 7, transform as u8, "{transform:?} expected, got {bytes:x?}");
    assert!(bytes.len() <= len_max, "{transform:?} takes {} bytes", bytes.len());
    assert_eq!(decoded(&bytes, values.len()).as_deref(), Ok(values));
}

/// A cheap random number generator, to have the same numbers in every run.
fn noise(seed: u64) -> impl Iterator<Item = i64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as i64
    })
}

#[test]
fn each_transform_finds_its_data() {
    let random = |modulus: i64| noise(7).map(move |number| number % modulus);
    check(&[5; 480], Kind::Measurements, Transform::Constant, 2);
    let line: Vec<i64> = (0..480).map(|number| 1_000_000 - number * 15).collect();
    check(&line, Kind::Measurements, Transform::Linear, 5);
    let level: Vec<i64> = random(16).take(480).map(|number| 10_000 + number).collect();
    check(&level, Kind::Measurements, Transform::Offset, 250);
    let spikes: Vec<i64> =
        (0..480).map(|number| if number % 90 == 7 { -1_000_000 } else { number % 3 }).collect();
    check(&spikes, Kind::Measurements, Transform::Pivot, 200);
    let counter: Vec<i64> = random(8)
        .take(480)
        .scan(0, |sum, step| {
            *sum += 1000 + step;
            Some(*sum)
        })
        .collect();
    check(&counter, Kind::Measurements, Transform::DeltaOffset, 200);
    let walk: Vec<i64> = random(1 << 20)
        .take(480)
        .scan(0, |sum, number| {
            *sum += if number % 50 == 0 { -9_000_000 + number } else { 77 };
            Some(*sum)
        })
        .collect();
    check(&walk, Kind::Measurements, Transform::DeltaPivot, 200);
    let accelerating: Vec<i64> = random(3)
        .take(480)
        .scan((0, 0), |(sum, speed), change| {
            *speed += 1 - change;
            *sum += *speed;
            Some(*sum)
        })
        .collect();
    check(&accelerating, Kind::Measurements, Transform::DeltaOfDelta, 150);
    let jitter: Vec<i64> = random(9)
        .zip(0..480)
        .map(|(late, number)| 1_700_000_000_000 + number * 15_000 + late)
        .collect();
    check(&jitter, Kind::Clock, Transform::Trend, 270);
}

#[test]
fn common_factors_are_taken_out() {
    let pages: Vec<i64> = noise(3).take(480).map(|number| number % 100 * 4096 + 7).collect();
    let bytes = encoded(&pages, Kind::Measurements);
    assert_eq!(bytes[..4], [0x40 | bytes[0], 0x80, 0x20, 14], "factor 4096, remainder 7");
    assert!(bytes.len() < 450, "{}", bytes.len());
    assert_eq!(decoded(&bytes, 480), Ok(pages));
}

#[test]
fn headers_that_no_encoder_writes_are_refused() {
    let invalid = Err(ChunkError::Invalid("integer header"));
    assert_eq!(decoded(&[0x80, 0], 3), invalid);
    assert_eq!(decoded(&[0x28, 0], 3), invalid);
    assert_eq!(decoded(&[], 3), Err(ChunkError::Truncated));
    assert_eq!(decoded(&[1, 0], 3), Err(ChunkError::Truncated));
    assert_eq!(decoded(&[0x40, 0x80], 3), Err(ChunkError::Truncated));
}

fn columns() -> impl Strategy<Value = Vec<i64>> {
    let extreme = prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1), Just(1 << 62)];
    let any_width = (any::<i64>(), 0u32..64).prop_map(|(value, shift)| value >> shift);
    prop_oneof![
        prop::collection::vec(any::<i64>(), 1..400),
        prop::collection::vec(any_width, 1..400),
        prop::collection::vec(prop_oneof![extreme, -3i64..3], 1..400),
        // Multiples, shifted, so that scaling is tried at both ends of the range.
        (prop::collection::vec(-40i64..40, 1..400), any::<i64>(), any::<i64>()).prop_map(
            |(values, factor, offset)| {
                values.iter().map(|value| value.wrapping_mul(factor).wrapping_add(offset)).collect()
            }
        ),
        // Counters with jitter.
        (prop::collection::vec(0i64..50, 1..4096), any::<i64>(), any::<i64>()).prop_map(
            |(jitter, first, step)| {
                let at = |(number, jitter): (usize, &i64)| {
                    first.wrapping_add(step.wrapping_mul(number as i64)).wrapping_add(*jitter)
                };
                jitter.iter().enumerate().map(at).collect()
            }
        ),
    ]
}

proptest! {
    #[test]
    fn integers_come_back(values in columns(), clock in any::<bool>()) {
        let kind = if clock { Kind::Clock } else { Kind::Measurements };
        let bytes = encoded(&values, kind);
        let back = decoded(&bytes, values.len());
        prop_assert_eq!(back.as_deref(), Ok(&*values));
    }

    #[test]
    fn any_bytes_are_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        count in 0usize..=4096,
    ) {
        let mut out = vec![0i64; count];
        let mut input = bytes.as_slice();
        if decode(&mut input, &mut out).is_ok() {
            prop_assert!(input.len() < bytes.len());
        }
    }
}
