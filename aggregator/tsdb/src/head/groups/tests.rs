//! Tests of windows of frames.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use super::{FIRST_WINDOW_MIN, Shared, WINDOW_FRAMES, Window, first_window};
use crate::samples::Column;

fn window(rows: &[Vec<u64>]) -> Window {
    let mut window = Window::default();
    let mut bytes = 0;
    for (at, row) in rows.iter().enumerate() {
        let mut payload = Vec::new();
        // A key frame in the middle, as each part of the log begins with one.
        match at.checked_sub(1).filter(|_| at % 5 != 0) {
            Some(before) => codec::frame::encode(&rows[before], row, &mut payload),
            None => codec::frame::encode_key(row, &mut payload),
        }
        bytes += window.push(at as i64 * 10, &payload);
    }
    assert_eq!(window.bytes(), bytes);
    window
}

proptest! {
    /// Whether all columns are taken or some, they are those of the rows.
    #[test]
    fn columns_are_those_of_the_rows(
        rows in (1..20usize).prop_flat_map(|members| {
            let value = prop_oneof![Just(0), 0..3u64, any::<u64>()];
            prop::collection::vec(prop::collection::vec(value, members), 1..30)
        }),
        step in 1..12usize,
    ) {
        let members = rows[0].len();
        let window = window(&rows);
        let column = |member: usize| -> Vec<u64> { rows.iter().map(|row| row[member]).collect() };
        let mut all = vec![1.0];
        window.columns(members, &mut all);
        let wanted: Vec<u32> = (0..members as u32).rev().step_by(step).collect();
        let window = Arc::new(window);
        let decoded = OnceLock::new();
        let shared = Shared { window: Arc::clone(&window), members, wanted: wanted.clone(), decoded };
        for member in 0..members {
            let found = &all[member * rows.len()..(member + 1) * rows.len()];
            let found: Vec<u64> = found.iter().map(|value| value.to_bits()).collect();
            prop_assert_eq!(found, column(member));
        }
        for (at, member) in (0..).zip(&wanted) {
            let mut out = Column::default();
            shared.decode(at, &mut out);
            let found: Vec<u64> = out.values.iter().map(|value: &f64| value.to_bits()).collect();
            prop_assert_eq!(found, column(*member as usize));
            prop_assert_eq!(&out.times, &window.times);
        }
    }
}

#[test]
fn an_empty_window_overlaps_nothing() {
    let mut window = window(&[vec![1], vec![2], vec![3]]);
    assert!(window.overlaps(20, 20) && window.overlaps(-5, 0) && window.overlaps(5, 6));
    assert!(!window.overlaps(21, 30) && !window.overlaps(-9, -1));
    window.clear();
    assert!(!window.overlaps(i64::MIN, i64::MAX));
    assert_eq!((window.len(), window.bytes()), (0, 0));
}

#[test]
fn windows_that_begin_together_are_not_full_together() {
    let mut full = [0; WINDOW_FRAMES + 1];
    (0..10_000).for_each(|number| full[first_window(number)] += 1);
    assert_eq!(full[..FIRST_WINDOW_MIN].iter().sum::<usize>(), 0);
    let fair = 10_000 / (WINDOW_FRAMES - FIRST_WINDOW_MIN + 1);
    assert!(full[FIRST_WINDOW_MIN..].iter().all(|count| (fair / 2..fair * 2).contains(count)));
}
