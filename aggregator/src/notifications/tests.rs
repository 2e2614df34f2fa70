//! Tests of what is told, and when.

use model::time::Timestamp;
use serde_json::{Value, json};

use super::{Condition, Notification, Notifications};

fn seen(all: &[Notification]) -> Vec<(&str, bool)> {
    all.iter().map(|one| (one.date.as_str(), one.active)).collect()
}

#[test]
fn conditions_are_told_when_they_change() {
    let all = Notifications::default();
    all.set(Condition::DiskFull, false, Timestamp(1000));
    assert_eq!(all.all(), []);
    all.set(Condition::DiskFull, true, Timestamp(2000));
    let (before, mut changes) = all.follow();
    assert_eq!(seen(&before), [("1970-01-01T00:00:02Z", true)]);
    // No news.
    all.set(Condition::DiskFull, true, Timestamp(3000));
    all.raise(Condition::Starting, Timestamp(1500));
    // News, as a reload that fails once more is.
    all.raise(Condition::Starting, Timestamp(1600));
    all.set(Condition::DiskFull, false, Timestamp(4000));
    all.clear(Condition::ShuttingDown);
    let told: Vec<Notification> = std::iter::from_fn(|| changes.try_recv().ok()).collect();
    assert_eq!(
        seen(&told),
        [
            ("1970-01-01T00:00:01.5Z", true),
            ("1970-01-01T00:00:01.6Z", true),
            ("1970-01-01T00:00:02Z", false),
        ]
    );
    assert_eq!(seen(&all.all()), [("1970-01-01T00:00:01.6Z", true)]);
}

#[test]
fn a_notification_has_text_date_and_active() {
    let one = Notification::of(Condition::ShuttingDown, Timestamp(1_700_000_000_123), true);
    let object: Value = serde_json::to_value(one).unwrap();
    assert_eq!(
        object,
        json!({
            "text": "The aggregator is shutting down.", "date": "2023-11-14T22:13:20.123Z",
            "active": true,
        })
    );
}
