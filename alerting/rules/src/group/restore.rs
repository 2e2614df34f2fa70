//! Finds, after a restart, what alerts there were before.

use std::{collections::BTreeMap, time::Duration};

use model::{
    labels::{Labels, METRIC_NAME},
    matcher::Matcher,
    time::{Timestamp, millis_of},
};

use super::Group;
use crate::{
    alert::{ALERT_NAME, ALERT_STATE, ALERTS, Alert, AlertState, FOR_STATE, hold_back},
    evaluate::{Answers, Newest},
    file::{Kind, RuleSpec},
    rule::Rule,
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
    /// Restores what was pending from `ALERTS_FOR_STATE`, and what goes on firing after its
    /// condition has ended from `ALERTS`. To be called after an evaluation, for which what alerts
    /// depend on is there again. Series of alerts that are over end with the next evaluation.
    ///
    /// Rules whose series could not be read stay as they are, so that this may be called again; the
    /// first error is returned.
    pub fn restore(
        &mut self,
        at: Timestamp,
        answers: &dyn Answers,
        options: RestoreOptions,
    ) -> Result<(), String> {
        let mut result = Ok(());
        for rule in self.rules.iter_mut().filter(|rule| !rule.alerts.restored) {
            if let Err(error) = restore(rule, at, answers, options) {
                result = result.and(Err(error));
            }
        }
        result
    }

    /// Gives up looking for what there was: alerts that are not restored start anew.
    pub fn start_anew(&mut self) {
        for rule in &mut self.rules {
            rule.alerts.restored = true;
        }
    }

    /// Whether every rule was restored, or had nothing to restore.
    pub fn is_restored(&self) -> bool {
        self.rules.iter().all(|rule| rule.alerts.restored || !rule.spec.is_alert())
    }
}

fn restore(
    rule: &mut Rule,
    at: Timestamp,
    answers: &dyn Answers,
    options: RestoreOptions,
) -> Result<(), String> {
    let Kind::Alert { hold, keep_firing_for, .. } = rule.spec.kind else { return Ok(()) };
    let newest =
        |metric: &str| answers.newest(&matchers(&rule.spec, metric), at, options.outage_tolerance);
    let (since, states) = (newest(FOR_STATE)?, newest(ALERTS)?);
    rule.alerts.restored = true;
    // If the alert is not active any more, its series end as any that vanish.
    rule.series.extend(since.iter().chain(&states).map(|series| series.labels.clone()));
    let mut active_at = BTreeMap::new();
    for Newest { labels, time, value } in since {
        let (labels, since) = (labels.without(METRIC_NAME), Timestamp::from_seconds(value));
        if let Some(alert) = rule.alerts.active.get_mut(&labels).filter(|_| hold >= options.grace) {
            continue_pending(alert, at, time, since, hold, options.grace);
            hold_back(alert, at, hold);
        }
        active_at.insert(labels, since);
    }
    if !keep_firing_for.is_zero() {
        let firing = states
            .iter()
            .filter(|series| series.labels.get(ALERT_STATE) == Some(AlertState::Firing.as_str()));
        for Newest { labels, .. } in firing {
            let labels = labels.without(METRIC_NAME).without(ALERT_STATE);
            let since = active_at.get(&labels).copied().unwrap_or(at);
            rule.alerts.active.entry(labels).or_insert_with_key(|labels| kept(labels, since, at));
        }
    }
    Ok(())
}

/// An alert that was firing, and whose condition has ended at the latest now. What its texts were
/// is not known any more.
fn kept(labels: &Labels, active_at: Timestamp, at: Timestamp) -> Alert {
    Alert {
        state: AlertState::Firing,
        labels: labels.clone(),
        annotations: Vec::new(),
        value: f64::NAN,
        active_at,
        fired_at: Some(at),
        resolved_at: None,
        keep_firing_since: Some(at),
        last_sent_at: None,
    }
}

/// Those of a rule's series of one name.
fn matchers(spec: &RuleSpec, metric: &str) -> Vec<Matcher> {
    let mut matchers = vec![Matcher::metric(metric)];
    // Labels that are templates differ from alert to alert.
    let fixed = spec.labels.iter().filter(|(_, text)| !text.source.contains("{{"));
    matchers.extend(fixed.map(|(name, text)| Matcher::equal(name, &text.source)));
    matchers.retain(|matcher| matcher.name() != ALERT_NAME);
    matchers.push(Matcher::equal(ALERT_NAME, &spec.name));
    matchers
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
