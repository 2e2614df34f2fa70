//! Finds, after a restart, since when alerts have been pending.

use std::{collections::BTreeMap, time::Duration};

use model::{
    columns::{Columns, is_stale},
    labels::{Labels, METRIC_NAME},
    matcher::Matcher,
    query::{Hints, QueryError, Queryable, Selection},
    time::{Timestamp, millis_of},
};

use super::Group;
use crate::{
    alert::{ALERT_NAME, Alert, FOR_STATE},
    file::{Kind, RuleSpec},
};

/// How much of the time before a restart counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Alerts that were last seen longer ago start anew.
    pub outage_tolerance: Duration,
    /// How long an alert at least stays pending after a restart. Rules that hold for less are not
    /// restored.
    pub grace: Duration,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self { outage_tolerance: minutes(60), grace: minutes(10) }
    }
}

impl Group {
    /// Restores what is pending from `ALERTS_FOR_STATE`. To be called once, after the second
    /// evaluation: by then what alerts depend on is there again. Rules whose series could not be
    /// read count as restored; the first error is returned.
    pub fn restore(
        &mut self,
        at: Timestamp,
        store: &dyn Queryable,
        options: RestoreOptions,
    ) -> Result<(), QueryError> {
        let mut result = Ok(());
        for rule in &mut self.rules {
            let Kind::Alert { hold, .. } = rule.spec.kind else { continue };
            rule.alerts.restored = true;
            if hold < options.grace {
                continue;
            }
            match last_states(&rule.spec, at, store, options.outage_tolerance) {
                Ok(states) => {
                    for (labels, (down_at, active_at)) in states {
                        if let Some(alert) = rule.alerts.active.get_mut(&labels) {
                            continue_pending(alert, at, down_at, active_at, hold, options.grace);
                        }
                    }
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }
}

/// When each alert of a rule was last seen, and since when it was active then.
fn last_states(
    spec: &RuleSpec,
    at: Timestamp,
    store: &dyn Queryable,
    tolerance: Duration,
) -> Result<BTreeMap<Labels, (Timestamp, Timestamp)>, QueryError> {
    let mut matchers = vec![Matcher::metric(FOR_STATE)];
    // Labels that are templates differ from alert to alert.
    let fixed = spec.labels.iter().filter(|(_, text)| !text.source.contains("{{"));
    matchers.extend(fixed.map(|(name, text)| Matcher::equal(name, &text.source)));
    matchers.retain(|matcher| matcher.name() != ALERT_NAME);
    matchers.push(Matcher::equal(ALERT_NAME, &spec.name));
    let start = at.saturating_sub(tolerance);
    let selection = Selection { matchers: &matchers, start, end: at, hints: Hints::default() };
    let mut states = BTreeMap::new();
    let mut columns = Columns::default();
    for series in store.select(&selection)? {
        columns.clear();
        series.decode(&mut columns)?;
        let mut samples = columns.times.iter().zip(&columns.values);
        let last = samples.rfind(|(time, _)| **time >= start.0 && **time <= at.0);
        if let Some((time, value)) = last
            && !is_stale(*value)
        {
            let labels = series.labels().without(METRIC_NAME);
            states.insert(labels, (Timestamp(*time), Timestamp::from_seconds(*value)));
        }
    }
    Ok(states)
}

/// Lets an alert go on where it was. The time of the outage does not count as pending, and it does
/// not fire before the grace is over, unless it was firing already.
fn continue_pending(
    alert: &mut Alert,
    at: Timestamp,
    down_at: Timestamp,
    active_at: Timestamp,
    hold: Duration,
    grace: Duration,
) {
    let pending = down_at.since(active_at);
    let remaining = hold.saturating_sub(pending);
    alert.active_at = if remaining.is_zero() {
        active_at
    } else if remaining < grace {
        at.saturating_add(grace).saturating_sub(hold)
    } else {
        Timestamp(active_at.0.saturating_add(millis_of(at.since(down_at))))
    };
}
