//! Tests of time arithmetic at its edges.

use std::time::Duration;

use super::Timestamp;

#[test]
fn seconds_round_to_the_nearest_millisecond() {
    assert_eq!(Timestamp::from_seconds(1.0006), Timestamp(1001));
    assert_eq!(Timestamp::from_seconds(-1.0006), Timestamp(-1001));
    assert_eq!(Timestamp::from_seconds(f64::INFINITY), Timestamp::MAX);
    assert_eq!(Timestamp::from_seconds(f64::NAN), Timestamp(0));
}

#[test]
fn arithmetic_saturates() {
    assert_eq!(Timestamp::MAX.saturating_add(Duration::from_secs(1)), Timestamp::MAX);
    assert_eq!(Timestamp::MIN.saturating_sub(Duration::MAX), Timestamp::MIN);
    assert_eq!(Timestamp(5).since(Timestamp(7)), Duration::ZERO);
    assert_eq!(Timestamp(7).since(Timestamp(5)), Duration::from_millis(2));
}

#[test]
fn negative_times_print_with_their_fraction() {
    assert_eq!(Timestamp(1_500).to_string(), "1.500");
    assert_eq!(Timestamp(-1).to_string(), "-1.999");
}
