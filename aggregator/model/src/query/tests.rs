//! Tests of windows against looking at each of them.

use proptest::prelude::*;

use super::{Need, Windows};

proptest! {
    #[test]
    fn windows_are_told_as_if_counted(
        first in -50i64..50,
        step in 1i64..40,
        count in 1u64..8,
        length in 1i64..60,
        min in -120i64..300,
        span in 0i64..60,
    ) {
        let windows = Windows { first, step, count, length, need: Need::Any };
        let max = min + span;
        let all: Vec<(i64, i64)> = (0..count as i64)
            .map(|number| (first + number * step - length, first + number * step))
            .collect();
        let has = |(start, end): (i64, i64), time: i64| start < time && time <= end;
        let touch = all.iter().any(|window| (min..=max).any(|time| has(*window, time)));
        prop_assert_eq!(windows.touch(min, max), touch);
        let end = all.iter().any(|(_, end)| min <= *end && *end < max);
        prop_assert_eq!(windows.end_within(min, max), end);
        let begin = all.iter().any(|(start, _)| min <= *start && *start < max);
        prop_assert_eq!(windows.begin_within(min, max), begin);
    }
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let windows = Windows {
        first: i64::MAX,
        step: i64::MAX,
        count: u64::MAX,
        length: i64::MAX,
        need: Need::Last,
    };
    assert!(windows.touch(i64::MIN, i64::MAX));
    assert!(!windows.touch(i64::MIN, i64::MIN));
    assert!(!windows.end_within(i64::MIN, i64::MIN));
    assert!(windows.begin_within(-1, i64::MAX));
}
