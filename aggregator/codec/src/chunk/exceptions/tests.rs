//! Tests of exceptions.

use model::columns::{STALE_NAN_BITS, stale_nan};
use proptest::prelude::*;

use super::{super::ChunkError, Exceptions, ORDINARY_NAN_BITS, take_exceptions};

/// Sets the given (position, bits) aside and returns the bytes and the stand-ins.
fn written(entries: &[(usize, u64)], count: usize) -> Vec<u8> {
    let mut exceptions = Exceptions::default();
    let mut integers = Vec::new();
    for (position, bits) in entries {
        exceptions.push(*position, f64::from_bits(*bits), &mut integers);
    }
    let mut out = Vec::new();
    exceptions.write(count, &mut out);
    out
}

#[test]
fn a_staleness_marker_at_the_end_takes_two_bytes() {
    assert_eq!(written(&[(479, STALE_NAN_BITS)], 480), [1, 0]);
    assert_eq!(written(&[(0, STALE_NAN_BITS)], 3), [1, 2 << 2]);
    assert_eq!(written(&[(2, ORDINARY_NAN_BITS)], 3), [1, 1]);
}

#[test]
fn equal_bits_are_written_once() {
    let infinity = f64::INFINITY.to_bits();
    let bytes = written(&[(1, infinity), (2, STALE_NAN_BITS), (5, infinity)], 6);
    assert_eq!(bytes, [3, 3, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 2 << 2, 2]);
    let mut values = [1.0; 6];
    let mut input = bytes.as_slice();
    take_exceptions(&mut input, 6).unwrap().apply(&mut values);
    assert!(input.is_empty());
    assert!(model::columns::is_stale(values[2]));
    values[2] = 0.0;
    assert_eq!(values, [1.0, f64::INFINITY, 0.0, 1.0, 1.0, f64::INFINITY]);
}

#[test]
fn stand_ins_repeat_a_neighbour() {
    let mut exceptions = Exceptions::default();
    let mut integers = Vec::new();
    exceptions.push(0, f64::NAN, &mut integers);
    exceptions.push(1, stale_nan(), &mut integers);
    integers.push(7);
    exceptions.push(3, -0.0, &mut integers);
    exceptions.fill_leading(&mut integers);
    assert_eq!(integers, [7, 7, 7, 7]);
    assert_eq!(exceptions.unusual(), 1);
}

#[test]
fn invalid_entries_are_refused() {
    let take = |bytes: &[u8]| take_exceptions(&mut &bytes[..], 3).map(drop);
    assert_eq!(take(&[]), Err(ChunkError::Truncated));
    assert_eq!(take(&[0]), Err(ChunkError::Invalid("exception count")));
    assert_eq!(take(&[4, 0, 0, 0, 0]), Err(ChunkError::Invalid("exception count")));
    assert_eq!(take(&[1, 3 << 2]), Err(ChunkError::Invalid("exception position")));
    assert_eq!(take(&[2, 2 << 2, 0]), Err(ChunkError::Invalid("exception position")));
    assert_eq!(take(&[1, 2]), Err(ChunkError::Invalid("exception value")));
    assert_eq!(take(&[1, 3, 0, 0]), Err(ChunkError::Truncated));
}

proptest! {
    #[test]
    fn exceptions_come_back(
        entries in prop::collection::btree_map(0usize..200, prop_oneof![
            Just(STALE_NAN_BITS), Just(ORDINARY_NAN_BITS), Just(1u64), any::<u64>()
        ], 1..60),
    ) {
        let entries: Vec<(usize, u64)> = entries.into_iter().collect();
        let bytes = written(&entries, 200);
        let mut input = bytes.as_slice();
        let mut values = [0.5; 200];
        take_exceptions(&mut input, 200).unwrap().apply(&mut values);
        prop_assert!(input.is_empty());
        for (position, value) in values.iter().enumerate() {
            let expected = entries.iter().find(|(at, _)| *at == position);
            let bits = expected.map_or(0.5f64.to_bits(), |(_, bits)| *bits);
            prop_assert_eq!(value.to_bits(), bits);
        }
    }
}
