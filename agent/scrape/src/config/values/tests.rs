//! Durations and sizes.

use proptest::prelude::*;

use super::*;

#[test]
fn durations_are_read_and_written_as_prometheus_does() {
    for (text, millis, written) in [
        ("15s", 15_000, "15s"),
        ("1m30s", 90_000, "1m30s"),
        ("90s", 90_000, "1m30s"),
        ("250ms", 250, "250ms"),
        ("1d", 86_400_000, "1d"),
        ("25h", 90_000_000, "25h"),
        ("1w", 604_800_000, "1w"),
        ("0", 0, "0s"),
        ("1h0m5ms", 3_600_005, "1h5ms"),
    ] {
        let span = Span::parse(text).expect("is a duration");
        assert_eq!((span.0.as_millis(), span.to_string().as_str()), (millis, written), "{text}");
    }
    for text in ["", "5", "s", "1s1m", "1s1s", "-1s", "1.5s", "1x", "99999999999y"] {
        assert!(Span::parse(text).is_err(), "{text}");
    }
}

#[test]
fn sizes_count_in_kibibytes() {
    for (text, bytes) in [("0", 0), ("5B", 5), ("1KB", 1024), ("1KiB", 1024), ("2MB", 2 << 20)] {
        assert_eq!(Size::parse(text), Some(Size(bytes)), "{text}");
    }
    for text in ["", "5", "5X", "KB", "99999999999GB"] {
        assert_eq!(Size::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(millis in 0u64..1 << 45) {
        let span = Span(Duration::from_millis(millis));
        prop_assert_eq!(Span::parse(&span.to_string()), Ok(span));
    }

    #[test]
    fn no_text_panics(text in ".{0,12}") {
        drop(Span::parse(&text));
        Size::parse(&text);
    }
}
