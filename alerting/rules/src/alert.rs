//! The alerts of one rule, from pending to resolved.

mod update;

use std::{collections::BTreeMap, time::Duration};

use model::{labels::Labels, time::Timestamp};
use promql::Sample;

use crate::budget::Budget;
pub(crate) use update::{Found, hold_back, update};

/// How long a resolved alert is remembered, so that its end reaches whoever heard of its start.
pub const RESOLVED_RETENTION: Duration = Duration::from_secs(15 * 60);

/// The label with the name of the alert.
pub(crate) const ALERT_NAME: &str = "alertname";
pub(crate) const ALERT_STATE: &str = "alertstate";
pub(crate) const ALERTS: &str = "ALERTS";
pub(crate) const FOR_STATE: &str = "ALERTS_FOR_STATE";

/// How far an alert has come; later states are worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertState {
    /// Its condition has ended.
    Inactive,
    /// Its condition has not held long enough yet.
    Pending,
    Firing,
}

impl AlertState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One alert: an alerting rule may have one for each element of its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub state: AlertState,
    /// With `alertname`; they tell it from all others.
    pub labels: Labels,
    /// Sorted by name.
    pub annotations: Vec<(String, String)>,
    /// Of the expression, when it last gave one; NaN for a histogram.
    pub value: f64,
    /// Since when the condition holds.
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    /// When the condition ended of an alert that goes on firing.
    pub keep_firing_since: Option<Timestamp>,
    pub last_sent_at: Option<Timestamp>,
}

/// An alert to tell of.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    pub alert: Alert,
    /// Until when it may be taken as firing if nothing more is heard of it.
    pub valid_until: Timestamp,
}

/// The alerts of a rule by their labels.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) active: BTreeMap<Labels, Alert>,
    /// Whether the state from before a restart has been looked for. Until then the rule writes no
    /// samples, so that it does not overwrite what it is to find.
    pub(crate) restored: bool,
}

impl Alert {
    /// Whether to tell of it at `at`: it is new, or resolved since, or was told of long enough ago.
    fn is_due(&self, at: Timestamp, resend: Duration) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        let Some(sent) = self.last_sent_at else { return true };
        self.resolved_at.is_some_and(|resolved| resolved > sent) || sent.saturating_add(resend) < at
    }

    /// The samples `ALERTS` and `ALERTS_FOR_STATE`.
    fn samples(&self) -> [(Labels, Sample); 2] {
        let base = &self.labels;
        let state = base.with(ALERT_STATE, self.state.as_str());
        let since = self.active_at.0.div_euclid(1000) as f64;
        [
            (state.with(model::labels::METRIC_NAME, ALERTS), Sample::Float(1.0)),
            (base.with(model::labels::METRIC_NAME, FOR_STATE), Sample::Float(since)),
        ]
    }
}

impl Alerts {
    /// What all take together.
    pub(crate) fn amount(&self) -> Budget {
        let each = self.active.values();
        each.map(|alert| Budget::of_alert(&alert.labels, &alert.annotations))
            .fold(Budget::default(), Budget::plus)
    }

    pub(crate) fn notifications(
        &mut self,
        at: Timestamp,
        resend: Duration,
        interval: Duration,
    ) -> Vec<Notification> {
        // Two evaluations or notifications may fail without the alert ending for its receiver.
        let valid_until = at.saturating_add(resend.max(interval).saturating_mul(4));
        let due = self.active.values_mut().filter(|alert| alert.is_due(at, resend));
        due.map(|alert| {
            alert.last_sent_at = Some(at);
            Notification { alert: alert.clone(), valid_until }
        })
        .collect()
    }
}
