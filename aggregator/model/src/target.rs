//! What an agent says of the targets that it scrapes: the JSON of `PUT /api/v1/nodes/{node}/targets`.
//!
//! A report is whole: it replaces the one before. Its limits are what a sender keeps to and what a
//! receiver refuses to exceed.

use std::{collections::BTreeMap, fmt, marker::PhantomData, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, SeqAccess, Visitor},
};

use crate::{metadata::Metadata, relabel::RelabelRule, tenant::TenantId, time::Timestamp};

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

/// Labels by name.
pub type LabelMap = BTreeMap<String, String>;

/// All targets of one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetsReport {
    #[serde(deserialize_with = "at_most::<_, _, REPORT_LISTS_MAX>")]
    pub pools: Vec<PoolReport>,
    /// What targets say of their metrics. Many targets are of the same program, so they share.
    #[serde(deserialize_with = "at_most::<_, _, REPORT_LISTS_MAX>")]
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
    #[serde(default)]
    pub dropped_counts: BTreeMap<TenantId, u64>,
}

/// One target that is scraped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetReport {
    pub tenant: TenantId,
    /// Before relabelling.
    pub discovered: LabelMap,
    /// What its series carry, the tenant among them.
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

    /// Labels of all targets, which is what takes the memory.
    pub fn label_count(&self) -> usize {
        let of_pool = |pool: &PoolReport| {
            let targets = pool.targets.iter();
            let active = targets.map(|target| target.discovered.len() + target.labels.len());
            let dropped = pool.dropped.iter().map(|dropped| dropped.discovered.len());
            active.chain(dropped).sum::<usize>()
        };
        self.pools.iter().map(of_pool).sum()
    }

    /// Active and dropped ones together.
    pub fn target_count(&self) -> usize {
        self.pools.iter().map(|pool| pool.targets.len() + pool.dropped.len()).sum()
    }
}

/// A list that is refused as soon as it is too long: empty entries take far more room in memory than
/// as text.
fn at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

struct Bounded<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if list.len() >= MAX {
                return Err(A::Error::custom(format_args!("a list is longer than {MAX}")));
            }
            list.push(entry);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests;
