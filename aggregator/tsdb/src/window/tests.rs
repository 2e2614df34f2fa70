//! Tests of windows.

use std::time::Duration;

use proptest::prelude::*;

use super::{CLASSES, HOUR, Window, class_of, flush_window, longest_class};

#[test]
fn classes_follow_the_retention() {
    let days = |days: u64| longest_class(Duration::from_secs(days * 24 * 3600));
    assert_eq!([0, 1, 2, 3, 15, 92, 93, 400].map(days), [0, 0, 0, 1, 1, 1, 2, 2]);
}

#[test]
fn old_samples_go_to_long_windows() {
    let now = 1000 * 24 * HOUR + 5 * HOUR;
    let length = |age_hours: i64| {
        let window = flush_window(now - age_hours * HOUR, now, 2);
        (window.end - window.start) / HOUR
    };
    assert_eq!([-1, 0, 5, 28, 30, 700, 800, 9000].map(length), [2, 2, 2, 2, 24, 24, 744, 744]);
    assert_eq!(flush_window(now - 9000 * HOUR, now, 1).end % (24 * HOUR), 0);
}

proptest! {
    #[test]
    fn windows_nest(time in -4_000_000_000_000i64..4_000_000_000_000, other in 0i64..3_000_000_000) {
        for class in 0..CLASSES {
            let window = Window::of(time, class);
            prop_assert!(window.contains(time, time));
            for longer in class..CLASSES {
                prop_assert!(Window::of(time, longer).contains(window.start, window.end - 1));
            }
        }
        if let Some(class) = class_of(time, time + other) {
            prop_assert!(Window::of(time, class).contains(time, time + other));
            prop_assert!(class == 0 || !Window::of(time, class - 1).contains(time, time + other));
        }
    }
}
