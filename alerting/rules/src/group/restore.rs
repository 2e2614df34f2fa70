//! Finds, after a restart, what alerts there were before.

use std::{collections::BTreeMap, time::Duration};

use model::{
    labels::{Labels, METRIC_NAME},
    matcher::Matcher,
    time::{Timestamp, millis_of},
};

use promql::{Sample, VectorElement};

use super::{
    Group,
    namesakes::{Namesakes, fixed},
};
use crate::{
    alert::{ALERT_NAME, ALERT_STATE, ALERTS, Alert, AlertState, FOR_STATE, hold_back},
    evaluate::{Answers, Newest},
    file::{Kind, RuleSpec},
    rule::{Rule, Shared},
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
    /// depend on is there again. Series of alerts that are over end with the next evaluation. Series
    /// of alerts that are not active and may be those of another rule are left alone.
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
        let Self { environment, namesakes, limit, rules, .. } = self;
        let shared = Shared { environment, source: answers, at, data_at: at, limit: *limit };
        for rule in rules.iter_mut().filter(|rule| !rule.alerts.restored) {
            if let Err(error) = restore(rule, shared, namesakes, options) {
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
    shared: Shared<'_>,
    namesakes: &Namesakes,
    options: RestoreOptions,
) -> Result<(), String> {
    let Kind::Alert { hold, keep_firing_for, .. } = rule.spec.kind else { return Ok(()) };
    let Shared { source, at, .. } = shared;
    let newest = |metric: &str| {
        let found = source.newest(&matchers(&rule.spec, metric), at, options.outage_tolerance)?;
        own(found, rule, namesakes, source)
    };
    let (since, states) = (newest(FOR_STATE)?, newest(ALERTS)?);
    let active_at: BTreeMap<Labels, Timestamp> = since
        .iter()
        .map(|series| (alert_labels(&series.labels), Timestamp::from_seconds(series.value)))
        .collect();
    let kept = if keep_firing_for.is_zero() {
        Vec::new()
    } else {
        kept(rule, &states, &active_at, shared)?
    };
    rule.alerts.restored = true;
    // If the alert is not active any more, its series end as any that vanish.
    rule.series.extend(since.iter().chain(&states).map(|series| series.labels.clone()));
    for Newest { labels, time, value } in since {
        let (labels, since) = (alert_labels(&labels), Timestamp::from_seconds(value));
        if let Some(alert) = rule.alerts.active.get_mut(&labels).filter(|_| hold >= options.grace) {
            continue_pending(alert, at, time, since, hold, options.grace);
            hold_back(alert, at, hold);
        }
    }
    rule.alerts.active.extend(kept.into_iter().map(|alert| (alert.labels.clone(), alert)));
    Ok(())
}

/// The series that are the rule's: those of its alerts, and those that no other rule may have.
fn own(
    found: Vec<Newest>,
    rule: &Rule,
    namesakes: &Namesakes,
    source: &dyn Answers,
) -> Result<Vec<Newest>, String> {
    let mut own = Vec::with_capacity(found.len());
    for series in found {
        source.go_on()?;
        let is_active = || rule.alerts.active.contains_key(&alert_labels(&series.labels));
        if namesakes.is_only(&rule.spec, &series.labels) || is_active() {
            own.push(series);
        }
    }
    Ok(own)
}

/// Labels of the alert that a series is of.
fn alert_labels(series: &Labels) -> Labels {
    series.without(METRIC_NAME).without(ALERT_STATE)
}

/// Alerts that were firing, and whose condition has ended at the latest now. Their texts are expanded
/// again; the value of the expression is not known any more.
fn kept(
    rule: &Rule,
    states: &[Newest],
    active_at: &BTreeMap<Labels, Timestamp>,
    shared: Shared<'_>,
) -> Result<Vec<Alert>, String> {
    let at = shared.at;
    let mut tally = rule.held.tally();
    let mut kept = Vec::new();
    let firing = states
        .iter()
        .filter(|series| series.labels.get(ALERT_STATE) == Some(AlertState::Firing.as_str()));
    for Newest { labels, .. } in firing {
        let labels = alert_labels(labels);
        if rule.alerts.active.contains_key(&labels) {
            continue;
        }
        let (time, value) = (at.0, Sample::Float(f64::NAN));
        let element = VectorElement { labels: labels.without(ALERT_NAME), time, value };
        let told = |error: &dyn std::fmt::Display| error.to_string();
        tally.alert().map_err(|error| told(&error))?;
        let annotations = rule.annotations(&rule.expander(&element, shared), &mut tally);
        kept.push(Alert {
            state: AlertState::Firing,
            annotations: annotations.map_err(|error| told(&error))?,
            value: f64::NAN,
            active_at: active_at.get(&labels).copied().unwrap_or(at),
            labels,
            fired_at: Some(at),
            resolved_at: None,
            keep_firing_since: Some(at),
            last_sent_at: None,
        });
    }
    shared.source.go_on()?;
    Ok(kept)
}

/// Those of a rule's series of one name.
fn matchers(spec: &RuleSpec, metric: &str) -> Vec<Matcher> {
    let mut matchers = vec![Matcher::metric(metric)];
    matchers.extend(fixed(spec).iter().map(|(name, value)| Matcher::equal(name, value)));
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
