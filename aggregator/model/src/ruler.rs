//! What a ruler, which evaluates rules, tells the aggregator of them: the body of
//! `PUT /api/v1/rulers/{name}/rules`. Each report replaces the one before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    budget::{self, at_most},
    tenant::TenantId,
    time::Timestamp,
};

/// How often a ruler reports if nothing changes, in seconds.
pub const REPORT_EVERY_SECONDS: u64 = 30;
/// After so many seconds without a report a ruler's rules are forgotten.
pub const REPORT_EXPIRES_SECONDS: u64 = 4 * REPORT_EVERY_SECONDS;
/// Most groups of one report.
pub const GROUPS_MAX: usize = 10_000;
/// Most bytes of the names and texts of all alerts of one report.
pub const ALERT_BYTES_MAX: usize = 16 << 20;
/// What a report may take in memory, see [`budget::within`].
pub const REPORT_MEMORY_MAX: usize = 256 << 20;

/// Most bytes of the names and texts of all groups and rules of one report.
pub const RULE_BYTES_MAX: usize = 16 << 20;

/// Most Alertmanagers of one ruler.
pub const ALERTMANAGERS_MAX: usize = 64;

/// All groups of a ruler, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulerReport {
    #[serde(deserialize_with = "at_most::<_, _, GROUPS_MAX>")]
    pub groups: Vec<GroupReport>,
    /// Addresses of the Alertmanagers that it tells of alerts, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alertmanagers: Vec<String>,
}

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupReport {
    /// Whose rules they are; `None` for operators', which look at all tenants.
    pub tenant: Option<TenantId>,
    pub file: String,
    pub name: String,
    pub interval_seconds: f64,
    /// Most series or alerts of one rule; 0 for no limit.
    pub limit: u64,
    #[serde(deserialize_with = "budget::list")]
    pub rules: Vec<RuleReport>,
    /// How long the last evaluation took.
    pub evaluation_seconds: f64,
    /// `None` before the first.
    pub last_evaluation: Option<Timestamp>,
    /// Alerts that there was no room for.
    #[serde(default)]
    pub alerts_left_out: u64,
    /// Rules that there was no room for, with those of the tenant's groups after this one that there
    /// was no room for at all.
    #[serde(default)]
    pub rules_left_out: u64,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleReport {
    pub name: String,
    pub query: String,
    #[serde(deserialize_with = "budget::map")]
    pub labels: BTreeMap<String, String>,
    pub health: Health,
    pub last_error: Option<String>,
    pub evaluation_seconds: f64,
    pub last_evaluation: Option<Timestamp>,
    /// `None` for recording rules.
    pub alerting: Option<AlertingReport>,
}

/// How the last evaluation of a rule went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    #[default]
    Unknown,
    Ok,
    Err,
}

/// What alerting rules have beyond the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertingReport {
    pub state: AlertState,
    pub for_seconds: f64,
    pub keep_firing_for_seconds: f64,
    #[serde(deserialize_with = "budget::map")]
    pub annotations: BTreeMap<String, String>,
    /// Pending and firing ones.
    #[serde(deserialize_with = "budget::list")]
    pub alerts: Vec<AlertReport>,
}

/// How far an alert has come, or the worst alert of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The rule was not evaluated yet.
    Unknown,
    Inactive,
    Pending,
    Firing,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertReport {
    #[serde(deserialize_with = "budget::map")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "budget::map")]
    pub annotations: BTreeMap<String, String>,
    pub state: AlertState,
    pub active_at: Timestamp,
    pub keep_firing_since: Option<Timestamp>,
    #[serde(with = "float")]
    pub value: f64,
}

/// Floats as text, because JSON has neither infinities nor NaN.
mod float {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
