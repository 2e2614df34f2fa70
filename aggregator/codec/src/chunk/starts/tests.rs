//! Tests of start timestamps.

use proptest::prelude::*;

use super::{
    super::{ChunkError, integers::encode::Scratch},
    decode, encode,
};

fn encoded(starts: &[i64], times: &[i64]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(starts, times, &mut Scratch::default(), &mut out);
    let mut back = vec![0; times.len()];
    let mut input = out.as_slice();
    assert_eq!(decode(&mut input, times, &mut back), Ok(()));
    assert!(input.is_empty());
    assert_eq!(back, starts);
    out
}

#[test]
fn usual_starts_take_a_few_bytes() {
    let times: Vec<i64> = (0..480i64)
        .map(|number| 1_700_000_000_000 + number * 15_000 + number * number % 13)
        .collect();
    let since = |start: i64| vec![start; times.len()];
    assert!(encoded(&since(1_699_999_000_000), &times).len() <= 8, "a counter");
    assert!(encoded(&since(0), &times).len() <= 3, "unknown");
    let mut before = vec![times[0] - 15_000];
    before.extend(&times[..times.len() - 1]);
    assert!(encoded(&before, &times).len() <= 16, "deltas");
    let mut restarted = since(times[0] - 1_000_000);
    restarted[300..].fill(times[300] - 20);
    assert!(encoded(&restarted, &times).len() <= 30, "one restart");
}

#[test]
fn an_unknown_form_is_refused() {
    let mut out = [0; 2];
    let result = decode(&mut &[2, 0, 0][..], &[1, 2], &mut out);
    assert_eq!(result, Err(ChunkError::Invalid("start form")));
}

proptest! {
    #[test]
    fn starts_come_back(
        pairs in prop::collection::vec((any::<i64>(), prop_oneof![Just(0i64), any::<i64>()]), 1..300),
    ) {
        let (times, starts): (Vec<i64>, Vec<i64>) = pairs.into_iter().unzip();
        encoded(&starts, &times);
    }
}
