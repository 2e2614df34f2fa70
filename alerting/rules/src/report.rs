//! What is told of groups, rules and alerts to those who ask for them.

use std::{collections::BTreeMap, time::Duration};

use model::{
    labels::Labels,
    ruler::{
        ALERT_BYTES_MAX, AlertReport, AlertState as Reported, AlertingReport, GroupReport, Health,
        RuleReport, RulerReport,
    },
    tenant::TenantId,
    time::Timestamp,
};

use crate::{
    alert::{Alert, AlertState},
    file::{Kind, Text},
    group::Group,
    roster::GroupKey,
    rule::Rule,
};

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

/// A report of all groups. Alerts share [`ALERT_BYTES_MAX`] so that the many of one tenant do not
/// keep those of others out; what is left out is counted.
pub(crate) fn all<'a>(groups: impl Iterator<Item = &'a GroupReport> + Clone) -> RulerReport {
    let mut bytes: BTreeMap<&Option<TenantId>, usize> = BTreeMap::new();
    for group in groups.clone() {
        *bytes.entry(&group.tenant).or_default() += alerts(group).map(size).sum::<usize>();
    }
    let share = share(bytes.values().copied().collect(), ALERT_BYTES_MAX);
    let mut left: BTreeMap<&Option<TenantId>, usize> =
        bytes.into_keys().map(|tenant| (tenant, share)).collect();
    let groups = groups.map(|group| selected(group, left.entry(&group.tenant).or_default()));
    RulerReport { groups: groups.collect() }
}

/// A copy of a group with as many of its alerts as there is room for.
fn selected(group: &GroupReport, left: &mut usize) -> GroupReport {
    let mut left_out = 0;
    let mut has_room = |alert: &&AlertReport| match left.checked_sub(size(alert)) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => {
            left_out += 1;
            false
        }
    };
    let rules = group.rules.iter().map(|rule| {
        let alerting = rule.alerting.as_ref().map(|alerting| AlertingReport {
            alerts: alerting.alerts.iter().filter(&mut has_room).cloned().collect(),
            annotations: alerting.annotations.clone(),
            ..*alerting
        });
        RuleReport {
            name: rule.name.clone(),
            query: rule.query.clone(),
            labels: rule.labels.clone(),
            last_error: rule.last_error.clone(),
            alerting,
            ..*rule
        }
    });
    let rules = rules.collect();
    GroupReport {
        tenant: group.tenant.clone(),
        file: group.file.clone(),
        name: group.name.clone(),
        rules,
        alerts_left_out: left_out,
        ..*group
    }
}

fn alerts(group: &GroupReport) -> impl Iterator<Item = &AlertReport> {
    group.rules.iter().filter_map(|rule| rule.alerting.as_ref()).flat_map(|it| &it.alerts)
}

/// Bytes of an alert's names and texts, and of what surrounds them.
fn size(alert: &AlertReport) -> usize {
    let texts = alert.labels.iter().chain(&alert.annotations);
    texts.map(|(name, value)| name.len() + value.len() + 6).sum::<usize>() + 160
}

/// The most that each may have so that all together have no more than `most`: who needs less than an
/// even share leaves the rest to the others.
fn share(mut needs: Vec<usize>, most: usize) -> usize {
    needs.sort_unstable();
    let mut left = most;
    for (index, need) in needs.iter().enumerate() {
        let even = left / (needs.len() - index);
        if *need > even {
            return even;
        }
        left -= need;
    }
    most
}

#[cfg(test)]
mod tests;
