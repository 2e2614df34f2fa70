//! What is told of groups, rules and alerts to those who ask for them.

mod room;

use std::{collections::BTreeMap, time::Duration};

use model::{
    labels::Labels,
    ruler::{AlertReport, AlertState as Reported, AlertingReport, GroupReport, Health, RuleReport},
    time::Timestamp,
};

use crate::{
    alert::{Alert, AlertState},
    file::{Kind, Text},
    group::Group,
    roster::GroupKey,
    rule::Rule,
};

pub(crate) use room::all;

/// A group after an evaluation.
pub(crate) fn group(
    key: &GroupKey,
    group: &Group,
    at: Option<Timestamp>,
    took: Duration,
) -> GroupReport {
    GroupReport {
        tenant: key.tenant.clone(),
        file: key.file.clone(),
        name: key.name.clone(),
        interval_seconds: group.interval().as_secs_f64(),
        limit: group.limit().unwrap_or(0) as u64,
        rules: group.rules().iter().map(rule).collect(),
        evaluation_seconds: took.as_secs_f64(),
        last_evaluation: at,
        alerts_left_out: 0,
        rules_left_out: 0,
    }
}

fn rule(rule: &Rule) -> RuleReport {
    let spec = rule.spec();
    let texts = |texts: &[(String, Text)]| -> BTreeMap<String, String> {
        texts.iter().map(|(name, text)| (name.clone(), text.source.clone())).collect()
    };
    let alerting = match &spec.kind {
        Kind::Record => None,
        Kind::Alert { hold, keep_firing_for, annotations } => Some(AlertingReport {
            state: rule.state().map_or(Reported::Unknown, reported),
            for_seconds: hold.as_secs_f64(),
            keep_firing_for_seconds: keep_firing_for.as_secs_f64(),
            annotations: texts(annotations),
            alerts: rule.active_alerts().map(alert).collect(),
        }),
    };
    let health = match (rule.last_evaluation(), rule.last_error()) {
        (None, _) => Health::Unknown,
        (Some(_), None) => Health::Ok,
        (Some(_), Some(_)) => Health::Err,
    };
    RuleReport {
        name: spec.name.clone(),
        query: spec.expr.to_string(),
        labels: texts(&spec.labels),
        health,
        last_error: rule.last_error().map(ToString::to_string),
        evaluation_seconds: rule.took().as_secs_f64(),
        last_evaluation: rule.last_evaluation(),
        alerting,
    }
}

fn reported(state: AlertState) -> Reported {
    match state {
        AlertState::Inactive => Reported::Inactive,
        AlertState::Pending => Reported::Pending,
        AlertState::Firing => Reported::Firing,
    }
}

fn alert(alert: &Alert) -> AlertReport {
    let labels = |labels: &Labels| {
        labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    AlertReport {
        labels: labels(&alert.labels),
        annotations: alert.annotations.iter().cloned().collect(),
        state: reported(alert.state),
        active_at: alert.active_at,
        keep_firing_since: alert.keep_firing_since,
        value: alert.value,
    }
}
