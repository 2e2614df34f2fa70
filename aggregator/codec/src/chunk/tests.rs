//! Tests of what the functions of this module add: limits, ends and clean failures.

use std::sync::Arc;

use model::histogram::Histogram;

use super::{
    ChunkError, MAX_COUNT, Scratch, decode_histograms, decode_starts, decode_times, decode_values,
    encode_histograms, encode_starts, encode_times, encode_values,
};

#[test]
fn counts_are_limited() {
    let mut scratch = Scratch::default();
    let mut out = Vec::new();
    for count in [0, MAX_COUNT + 1] {
        let error = ChunkError::Count(count);
        let times = vec![0; count];
        assert_eq!(encode_values(&vec![0.0; count], &mut out, &mut scratch).map(drop), Err(error));
        assert_eq!(encode_times(&times, &mut out, &mut scratch), Err(error));
        assert_eq!(encode_starts(&times, &times, &mut out, &mut scratch), Err(error));
        let histogram = Arc::new(Histogram::default());
        let histograms = vec![histogram; count];
        assert_eq!(encode_histograms(&histograms, &mut out, &mut scratch), Err(error));
        assert!(out.is_empty());
        assert_eq!(decode_values(&[0x20, 0], count, &mut Vec::new()), Err(error));
        assert_eq!(decode_times(&[0, 0], count, &mut Vec::new()), Err(error));
        assert_eq!(decode_starts(&[0, 0, 0], &times, &mut Vec::new()), Err(error));
        assert_eq!(decode_histograms(&[], count, &mut Vec::new()), Err(error));
    }
    let error = ChunkError::Times { times: 1, starts: 2 };
    assert_eq!(encode_starts(&[0, 0], &[0], &mut out, &mut scratch), Err(error));
}

#[test]
fn bytes_behind_a_chunk_are_an_error_and_leave_nothing() {
    let mut values = vec![1.0];
    assert_eq!(decode_values(&[0x20, 0, 9], 3, &mut values), Err(ChunkError::Trailing(1)));
    assert_eq!(values, [1.0]);
    let mut times = vec![1];
    assert_eq!(decode_times(&[0, 0, 9, 9], 3, &mut times), Err(ChunkError::Trailing(2)));
    assert_eq!(decode_starts(&[0, 0, 0, 9], &[5, 6], &mut times), Err(ChunkError::Trailing(1)));
    assert_eq!(times, [1]);
    let mut scratch = Scratch::default();
    let mut bytes = Vec::new();
    encode_histograms(&[Arc::new(Histogram::default())], &mut bytes, &mut scratch).unwrap();
    bytes.push(0);
    let mut histograms = Vec::new();
    let result = decode_histograms(&bytes, 1, &mut histograms);
    assert_eq!(result, Err(ChunkError::Trailing(1)));
    assert!(histograms.is_empty());
}

#[test]
fn encoding_and_decoding_append() {
    let mut scratch = Scratch::default();
    let (mut bytes, mut times) = (Vec::new(), Vec::new());
    encode_times(&[10, 20, 30], &mut bytes, &mut scratch).unwrap();
    let middle = bytes.len();
    encode_times(&[40, 51], &mut bytes, &mut scratch).unwrap();
    decode_times(&bytes[..middle], 3, &mut times).unwrap();
    decode_times(&bytes[middle..], 2, &mut times).unwrap();
    assert_eq!(times, [10, 20, 30, 40, 51]);
}

#[test]
fn regular_times_take_a_few_bytes() {
    let mut scratch = Scratch::default();
    let start = 1_700_000_000_000i64;
    let jitter = |number: i64, bound: i64| number * number * 7_919 % 104_729 % bound;
    for (name, len_max, time) in [
        ("regular", 10, &(|number: i64| start + number * 15_000) as &dyn Fn(i64) -> i64),
        ("a gap", 25, &|number| start + (number + number / 300 * 7) * 15_000),
        ("jitter of 4 ms", 150, &|number| start + number * 15_000 + jitter(number, 4)),
    ] {
        let times: Vec<i64> = (0..480).map(time).collect();
        let mut bytes = Vec::new();
        encode_times(&times, &mut bytes, &mut scratch).unwrap();
        assert!(bytes.len() <= len_max, "{name}: {} bytes", bytes.len());
        let mut back = Vec::new();
        decode_times(&bytes, 480, &mut back).unwrap();
        assert_eq!(back, times, "{name}");
    }
}
