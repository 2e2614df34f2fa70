//! Tests that values come back bit for bit, whatever they are.

use model::columns::stale_nan;
use proptest::prelude::*;

use super::{super::ChunkError, Scratch, decode, encode};

pub(in super::super) fn encoded(values: &[f64]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(values, &mut Scratch::default(), &mut out);
    out
}

/// Bits of the decoded values, checking that all bytes are used and that `out` is appended to.
fn decoded(bytes: &[u8], count: usize) -> Result<Vec<u64>, ChunkError> {
    let mut out = vec![77.0];
    let mut input = bytes;
    let result = decode(&mut input, count, &mut out);
    assert_eq!(out[0], 77.0);
    if let Err(error) = result {
        assert_eq!(out.len(), 1, "an error leaves nothing behind");
        return Err(error);
    }
    assert_eq!(out.len(), 1 + count);
    assert!(input.is_empty());
    Ok(out[1..].iter().map(|value| value.to_bits()).collect())
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Encodes and decodes; says how many bytes it took and the header.
fn check(values: &[f64]) -> (usize, u8) {
    let bytes = encoded(values);
    assert_eq!(decoded(&bytes, values.len()), Ok(bits(values)));
    (bytes.len(), bytes[0])
}

/// Doubles without any pattern.
fn noise(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 11u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 53) as f64
    })
    .take(count)
}

#[test]
fn each_form_finds_its_data() {
    let with_last = |mut values: Vec<f64>, last: f64| {
        *values.last_mut().unwrap() = last;
        values
    };
    let counter: Vec<f64> = (0..480).map(|number| f64::from(number * 100 + number % 7)).collect();
    let sum: Vec<f64> = noise(480)
        .scan(0.0, |sum, value| {
            *sum += (value * 1e3).round() / 1e3;
            Some(*sum)
        })
        .collect();
    let steps: Vec<f64> = (0..480).map(|number| f64::from(number / 40) * 0.25).collect();
    for (name, values, header, len_max) in [
        ("constant", vec![0.5; 480], 0x21, 2),
        ("constant, not a decimal", vec![f64::NAN; 480], 0x2f, 9),
        ("constant with an end", with_last(vec![3.0; 480], stale_nan()), 0xa0, 4),
        ("decimals", counter.clone(), 0x00, 200),
        ("decimals with an end", with_last(counter, stale_nan()), 0x80, 200),
        ("residuals", sum, 0x13, 1300),
        ("repeats", steps, 0x42, 12),
        ("bit patterns", noise(480).map(|value| value.exp()).collect(), 0x3f, 480 * 8),
    ] {
        let (len, found) = check(&values);
        assert_eq!(found, header, "{name}: {found:#x}");
        assert!(len <= len_max, "{name}: {len} bytes");
    }
}

#[test]
fn every_count_works() {
    let values: Vec<f64> = noise(4096).map(|value| (value * 1e4).round() / 1e2).collect();
    for count in (1..=140).chain([511, 512, 513, 1023, 1024, 1025, 4095, 4096]) {
        check(&values[..count]);
        check(&vec![1.0 / 3.0; count]);
    }
}

#[test]
fn headers_that_no_encoder_writes_are_refused() {
    let exponent = Err(ChunkError::Invalid("exponent"));
    assert_eq!(decoded(&[0x0f, 0, 0], 3), exponent);
    assert_eq!(decoded(&[0x1f, 0, 0, 0, 0], 3), exponent);
    assert_eq!(decoded(&[0x30, 0, 0], 3), exponent);
    assert_eq!(decoded(&[], 3), Err(ChunkError::Truncated));
    assert_eq!(decoded(&[0x2f, 1, 2, 3], 3), Err(ChunkError::Truncated));
    assert_eq!(decoded(&[0x40, 0, 0, 0], 3), Err(ChunkError::Invalid("number of runs")));
}

/// A value of the kinds that break codecs.
fn awkward() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::NAN),
        Just(stale_nan()),
        Just(f64::from_bits(0x7ff8_0000_0000_0001)),
        Just(f64::from_bits(0xfff8_0000_dead_beef)),
        Just(f64::from_bits(1)),
        Just(-f64::MIN_POSITIVE),
        Just(f64::MAX),
        Just(9_007_199_254_740_992.0),
        Just(9_007_199_254_740_993.0),
        Just(-9_007_199_254_740_991.0),
        Just(1e22),
        Just(0.1 + 0.2),
        any::<u64>().prop_map(f64::from_bits),
    ]
}

/// Columns of every kind, regular to hostile.
pub(in super::super) fn columns() -> impl Strategy<Value = Vec<f64>> {
    let decimals = (prop::collection::vec(-5000i64..5000, 1..600), 0i32..15, any::<bool>())
        .prop_map(|(integers, exponent, sums)| {
            let mut sum = 0.0;
            let power = 10f64.powi(exponent);
            let decimal = integers.into_iter().map(|integer| integer as f64 / power);
            decimal
                .map(|value| {
                    if sums {
                        sum += value;
                        sum
                    } else {
                        value
                    }
                })
                .collect::<Vec<_>>()
        });
    let counters =
        (prop::collection::vec(0u32..300, 1..2000), any::<u32>()).prop_map(|(steps, start)| {
            let mut value = f64::from(start);
            steps
                .into_iter()
                .map(|step| {
                    value += f64::from(step / 100 * step);
                    value
                })
                .collect()
        });
    let spoilt =
        (decimals, prop::collection::vec((any::<prop::sample::Index>(), awkward()), 0..40))
            .prop_map(|(mut values, spoils)| {
                for (at, value) in spoils {
                    let at = at.index(values.len());
                    values[at] = value;
                }
                values
            });
    let repeated = prop::collection::vec((awkward(), 1usize..60), 1..60).prop_map(|runs| {
        runs.into_iter().flat_map(|(value, len)| std::iter::repeat_n(value, len)).collect()
    });
    prop_oneof![
        3 => spoilt,
        1 => counters,
        1 => repeated,
        1 => prop::collection::vec(awkward(), 1..300),
        1 => prop::collection::vec(any::<f64>(), 1..300),
    ]
}

proptest! {
    #[test]
    fn values_come_back(values in columns()) {
        let bytes = encoded(&values);
        prop_assert_eq!(decoded(&bytes, values.len()), Ok(bits(&values)));
        // Never much worse than the values themselves.
        prop_assert!(bytes.len() <= 32 + values.len() * 9, "{} bytes", bytes.len());
    }

    #[test]
    fn scratch_does_not_leak_from_chunk_to_chunk(columns in prop::collection::vec(columns(), 2..5)) {
        let mut scratch = Scratch::default();
        for values in columns {
            let mut bytes = Vec::new();
            encode(&values, &mut scratch, &mut bytes);
            prop_assert_eq!(bytes, encoded(&values));
        }
    }

    #[test]
    fn any_bytes_are_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        count in 1usize..=4096,
    ) {
        let mut out = Vec::new();
        let result = decode(&mut bytes.as_slice(), count, &mut out);
        prop_assert_eq!(out.len(), if result.is_ok() { count } else { 0 });
        prop_assert!(out.capacity() <= 8 * 4096);
    }

    #[test]
    fn flipped_bits_are_survived(
        values in columns(),
        flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        count in 1usize..=4096,
    ) {
        let mut bytes = encoded(&values);
        for flip in flips {
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for count in [values.len(), count] {
            let mut out = Vec::new();
            let result = decode(&mut bytes.as_slice(), count, &mut out);
            prop_assert_eq!(out.len(), if result.is_ok() { count } else { 0 });
        }
    }
}
