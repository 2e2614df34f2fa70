//! Ticks that wait to be sent, bounded in memory.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use model::write::WriteBatch;
use tokio::sync::Notify;

use crate::metrics::AgentMetrics;

/// One tick, encoded when it is sent.
pub(super) struct Tick {
    pub(super) batch: WriteBatch,
    /// Estimated memory in bytes.
    bytes: usize,
    pub(super) samples: u64,
}

/// The queue's entrance. Clones are the same.
#[derive(Clone)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    waiting: Mutex<Waiting>,
    /// Told when something was queued.
    queued: Notify,
    bytes_max: usize,
    metrics: AgentMetrics,
}

#[derive(Default)]
struct Waiting {
    ticks: VecDeque<Tick>,
    bytes: usize,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize, metrics: AgentMetrics) -> Self {
        let inner = Inner { waiting: Mutex::default(), queued: Notify::new(), bytes_max, metrics };
        Self { inner: Arc::new(inner) }
    }

    /// Queues a tick; the oldest make room when the queue is full.
    pub(crate) fn push(&self, batch: WriteBatch) {
        let bytes = estimate(&batch);
        let samples = batch.sample_count() as u64;
        let mut waiting = self.waiting();
        waiting.bytes += bytes;
        waiting.ticks.push_back(Tick { batch, bytes, samples });
        while waiting.bytes > self.inner.bytes_max && waiting.ticks.len() > 1 {
            if let Some(oldest) = waiting.ticks.pop_front() {
                waiting.bytes -= oldest.bytes;
                self.inner.metrics.samples_dropped.inc_by(oldest.samples);
            }
        }
        self.inner.metrics.queue_bytes.set(i64::try_from(waiting.bytes).unwrap_or(i64::MAX));
        drop(waiting);
        self.inner.queued.notify_one();
    }

    /// Returns when something was queued since the last call.
    pub(super) async fn queued(&self) {
        self.inner.queued.notified().await;
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pop(&self) -> Option<Tick> {
        let mut waiting = self.waiting();
        let tick = waiting.ticks.pop_front()?;
        waiting.bytes -= tick.bytes;
        self.inner.metrics.queue_bytes.set(i64::try_from(waiting.bytes).unwrap_or(i64::MAX));
        Some(tick)
    }
}

/// Memory that a batch takes: about 40 bytes a sample, and its labels and histograms.
fn estimate(batch: &WriteBatch) -> usize {
    let series = batch.series().map(|series| {
        let buckets: usize = series
            .histograms
            .iter()
            .map(|sample| sample.value.positive_buckets.len() + sample.value.negative_buckets.len())
            .sum();
        series.labels.len() + 64 + buckets * 8 + series.histograms.len() * 200
    });
    series.sum::<usize>() + batch.sample_count() * 40
}
