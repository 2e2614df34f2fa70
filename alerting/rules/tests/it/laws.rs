//! What holds for every course of a series.

use proptest::prelude::*;
use rules::AlertState;

use super::lab::{Lab, MINUTE};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// An alert fires exactly if its condition has held for `for`, or did within `keep_firing_for`.
    #[test]
    fn an_alert_fires_by_its_definition(
        course in prop::collection::vec(any::<bool>(), 1..40),
        hold in 0usize..4,
        keep in 0usize..4,
    ) {
        let mut lab = Lab::new(&format!(
            "groups: [{{name: g, rules: [{{alert: A, expr: x > 0, for: {hold}m, keep_firing_for: {keep}m}}]}}]"
        ));
        // Evaluations since the condition began and since it ended, by the documentation alone.
        let (mut begun, mut ended, mut firing) = (None::<usize>, None::<usize>, false);
        for (minute, holds) in course.iter().enumerate() {
            if *holds {
                begun = begun.or(Some(minute));
                ended = None;
                firing |= begun.is_some_and(|begun| minute - begun >= hold);
            } else {
                let since = ended.unwrap_or(minute);
                ended = Some(since);
                if !(firing && minute - since < keep) {
                    (begun, firing) = (None, false);
                }
            }
            let at = i64::try_from(minute).unwrap_or(0);
            lab.put(at, "x", f64::from(u8::from(*holds)));
            lab.evaluate(at);
            let state = lab.alert().map(|alert| alert.state);
            prop_assert_eq!(state == Some(AlertState::Firing), firing, "minute {}", minute);
            if let (Some(begun), Some(alert)) = (begun, lab.alert()) {
                let begun = i64::try_from(begun).unwrap_or(0) * MINUTE;
                prop_assert_eq!(alert.active_at.0, begun);
            }
        }
    }

    /// Every series that a rule wrote is either written again or ended at the next evaluation.
    #[test]
    fn series_are_written_or_ended(course in prop::collection::vec(0u8..3, 1..30)) {
        let mut lab = Lab::new("groups: [{name: g, rules: [{record: r, expr: x > 0}, {alert: A, expr: x > 1, for: 2m}]}]");
        let mut alive = std::collections::BTreeSet::new();
        for (minute, value) in (0..).zip(&course) {
            lab.put(minute, "x", f64::from(*value));
            let mut written = std::collections::BTreeSet::new();
            for sample in lab.evaluate(minute).into_iter().flat_map(|outcome| outcome.samples) {
                if sample.is_stale() {
                    prop_assert!(alive.remove(&sample.labels), "only living series end");
                    prop_assert!(!written.contains(&sample.labels));
                } else {
                    written.insert(sample.labels);
                }
            }
            prop_assert!(alive.is_subset(&written));
            alive = written;
        }
    }
}
