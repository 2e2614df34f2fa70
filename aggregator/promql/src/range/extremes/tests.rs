//! Tests against looking at each value of each window.

use proptest::prelude::*;

use super::Extreme;

fn one_by_one(which: Extreme, values: &[f64]) -> f64 {
    let mut best = values[0];
    for value in &values[1..] {
        let better = match which {
            Extreme::Greatest => *value > best,
            Extreme::Least => *value < best,
        };
        if better || best.is_nan() {
            best = *value;
        }
    }
    best
}

proptest! {
    #[test]
    fn sliding_gives_what_each_window_gives(
        values in proptest::collection::vec(
            prop_oneof![
                4 => (-3i32..3).prop_map(f64::from),
                1 => Just(-0.0),
                2 => (0u64..3).prop_map(|bits| f64::from_bits(0x7ff8_0000_0000_0001 + bits)),
                1 => any::<f64>(),
            ],
            1..80,
        ),
        moves in proptest::collection::vec((0usize..6, 0usize..9), 1..60),
    ) {
        let (mut windows, mut start, mut end) = (Vec::new(), 0, 0);
        for (by, grown) in moves {
            start = (start + by).min(values.len() - 1);
            end = (end + grown).clamp(start + 1, values.len());
            windows.push(start..end);
        }
        for which in [Extreme::Greatest, Extreme::Least] {
            let found = which.of_windows(&values, windows.iter());
            let expected = windows.iter().map(|window| one_by_one(which, &values[window.clone()]));
            let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
            prop_assert_eq!(bits(found), bits(expected.collect()));
        }
    }
}
