//! Tests of repeats.

use proptest::prelude::*;

use super::{
    super::{ChunkError, integers::encode::Scratch},
    Runs, spread, take_count,
};

/// Finds runs, writes count and lengths, and spreads them again.
fn there_and_back(values: &[f64]) -> (usize, Vec<f64>) {
    let mut runs = Runs::default();
    runs.find(values);
    let mut bytes = Vec::new();
    runs.write_count(values.len(), &mut Scratch::default(), &mut bytes);
    runs.write_lengths(&mut bytes);
    let mut input = bytes.as_slice();
    let count = take_count(&mut input, values.len()).unwrap();
    assert_eq!(count.runs, runs.values.len());
    let mut out = vec![0.0; values.len()];
    let mut spare = vec![0.0; count.runs];
    spread(&mut input, count, &runs.values, &mut spare, &mut out).unwrap();
    assert!(input.is_empty());
    (bytes.len(), out)
}

#[test]
fn regular_changes_take_a_few_bytes() {
    let values: Vec<f64> = (0..480).map(|number| f64::from(number / 5)).collect();
    let (len, out) = there_and_back(&values);
    assert!(len <= 5, "{len}");
    assert_eq!(out, values);
}

#[test]
fn frequent_changes_take_a_bitmap() {
    let mut state = 1u32;
    let values: Vec<f64> = (0..480)
        .scan(0.0, |value, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value += f64::from(state >> 31);
            Some(*value)
        })
        .collect();
    let (len, out) = there_and_back(&values);
    assert!((60..=63).contains(&len), "{len}");
    assert_eq!(out, values);
}

#[test]
fn runs_that_do_not_add_up_are_refused() {
    let spread = |bytes: &[u8], len: usize| {
        let mut input = bytes;
        let count = take_count(&mut input, len)?;
        let values = vec![1.0; count.runs];
        spread(&mut input, count, &values, &mut values.clone(), &mut vec![0.0; len])
    };
    assert_eq!(spread(&[], 5), Err(ChunkError::Truncated));
    assert_eq!(spread(&[1 << 1], 5), Err(ChunkError::Invalid("number of runs")));
    assert_eq!(spread(&[6 << 1], 5), Err(ChunkError::Invalid("number of runs")));
    // Two runs, the first repeated 4 times, leave no place for the last.
    assert_eq!(spread(&[2 << 1, 0, 8], 5), Err(ChunkError::Invalid("run length")));
    assert_eq!(spread(&[2 << 1, 0, 1], 5), Err(ChunkError::Invalid("run length")));
    assert_eq!(spread(&[2 << 1, 0, 6], 5), Ok(()));
    assert_eq!(spread(&[2 << 1 | 1, 0b11], 5), Err(ChunkError::Invalid("run bitmap")));
    assert_eq!(spread(&[2 << 1 | 1], 5), Err(ChunkError::Truncated));
    assert_eq!(spread(&[2 << 1 | 1, 0b10], 5), Ok(()));
}

proptest! {
    #[test]
    fn runs_come_back(
        lengths in prop::collection::vec(prop_oneof![5 => 1usize..5, 1 => 1usize..100], 2..150),
    ) {
        let values: Vec<f64> = lengths
            .iter()
            .enumerate()
            .flat_map(|(run, length)| std::iter::repeat_n(run as f64, *length))
            .collect();
        prop_assert_eq!(there_and_back(&values).1, values);
    }
}
