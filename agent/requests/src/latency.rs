//! Latencies of one kind of request: those of this tick, and the running totals.
//!
//! Between two ticks a latency is only noted: the first few as they are, then, when there are
//! more, in an `HdrHistogram` (microseconds, two digits), which takes any number in a fixed space.
//! At the tick what was noted moves into exponential buckets, which are what leaves. Histograms
//! are lent from a pool, so that only what is busy now holds one.

use std::sync::Arc;

use hdrhistogram::Histogram as Hdr;
use model::histogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::{
    classic::Classic,
    exponential::{Exponential, SavedBuckets},
};

/// Longer ones count as this long: an hour, Envoy's last bound.
pub const DURATION_MICROS_MAX: u64 = 3_600_000_000;
/// Latencies noted one by one before a histogram is taken from the pool.
const FEW_MAX: usize = 64;
/// Significant decimal digits: buckets of at most 0.8 %, narrower than the exponential ones.
const DIGITS: u8 = 2;
/// Histograms kept for reuse.
const POOL_MAX: usize = 256;
const MICROS_PER_MILLI: f64 = 1000.0;

/// Histograms that nobody needs at the moment.
#[derive(Debug, Default)]
pub struct Pool {
    idle: Vec<Hdr<u32>>,
}

impl Pool {
    /// `None` only if the crate refused its constant parameters.
    fn take(&mut self) -> Option<Hdr<u32>> {
        self.idle.pop().or_else(|| Hdr::new(DIGITS).ok())
    }

    fn give(&mut self, mut histogram: Hdr<u32>) {
        if self.idle.len() < POOL_MAX {
            histogram.reset();
            self.idle.push(histogram);
        }
    }
}

/// Latencies of one kind of request.
#[derive(Debug, Default)]
pub struct Latency {
    few: Vec<u64>,
    many: Option<Hdr<u32>>,
    /// The exact sum of what is noted in `few` and `many`.
    pending_micros: u64,
    classic: Classic,
    exponential: Exponential,
    /// The histogram of what has settled, shared with every batch until something is added.
    settled: Arc<Histogram>,
}

impl Latency {
    /// Notes one request.
    pub fn record(&mut self, micros: u64, pool: &mut Pool) {
        let micros = micros.min(DURATION_MICROS_MAX);
        self.pending_micros = self.pending_micros.saturating_add(micros);
        self.classic.record(micros);
        if self.few.len() == FEW_MAX && self.many.is_none() {
            self.many = pool.take();
            self.drain_few();
        }
        if !note(&mut self.many, micros) {
            self.few.push(micros);
        }
    }

    /// Moves the few into the histogram, or into the totals when there is none.
    fn drain_few(&mut self) {
        for micros in self.few.drain(..) {
            if !note(&mut self.many, micros) {
                self.exponential.add(micros as f64 / MICROS_PER_MILLI, 1);
            }
        }
    }

    /// Moves what was noted into the totals.
    pub fn settle(&mut self, pool: &mut Pool) {
        if self.few.is_empty() && self.many.is_none() {
            return;
        }
        if let Some(many) = self.many.take() {
            for value in many.iter_recorded() {
                let middle = many.median_equivalent(value.value_iterated_to());
                let count = u64::from(value.count_at_value());
                self.exponential.add(middle as f64 / MICROS_PER_MILLI, count);
            }
            pool.give(many);
        }
        self.drain_few();
        let pending = std::mem::take(&mut self.pending_micros);
        self.exponential.add_sum(pending as f64 / MICROS_PER_MILLI);
        self.settled = Arc::new(self.exponential.histogram());
    }

    /// Settled requests.
    pub fn count(&self) -> u64 {
        self.exponential.count()
    }

    /// The sum of settled latencies in milliseconds.
    pub fn sum_millis(&self) -> f64 {
        self.exponential.sum()
    }

    pub fn classic(&self) -> &Classic {
        &self.classic
    }

    /// The native histogram of settled latencies, in milliseconds.
    pub fn histogram(&self) -> Arc<Histogram> {
        Arc::clone(&self.settled)
    }
}

/// A settled [`Latency`] between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedLatency {
    classic: Vec<u64>,
    buckets: SavedBuckets,
}

impl Latency {
    /// What has settled.
    pub(crate) fn save(&self) -> SavedLatency {
        SavedLatency { classic: self.classic.counts().to_vec(), buckets: self.exponential.save() }
    }

    /// `None` for what [`Self::save`] never gives.
    pub(crate) fn load(saved: SavedLatency) -> Option<Self> {
        let classic = Classic::load(saved.classic)?;
        let exponential = Exponential::load(saved.buckets)?;
        // Nothing recorded looks as it does before anything is.
        let settled = match exponential.count() {
            0 => Arc::default(),
            _ => Arc::new(exponential.histogram()),
        };
        Some(Self { classic, exponential, settled, ..Self::default() })
    }
}

/// Whether there is a histogram that has taken it.
fn note(many: &mut Option<Hdr<u32>>, micros: u64) -> bool {
    many.as_mut().is_some_and(|many| many.record(micros).is_ok())
}

#[cfg(test)]
mod tests;
