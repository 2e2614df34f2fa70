//! What an agent says of the targets that it scrapes: the JSON of `PUT /api/v1/nodes/{node}/targets`.
//!
//! A report is whole: it replaces the one before. Its limits are what a sender keeps to and what a
//! receiver refuses to exceed.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    budget::{self, at_most, lists_at_most},
    metadata::Metadata,
    relabel::RelabelRule,
    tenant::TenantId,
    time::Timestamp,
};

/// A report is sent at least this often.
pub const REPORT_EVERY: Duration = Duration::from_secs(30);
/// Largest report, as JSON that is not compressed.
pub const REPORT_BYTES_MAX: usize = 16 << 20;
/// Targets in one report, active and dropped together.
pub const REPORT_TARGETS_MAX: usize = 20_000;

/// Pools, and lists of families, in one report.
pub const REPORT_LISTS_MAX: usize = 20_000;
/// Rules of one pool.
pub const REPORT_RULES_MAX: usize = 1_000;
/// What a report may take in memory, see [`budget::within`].
pub const REPORT_MEMORY_MAX: usize = 128 << 20;

/// Labels by name.
pub type LabelMap = BTreeMap<String, String>;

/// All targets of one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetsReport {
    #[serde(deserialize_with = "at_most::<_, _, REPORT_LISTS_MAX>")]
    pub pools: Vec<PoolReport>,
    /// What targets say of their metrics. Many targets are of the same program, so they share.
    #[serde(deserialize_with = "lists_at_most::<_, _, REPORT_LISTS_MAX>")]
    pub families: Vec<Vec<Family>>,
    /// Targets that had no room.
    pub left_out: u64,
    /// Lists of families that had no room.
    pub families_left_out: u64,
}

/// The targets of one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    pub name: String,
    /// Whose job it is; single targets may be another's.
    pub tenant: TenantId,
    /// The job's settings in force, as JSON, without secrets.
    #[serde(default)]
    pub config: String,
    /// How targets are relabelled.
    #[serde(default, deserialize_with = "at_most::<_, _, REPORT_RULES_MAX>")]
    pub rules: Vec<RelabelRule>,
    #[serde(default, deserialize_with = "at_most::<_, _, REPORT_TARGETS_MAX>")]
    pub targets: Vec<TargetReport>,
    /// Some of those that relabelling dropped.
    #[serde(default, deserialize_with = "at_most::<_, _, REPORT_TARGETS_MAX>")]
    pub dropped: Vec<DroppedReport>,
    /// How many it dropped, by whose they are.
    #[serde(default, deserialize_with = "budget::map")]
    pub dropped_counts: BTreeMap<TenantId, u64>,
}

/// One target that is scraped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    pub tenant: TenantId,
    /// Before relabelling.
    #[serde(deserialize_with = "budget::map")]
    pub discovered: LabelMap,
    /// What its series carry, the tenant among them.
    #[serde(deserialize_with = "budget::map")]
    pub labels: LabelMap,
    pub url: String,
    /// The same for who is elsewhere.
    pub global_url: String,
    pub health: Health,
    /// Empty when the target is up.
    #[serde(default)]
    pub last_error: String,
    /// `None` before the first scrape.
    #[serde(default)]
    pub last_scrape: Option<Timestamp>,
    /// Of the last scrape.
    #[serde(default)]
    pub duration_seconds: f64,
    /// As Prometheus writes durations.
    pub interval: String,
    pub timeout: String,
    /// Index in [`TargetsReport::families`].
    #[serde(default)]
    pub families: Option<usize>,
}

/// One target that relabelling dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedReport {
    pub tenant: TenantId,
    #[serde(deserialize_with = "budget::map")]
    pub discovered: LabelMap,
}

/// What is known of a target's health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Up,
    Down,
    /// Not scraped yet, or nobody knows any more.
    #[default]
    Unknown,
}

/// What a target says of one metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Family {
    pub metric: String,
    #[serde(flatten)]
    pub metadata: Metadata,
}

impl TargetsReport {
    /// All tenants of whom it speaks.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.pools.iter().flat_map(|pool| {
            let targets = pool.targets.iter().map(|target| &target.tenant);
            let dropped = pool.dropped.iter().map(|dropped| &dropped.tenant);
            let counted = pool.dropped_counts.keys();
            std::iter::once(&pool.tenant).chain(targets).chain(dropped).chain(counted)
        })
    }

    /// Active and dropped ones together.
    pub fn target_count(&self) -> usize {
        self.pools.iter().map(|pool| pool.targets.len() + pool.dropped.len()).sum()
    }
}

#[cfg(test)]
mod tests;
