//! Times that there are, and those that there are not.

use super::*;

#[test]
fn a_time_is_written_or_never_was() {
    for (at, expected) in [
        (Some(Timestamp(1_500)), "1970-01-01T00:00:01.5Z"),
        (Some(Timestamp(0)), "1970-01-01T00:00:00Z"),
        (Some(Timestamp::MAX), NEVER),
        (Some(Timestamp::MIN), NEVER),
        (None, NEVER),
    ] {
        assert_eq!(rfc3339_or_never(at), expected);
    }
}
