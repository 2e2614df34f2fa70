//! Tests of times and durations as clients write them.

use model::time::Timestamp;

use super::{parse_duration, parse_time};

#[test]
fn times_are_seconds_or_rfc_3339() {
    let check = |text: &str, expect: Option<i64>| {
        assert_eq!(parse_time(text), expect.map(Timestamp), "{text}");
    };
    check("1435781430.781", Some(1_435_781_430_781));
    check("-1", Some(-1000));
    check("2015-07-01T20:10:51.781Z", Some(1_435_781_451_781));
    check("2015-07-01T22:10:51.781+02:00", Some(1_435_781_451_781));
    check("yesterday", None);
    check("NaN", None);
    check("1e300", None);
}

#[test]
fn durations_are_seconds_or_prometheus_notation() {
    let check =
        |text: &str, expect: Option<i64>| assert_eq!(parse_duration(text), expect, "{text}");
    check("0.25", Some(250));
    check("5m", Some(300_000));
    check("1h30m", Some(5_400_000));
    check("1x", None);
    check("1e300", None);
}
