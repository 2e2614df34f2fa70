//! Waits between reports.

use std::time::Duration;

use model::ruler::REPORT_EXPIRES_SECONDS;

use super::{AGAIN, pause};

#[test]
fn no_report_makes_the_aggregator_forget_the_rules() {
    let seconds = Duration::from_secs;
    for (took, succeeded, expected) in [
        (Duration::ZERO, true, seconds(1)),
        (seconds(1), true, seconds(20)),
        (seconds(30), true, seconds(30)),
        (Duration::MAX, true, seconds(30)),
        (Duration::ZERO, false, seconds(5)),
        (seconds(30), false, seconds(5)),
    ] {
        assert_eq!(pause(took, succeeded), expected, "{took:?} {succeeded}");
        assert!(pause(took, succeeded) + AGAIN < seconds(REPORT_EXPIRES_SECONDS));
    }
}
