//! Tests of the words.

use super::*;

#[test]
fn durations_read_well() {
    for (millis, text) in [
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1 s"),
        (3249, "3.2 s"),
        (60_000, "60 s"),
        (119_990, "120 s"),
        (120_000, "2 min"),
        (629_999, "10 min"),
        (7_200_000, "2 h"),
    ] {
        assert_eq!(human(Duration::from_millis(millis)), text);
    }
}

#[test]
fn nouns_agree_with_their_number() {
    assert_eq!(count(1u32, "restart"), "1 restart");
    assert_eq!(count(0usize, "restart"), "0 restarts");
}
