//! One evaluation's effect on the alerts of a rule.

use std::{collections::BTreeMap, time::Duration};

use model::{labels::Labels, time::Timestamp};
use promql::Sample;

use super::{Alert, AlertState, Alerts, RESOLVED_RETENTION};

/// An element of the expression's result, with its texts expanded.
pub(crate) struct Found {
    pub(crate) annotations: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// Takes over a result. Gives the samples to write, and the number of alerts that are active.
pub(crate) fn update(
    alerts: &mut Alerts,
    mut found: BTreeMap<Labels, Found>,
    at: Timestamp,
    hold: Duration,
    keep_firing_for: Duration,
) -> (Vec<(Labels, Sample)>, usize) {
    for (labels, Found { annotations, value }) in &mut found {
        let annotations = std::mem::take(annotations);
        let known = alerts.active.get_mut(labels);
        if let Some(alert) = known.filter(|alert| alert.state != AlertState::Inactive) {
            alert.annotations = annotations;
            alert.value = *value;
            continue;
        }
        let alert = Alert {
            state: AlertState::Pending,
            labels: labels.clone(),
            annotations,
            value: *value,
            active_at: at,
            fired_at: None,
            resolved_at: None,
            keep_firing_since: None,
            last_sent_at: None,
        };
        alerts.active.insert(labels.clone(), alert);
    }
    let mut active = 0;
    let mut samples = Vec::new();
    alerts.active.retain(|labels, alert| {
        if found.contains_key(labels) {
            alert.keep_firing_since = None;
        } else if !goes_on(alert, at, keep_firing_for) {
            return end(alert, at);
        }
        active += 1;
        hold_back(alert, at, hold);
        if alerts.restored {
            samples.extend(alert.samples());
        }
        true
    });
    (samples, active)
}

/// Whether an alert whose condition has ended goes on firing.
fn goes_on(alert: &mut Alert, at: Timestamp, keep_firing_for: Duration) -> bool {
    if alert.state != AlertState::Firing || keep_firing_for.is_zero() {
        return false;
    }
    let since = *alert.keep_firing_since.get_or_insert(at);
    at.since(since) < keep_firing_for
}

/// Ends an alert. Whether to remember it.
fn end(alert: &mut Alert, at: Timestamp) -> bool {
    let pending = alert.state == AlertState::Pending;
    let forgotten =
        alert.resolved_at.is_some_and(|resolved| at.since(resolved) > RESOLVED_RETENTION);
    if alert.state != AlertState::Inactive {
        alert.state = AlertState::Inactive;
        alert.resolved_at = Some(at);
    }
    !pending && !forgotten
}

/// Fires an alert that has been pending long enough; takes one back that has not, as after its
/// rule was changed.
pub(crate) fn hold_back(alert: &mut Alert, at: Timestamp, hold: Duration) {
    let held = at.since(alert.active_at) >= hold;
    if alert.state == AlertState::Pending && held {
        alert.state = AlertState::Firing;
        alert.fired_at = Some(at);
    }
    if alert.state == AlertState::Firing && !held {
        alert.state = AlertState::Pending;
        alert.fired_at = None;
        alert.last_sent_at = None;
        alert.keep_firing_since = None;
    }
}
