//! The delta streams of all tenants, which become cumulative here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{tenant::TenantId, time::Timestamp};
use tsdb::options::Options;
use wire::otlp::{Deltas, StreamLimits, StreamStats, Streams};

use crate::{
    config::Otlp,
    ingest::batches::Batches,
    metrics::{DeltaLabels, DeltaMetrics, DeltaOutcome},
};

/// Tenants that have streams at a time.
const TENANTS_MAX: usize = 100_000;

/// The streams of one tenant, which several requests may add to.
type OfTenant = Arc<Mutex<Streams>>;

/// Kept from request to request. Each tenant has a lock of its own, held while one point is added.
#[derive(Debug)]
pub(crate) struct DeltaStreams {
    limits: StreamLimits,
    stale_after: Duration,
    tenants: Mutex<HashMap<TenantId, OfTenant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DeltaStreams {
    pub(crate) fn new(settings: &Otlp) -> Self {
        let streams = settings.delta_streams_max;
        let future_max = Options::default().future_max;
        let ahead = i64::try_from(future_max.as_millis()).unwrap_or(i64::MAX);
        Self {
            limits: StreamLimits { streams, ahead, ..StreamLimits::default() },
            stale_after: settings.delta_stale_after.0,
            tenants: Mutex::default(),
        }
    }

    fn of(&self, tenant: &TenantId) -> Option<OfTenant> {
        let mut tenants = lock(&self.tenants);
        if let Some(streams) = tenants.get(tenant) {
            return Some(Arc::clone(streams));
        }
        if tenants.len() >= TENANTS_MAX {
            return None;
        }
        let streams = Arc::new(Mutex::new(Streams::new(self.limits)));
        tenants.insert(tenant.clone(), Arc::clone(&streams));
        Some(streams)
    }

    /// Forgets what was not heard of for long.
    pub(crate) fn sweep(&self, now: Timestamp, metrics: &DeltaMetrics) {
        let all: Vec<_> = lock(&self.tenants).values().cloned().collect();
        for streams in all {
            let mut streams = lock(&streams);
            let before = streams.len();
            streams.forget_before(now.saturating_sub(self.stale_after).millis());
            metrics.streams.dec_by(signed(before - streams.len()));
        }
        // Who holds another reference may be about to add to it.
        lock(&self.tenants)
            .retain(|_, streams| Arc::strong_count(streams) > 1 || !lock(streams).is_empty());
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The streams that one request may add to.
pub(super) struct OfRequest<'a> {
    streams: &'a DeltaStreams,
    /// Says whose a series is; nothing is put there.
    owners: Batches,
    now: Timestamp,
    metrics: &'a DeltaMetrics,
    /// The last name asked for, and the streams it has.
    last: Option<(Option<String>, Option<OfTenant>)>,
}

impl<'a> OfRequest<'a> {
    pub(super) fn new(
        streams: &'a DeltaStreams,
        owners: Batches,
        now: Timestamp,
        metrics: &'a DeltaMetrics,
    ) -> Self {
        Self { streams, owners, now, metrics, last: None }
    }

    fn find(&mut self, lifted: Option<&str>) -> Option<OfTenant> {
        if let Some((name, streams)) = &self.last
            && name.as_deref() == lifted
        {
            return streams.clone();
        }
        let tenant = self.owners.tenant(lifted).ok();
        let streams = tenant.and_then(|tenant| self.streams.of(&tenant));
        self.last = Some((lifted.map(str::to_owned), streams.clone()));
        streams
    }

    fn count(&self, stats: StreamStats) {
        let StreamStats { added, restarted, repeated, out_of_order, over_limit, in_future } = stats;
        for (outcome, count) in [
            (DeltaOutcome::Added, added),
            (DeltaOutcome::Restarted, restarted),
            (DeltaOutcome::Repeated, repeated),
            (DeltaOutcome::OutOfOrder, out_of_order),
            (DeltaOutcome::OverLimit, over_limit),
            (DeltaOutcome::InFuture, in_future),
        ] {
            if count > 0 {
                let labels = DeltaLabels { outcome };
                self.metrics.points.get_or_create(&labels).inc_by(count);
            }
        }
    }
}

impl Deltas for OfRequest<'_> {
    fn of(&mut self, lifted: Option<&str>, with: &mut dyn FnMut(&mut Streams, i64)) {
        let Some(streams) = self.find(lifted) else { return };
        let mut streams = lock(&streams);
        let before = streams.len();
        with(&mut streams, self.now.millis());
        let grown = signed(streams.len()) - signed(before);
        let stats = streams.take_stats();
        drop(streams);
        self.metrics.streams.inc_by(grown);
        self.count(stats);
    }
}

#[cfg(test)]
mod tests;
