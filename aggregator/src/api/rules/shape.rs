//! Rules and alerts in the shapes of Prometheus' API. Who sees several tenants finds the tenant in
//! each group and in the labels of each alert, as in the labels of series.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use model::{
    ruler::{
        AlertReport, AlertState, AlertingReport, GroupReport, Health, RuleReport, RulerReport,
    },
    tenant::TenantId,
};
use serde::Serialize;
use tenancy::access::{Access, Tenants};
use tsdb::view::TENANT_LABEL;
use wire::time::{rfc3339, rfc3339_or_never};

use crate::api::answer::ApiError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Discovery<'a> {
    pub(super) groups: Vec<Group<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group<'a> {
    name: &'a str,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a TenantId>,
    rules: Vec<Rule<'a>>,
    interval: f64,
    limit: u64,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule<'a> {
    name: &'a str,
    query: &'a str,
    labels: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    alerting: Option<Alerting<'a>>,
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    evaluation_time: f64,
    last_evaluation: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alerting<'a> {
    state: AlertState,
    duration: f64,
    keep_firing_for: f64,
    annotations: &'a BTreeMap<String, String>,
    /// `None` when they are not asked for.
    alerts: Option<Vec<Alert<'a>>>,
}

#[derive(Serialize)]
pub(super) struct Alerts<'a> {
    alerts: Vec<Alert<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    labels: Cow<'a, BTreeMap<String, String>>,
    annotations: &'a BTreeMap<String, String>,
    state: AlertState,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

/// `{"status":"success","data":…}`
#[derive(Serialize)]
struct Success<'a, T> {
    status: &'static str,
    data: &'a T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The answer as JSON.
pub(super) fn encode<T: Serialize>(data: &T, warnings: Vec<String>) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(&Success { status: "success", data, warnings })
        .map_err(|error| ApiError::Internal(error.to_string()))
}

/// The groups that a caller sees, in order: those of its tenants. Operators' rules look at all
/// tenants, so only who does so too sees them. Where several rulers tell of a group, the one that
/// evaluated it last is heard.
pub(super) fn visible<'a>(
    reports: &'a [Arc<RulerReport>],
    access: &Access,
) -> Vec<&'a GroupReport> {
    let own = |group: &&GroupReport| match &group.tenant {
        Some(tenant) => access.tenants.contains(tenant),
        None => access.tenants == Tenants::All,
    };
    let groups = reports.iter().flat_map(|report| &report.groups);
    let mut groups: Vec<&GroupReport> = groups.filter(own).collect();
    groups.sort_by(|a, b| place(a).cmp(&place(b)).then(b.last_evaluation.cmp(&a.last_evaluation)));
    groups.dedup_by(|a, b| place(a) == place(b));
    groups
}

fn place(group: &GroupReport) -> (&str, &str, Option<&TenantId>) {
    (&group.file, &group.name, group.tenant.as_ref())
}

/// The tenant of a group, where the caller sees several.
pub(super) fn tenant<'a>(group: &'a GroupReport, access: &Access) -> Option<&'a TenantId> {
    group.tenant.as_ref().filter(|_| !matches!(access.tenants, Tenants::One(_)))
}

/// Says so where alerts or rules are missing.
pub(super) fn left_out(groups: &[&GroupReport]) -> Vec<String> {
    let total = |count: fn(&GroupReport) -> u64| {
        groups.iter().map(|group| count(group)).fold(0, u64::saturating_add)
    };
    let alerts = total(|group| group.alerts_left_out);
    let rules = total(|group| group.rules_left_out);
    [(alerts, "alerts"), (rules, "rules")]
        .into_iter()
        .filter(|(missing, _)| *missing > 0)
        .map(|(missing, what)| {
            format!("{missing} {what} are not shown: there are more than a report holds")
        })
        .collect()
}

/// A group with some of its rules.
pub(super) fn group<'a>(
    group: &'a GroupReport,
    access: &Access,
    rules: Vec<Rule<'a>>,
) -> Group<'a> {
    Group {
        name: &group.name,
        file: &group.file,
        tenant: tenant(group, access),
        rules,
        interval: group.interval_seconds,
        limit: group.limit,
        evaluation_time: group.evaluation_seconds,
        last_evaluation: rfc3339_or_never(group.last_evaluation),
    }
}

/// A rule, with its alerts unless they are not wanted.
pub(super) fn rule<'a>(
    rule: &'a RuleReport,
    tenant: Option<&TenantId>,
    with_alerts: bool,
) -> Rule<'a> {
    let alerting = |it: &'a AlertingReport| Alerting {
        state: it.state,
        duration: it.for_seconds,
        keep_firing_for: it.keep_firing_for_seconds,
        annotations: &it.annotations,
        alerts: with_alerts.then(|| it.alerts.iter().map(|it| alert(it, tenant)).collect()),
    };
    Rule {
        name: &rule.name,
        query: &rule.query,
        labels: &rule.labels,
        alerting: rule.alerting.as_ref().map(alerting),
        health: rule.health,
        last_error: rule.last_error.as_deref(),
        evaluation_time: rule.evaluation_seconds,
        last_evaluation: rfc3339_or_never(rule.last_evaluation),
        kind: if rule.alerting.is_some() { "alerting" } else { "recording" },
    }
}

/// All alerts that are pending or firing.
pub(super) fn alerts<'a>(groups: &[&'a GroupReport], access: &Access) -> Alerts<'a> {
    let mut alerts = Vec::new();
    for group in groups {
        let tenant = tenant(group, access);
        let rules = group.rules.iter().filter_map(|rule| rule.alerting.as_ref());
        alerts.extend(rules.flat_map(|rule| &rule.alerts).map(|it| alert(it, tenant)));
    }
    Alerts { alerts }
}

fn alert<'a>(alert: &'a AlertReport, tenant: Option<&TenantId>) -> Alert<'a> {
    let mut labels = Cow::Borrowed(&alert.labels);
    if let Some(tenant) = tenant {
        labels.to_mut().insert(TENANT_LABEL.to_owned(), tenant.to_string());
    }
    let mut value = Vec::new();
    wire::prometheus_json::write_float_with_exponent(&mut value, alert.value);
    Alert {
        labels,
        annotations: &alert.annotations,
        state: alert.state,
        active_at: rfc3339(alert.active_at),
        keep_firing_since: alert.keep_firing_since.map(rfc3339),
        // The quotes are JSON's, and put there again.
        value: String::from_utf8_lossy(&value).trim_matches('"').to_owned(),
    }
}
