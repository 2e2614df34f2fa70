//! Tests of sliding counts.

use proptest::prelude::*;

use super::*;

#[test]
fn counts_what_lies_within() {
    let mut window = Window::default();
    let second = Duration::from_secs(1);
    for time in [1000, 1500, 2000] {
        window.push(Timestamp(time), Duration::from_secs(10));
    }
    let count = |now| window.count(Timestamp(now), second);
    assert_eq!([2000, 2400, 2500, 2999, 3000].map(count), [2, 2, 1, 1, 0]);
    assert_eq!(window.free_at(Timestamp(2100), second, 2), Timestamp(2500));
    assert_eq!(window.free_at(Timestamp(2100), second, 3), Timestamp(2100));
    assert_eq!(window.free_at(Timestamp(2100), second, 1), Timestamp(3000));
    assert_eq!(window.free_at(Timestamp(2100), second, 0), Timestamp(2100));
    window.pop();
    assert_eq!(window.count(Timestamp(2000), second), 1);
}

#[test]
fn keeps_no_more_than_its_limit() {
    let mut window = Window::default();
    for time in 0..10_000 {
        window.push(Timestamp(time), Duration::from_secs(100));
    }
    assert_eq!(window.times.len(), ENTRIES_MAX);
}

proptest! {
    #[test]
    fn the_count_is_below_the_limit_when_free(
        mut times in proptest::collection::vec(0i64..10_000, 0..50),
        limit in 1u32..20,
        window in 1u64..5000,
    ) {
        times.sort_unstable();
        let mut counted = Window::default();
        for time in &times {
            counted.push(Timestamp(*time), Duration::from_secs(100));
        }
        let now = Timestamp(times.last().copied().unwrap_or(0));
        let window = Duration::from_millis(window);
        let free = counted.free_at(now, window, limit);
        prop_assert!(counted.count(free, window) < limit);
        if free > now {
            let before = Timestamp(free.millis() - 1);
            prop_assert!(counted.count(before, window) >= limit);
        }
    }
}
