//! What agents say of their targets, in the shapes of `/api/v1/targets` and its relatives.
//!
//! Source of the shapes: Prometheus' HTTP API documentation, "Targets".

use std::collections::BTreeMap;

use model::{
    matcher::Matcher,
    metadata::Metadata,
    target::{Health, LabelMap, PoolReport, TargetReport, TargetsReport},
    tenant::TenantId,
};
use serde::Serialize;

use crate::time::rfc3339_or_never;

/// The label that is the tenant's partition.
const TENANT: &str = "tenant";
/// So many targets are looked at between two questions whether somebody waits.
const TARGETS_PER_CHECK: usize = 1024;

/// One node's report, as seen now.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'r> {
    pub report: &'r TargetsReport,
    /// The node has not been heard of lately: nobody knows how its targets are.
    pub silent: bool,
}

/// Who looks, and how much is shown.
#[derive(Clone, Copy)]
pub struct Viewer<'v> {
    pub sees: &'v dyn Fn(&TenantId) -> bool,
    /// Whether to show the label `tenant`, which who sees one tenant only has no use for.
    pub shows_tenant: bool,
    /// Most entries of one list.
    pub entries_max: usize,
    /// Asked now and then: once nobody waits for it any more, an answer ends where it is.
    pub stop: &'v dyn Fn() -> bool,
}

impl std::fmt::Debug for Viewer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Viewer").field("shows_tenant", &self.shows_tenant).finish_non_exhaustive()
    }
}

/// The parameters of `/api/v1/targets`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TargetsQuery<'q> {
    /// `active`, `dropped`, `any` or nothing for both; anything else for none.
    pub state: &'q str,
    /// Only this pool; all when empty.
    pub pool: &'q str,
}

/// The parameters of `/api/v1/targets/metadata`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetadataQuery<'q> {
    /// What the target's labels have to match.
    pub matchers: &'q [Matcher],
    /// Only this metric; all when empty.
    pub metric: &'q str,
    /// After so many entries no further target is looked at.
    pub limit: Option<usize>,
}

/// The answer of `/api/v1/targets`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Targets<'r> {
    active_targets: Vec<Active<'r>>,
    dropped_targets: Vec<Dropped<'r>>,
    /// Of all pools, whichever is asked for; `null` where dropped ones are not asked for.
    dropped_target_counts: Option<BTreeMap<&'r str, u64>>,
    /// How many entries had no room.
    #[serde(skip)]
    pub left_out: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Active<'r> {
    discovered_labels: &'r LabelMap,
    labels: Shown<'r>,
    scrape_pool: &'r str,
    scrape_url: &'r str,
    global_url: &'r str,
    last_error: &'r str,
    last_scrape: String,
    last_scrape_duration: f64,
    health: Health,
    scrape_interval: &'r str,
    scrape_timeout: &'r str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dropped<'r> {
    discovered_labels: &'r LabelMap,
    scrape_pool: &'r str,
}

/// An entry of the answer of `/api/v1/targets/metadata`.
#[derive(Debug, Serialize)]
pub struct Described<'r> {
    target: Shown<'r>,
    /// Left out where the caller has named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'r str>,
    #[serde(flatten)]
    metadata: &'r Metadata,
}

/// A target's labels, with or without the tenant.
#[derive(Clone, Copy, Debug)]
struct Shown<'r> {
    labels: &'r LabelMap,
    shows_tenant: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let labels = self.labels.iter();
        serializer.collect_map(labels.filter(|(name, _)| self.shows_tenant || *name != TENANT))
    }
}

/// Pools in the order of their names; those of one name stay in the order of their nodes.
fn pools<'r>(reports: &[Reported<'r>]) -> Vec<(Reported<'r>, &'r PoolReport)> {
    let pools = reports.iter();
    let mut pools: Vec<_> = pools
        .flat_map(|reported| reported.report.pools.iter().map(|pool| (*reported, pool)))
        .collect();
    pools.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    pools
}

/// Goes through a list as long as somebody waits.
fn until_stopped<T>(list: Vec<T>, viewer: &Viewer<'_>) -> impl Iterator<Item = T> {
    list.into_iter().take_while(|_| !(viewer.stop)())
}

/// The answer of `/api/v1/targets`.
pub fn targets<'r>(
    reports: &[Reported<'r>],
    query: &TargetsQuery<'_>,
    viewer: &Viewer<'_>,
) -> Targets<'r> {
    let state = query.state.to_lowercase();
    let wants = |wanted: &str| state.is_empty() || state == "any" || state == wanted;
    let (mut active, mut dropped, mut left_out) = (Vec::new(), Vec::new(), 0);
    let mut counts = wants("dropped").then(BTreeMap::new);
    for (reported, pool) in until_stopped(pools(reports), viewer) {
        if let Some(counts) = &mut counts
            && pool_is_seen(pool, viewer)
        {
            let own = pool.dropped_counts.iter().filter(|(tenant, _)| (viewer.sees)(tenant));
            let sum: &mut u64 = counts.entry(pool.name.as_str()).or_default();
            *sum = own.fold(*sum, |sum, (_, count)| sum.saturating_add(*count));
        }
        if !query.pool.is_empty() && query.pool != pool.name {
            continue;
        }
        if wants("active") {
            let seen = pool.targets.iter().filter(|target| (viewer.sees)(&target.tenant));
            for target in seen {
                if active.len() < viewer.entries_max {
                    active.push(show(reported, pool, target, viewer));
                } else {
                    left_out += 1;
                }
            }
        }
        if wants("dropped") {
            let seen = pool.dropped.iter().filter(|dropped| (viewer.sees)(&dropped.tenant));
            for target in seen {
                if dropped.len() < viewer.entries_max {
                    let discovered_labels = &target.discovered;
                    dropped.push(Dropped { discovered_labels, scrape_pool: &pool.name });
                } else {
                    left_out += 1;
                }
            }
        }
    }
    let dropped_target_counts = counts;
    Targets { active_targets: active, dropped_targets: dropped, dropped_target_counts, left_out }
}

fn show<'r>(
    reported: Reported<'r>,
    pool: &'r PoolReport,
    target: &'r TargetReport,
    viewer: &Viewer<'_>,
) -> Active<'r> {
    Active {
        discovered_labels: &target.discovered,
        labels: Shown { labels: &target.labels, shows_tenant: viewer.shows_tenant },
        scrape_pool: &pool.name,
        scrape_url: &target.url,
        global_url: &target.global_url,
        last_error: &target.last_error,
        last_scrape: rfc3339_or_never(target.last_scrape),
        last_scrape_duration: target.duration_seconds,
        health: if reported.silent { Health::Unknown } else { target.health },
        scrape_interval: &target.interval,
        scrape_timeout: &target.timeout,
    }
}

/// A pool is seen by who sees its job, or anything in it.
fn pool_is_seen(pool: &PoolReport, viewer: &Viewer<'_>) -> bool {
    let targets = pool.targets.iter().map(|target| &target.tenant);
    let dropped = pool.dropped_counts.keys();
    std::iter::once(&pool.tenant).chain(targets).chain(dropped).any(|tenant| (viewer.sees)(tenant))
}

/// The names of the pools, sorted: the answer of `/api/v1/scrape_pools`.
pub fn pool_names<'r>(reports: &[Reported<'r>], viewer: &Viewer<'_>) -> Vec<&'r str> {
    let seen = until_stopped(pools(reports), viewer).filter(|(_, pool)| pool_is_seen(pool, viewer));
    let mut names: Vec<&str> = seen.map(|(_, pool)| pool.name.as_str()).collect();
    names.dedup();
    names
}

/// The pool of that name. Its settings may speak of all its targets, so only who sees the job's own
/// tenant gets it. Where several nodes have one, the first node's.
pub fn find_pool<'r>(
    reports: &[Reported<'r>],
    name: &str,
    viewer: &Viewer<'_>,
) -> Option<&'r PoolReport> {
    let pools = reports.iter().flat_map(|reported| &reported.report.pools);
    pools
        .take_while(|_| !(viewer.stop)())
        .find(|pool| pool.name == name && (viewer.sees)(&pool.tenant))
}

/// The answer of `/api/v1/targets/metadata`, and whether there was more than there is room for.
pub fn metadata<'r>(
    reports: &[Reported<'r>],
    query: &MetadataQuery<'_>,
    viewer: &Viewer<'_>,
) -> (Vec<Described<'r>>, bool) {
    let mut entries = Vec::new();
    for (reported, pool) in until_stopped(pools(reports), viewer) {
        let seen = pool.targets.iter().filter(|target| (viewer.sees)(&target.tenant));
        for (number, target) in seen.enumerate() {
            if number % TARGETS_PER_CHECK == 0 && (viewer.stop)() {
                return (entries, false);
            }
            if query.limit.is_some_and(|limit| entries.len() >= limit) {
                return (entries, false);
            }
            let matches = |matcher: &Matcher| {
                let shown = viewer.shows_tenant || matcher.name() != TENANT;
                let value = target.labels.get(matcher.name()).filter(|_| shown);
                matcher.matches(value.map_or("", String::as_str))
            };
            if !query.matchers.iter().all(matches) {
                continue;
            }
            let families = target.families.and_then(|index| reported.report.families.get(index));
            for family in families.into_iter().flatten() {
                if !query.metric.is_empty() && query.metric != family.metric {
                    continue;
                }
                if entries.len() >= viewer.entries_max {
                    return (entries, true);
                }
                entries.push(Described {
                    target: Shown { labels: &target.labels, shows_tenant: viewer.shows_tenant },
                    metric: query.metric.is_empty().then_some(&family.metric),
                    metadata: &family.metadata,
                });
            }
        }
    }
    (entries, false)
}

#[cfg(test)]
mod tests;
