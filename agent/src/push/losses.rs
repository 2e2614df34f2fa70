//! What was lost on the way, by destination and tenant: counted, and told to the tenants.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{
    tenant::TENANT_LABEL,
    time::Timestamp,
    write::{Sample, WriteBatch},
};

use spool::samples_by_tenant;

use crate::{metrics::AgentMetrics, sources::NodeLabels};

/// The series that tells a tenant how many of its samples were lost.
const SERIES: &str = "agent_samples_dropped_total";
/// Distinct tenants that are counted by name; the rest count as one without a name.
const TENANTS_MAX: usize = 10_000;

/// Counts of lost samples since the start.
#[derive(Debug)]
pub(crate) struct Losses {
    destinations: Vec<String>,
    /// By destination and tenant.
    counts: Mutex<BTreeMap<(usize, String), u64>>,
    metrics: AgentMetrics,
}

impl Losses {
    pub(super) fn new(destinations: Vec<String>, metrics: AgentMetrics) -> Self {
        Self { destinations, counts: Mutex::default(), metrics }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<(usize, String), u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of a batch is lost to a destination.
    pub(super) fn batch(&self, destination: usize, batch: &WriteBatch) {
        for (tenant, samples) in samples_by_tenant(batch) {
            self.add(destination, &tenant, samples);
        }
    }

    pub(super) fn add(&self, destination: usize, tenant: &str, samples: u64) {
        if samples == 0 {
            return;
        }
        self.metrics.samples_dropped.inc_by(samples);
        let mut counts = self.counts();
        let known = counts.len() < TENANTS_MAX;
        let key = (destination, tenant.to_owned());
        let key =
            if known || counts.contains_key(&key) { key } else { (destination, String::new()) };
        *counts.entry(key).or_default() += samples;
    }

    /// Appends a series for each tenant that lost something. What has no tenant only counts here.
    pub(crate) fn write(&self, now: Timestamp, labels: &NodeLabels, batch: &mut WriteBatch) {
        for ((destination, tenant), samples) in &*self.counts() {
            let Some(destination) = self.destinations.get(*destination) else { continue };
            if tenant.is_empty() {
                continue;
            }
            let mut series = vec![
                ("__name__", SERIES),
                (TENANT_LABEL, tenant.as_str()),
                ("destination", destination.as_str()),
            ];
            series.extend(labels.pairs());
            if let Err(error) = batch.begin_series(&mut series) {
                tracing::error!(%error, "losses are not told");
                continue;
            }
            batch.push_sample(Sample { time: now.millis(), value: *samples as f64, start: 0 });
        }
    }
}
