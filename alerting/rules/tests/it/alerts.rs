//! The life of an alert.

use std::time::Duration;

use model::time::Timestamp;
use rules::AlertState::{Firing, Inactive, Pending};

use super::lab::{Lab, MINUTE};

const FOR: &str = "groups: [{name: g, rules: [{alert: A, expr: x > 0, for: 2m}]}]";

#[test]
fn an_alert_is_pending_then_fires_then_is_resolved_and_forgotten() {
    let mut lab = Lab::new(FOR);
    let mut story = Vec::new();
    for minute in 0..=22 {
        lab.put(minute, "x", f64::from(u8::from((1..=4).contains(&minute))));
        lab.evaluate(minute);
        story.push(lab.alert().map(|alert| alert.state));
    }
    assert_eq!(story.first(), Some(&None));
    assert_eq!(story.get(1..3), Some([Some(Pending); 2].as_slice()));
    assert_eq!(story.get(3..5), Some([Some(Firing); 2].as_slice()));
    // Resolved at minute 5, remembered for 15 minutes.
    assert_eq!(story.get(5..21), Some([Some(Inactive); 16].as_slice()));
    assert_eq!(story.get(21..), Some([None; 2].as_slice()));
}

#[test]
fn the_times_of_an_alert_are_those_of_evaluations() {
    let mut lab = Lab::new(FOR);
    for minute in 0..=5 {
        lab.put(minute, "x", f64::from(u8::from(minute < 5)));
        lab.evaluate(minute);
    }
    let alert = lab.alert().expect("is remembered");
    let at = |minute: i64| Some(Timestamp(minute * MINUTE));
    assert_eq!(Some(alert.active_at), at(0));
    assert_eq!((alert.fired_at, alert.resolved_at), (at(2), at(5)));
    assert_eq!(lab.group.rules().first().and_then(|rule| rule.state()), Some(Inactive));
}

#[test]
fn a_pending_alert_that_ends_is_forgotten_at_once() {
    let mut lab = Lab::new(FOR);
    for (minute, value) in [(0, 1.0), (1, 0.0)] {
        lab.put(minute, "x", value);
        lab.evaluate(minute);
    }
    assert_eq!(lab.alert(), None);
}

#[test]
fn notifications_are_repeated_and_tell_the_end() {
    let mut lab = Lab::new("groups: [{name: g, rules: [{alert: A, expr: x > 0}]}]");
    let resend = Duration::from_secs(150);
    let mut told = Vec::new();
    for minute in 0..=20 {
        lab.put(minute, "x", f64::from(u8::from(minute < 6)));
        lab.evaluate(minute);
        for notification in lab.group.notifications(Timestamp(minute * MINUTE), resend) {
            assert_eq!(notification.valid_until.0, minute * MINUTE + 4 * 150_000);
            told.push((minute, notification.alert.state));
        }
    }
    let firing = [0, 3].map(|minute| (minute, Firing));
    // The end is told at once, and again while it is remembered.
    let ended = [6, 9, 12, 15, 18].map(|minute| (minute, Inactive));
    assert_eq!(told, [firing.as_slice(), ended.as_slice()].concat());
}

#[test]
fn a_longer_hold_takes_a_firing_alert_back() {
    let mut lab = Lab::new("groups: [{name: g, rules: [{alert: A, expr: x > 0}]}]");
    lab.put(0, "x", 1.0);
    lab.evaluate(0);
    assert_eq!(lab.alert().map(|alert| alert.state), Some(Firing));
    let mut changed = super::lab::group(FOR, true);
    changed.adopt(lab.group);
    let mut lab = Lab::with(changed, lab.store);
    lab.evaluate(1);
    assert_eq!(lab.alert().map(|alert| alert.state), Some(Pending));
    lab.evaluate(2);
    assert_eq!(lab.alert().map(|alert| alert.state), Some(Firing));
}

#[test]
fn more_alerts_than_allowed_are_none() {
    let mut lab = Lab::new(
        "groups: [{name: g, limit: 1, rules: [{alert: A, expr: '{__name__=~\"x|y\"} > 0', \
         labels: {of: '{{ $labels.__name__ }}'}}]}]",
    );
    lab.put(0, "x", 1.0);
    lab.evaluate(0);
    assert_eq!(lab.alert().map(|alert| alert.state), Some(Firing));
    lab.put(1, "y", 1.0);
    let outcomes = lab.evaluate(1);
    let error = outcomes.first().and_then(|outcome| outcome.error.as_ref());
    assert_eq!(
        error.map(ToString::to_string).as_deref(),
        Some("exceeded limit of 1 with 2 alerts")
    );
    assert_eq!(lab.alert(), None);
}
