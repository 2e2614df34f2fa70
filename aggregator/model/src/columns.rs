//! Samples of one series, column by column.
//!
//! A sample is a float or a native histogram. Most series hold floats only, so histograms sit in a
//! sparse side column. Times strictly increase.

use std::sync::Arc;

use crate::histogram::Histogram;

/// The NaN that marks the end of a series (Prometheus' staleness marker).
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker as a value. Compare with [`is_stale`], never with `==`.
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// Decoded samples of one series in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// Milliseconds since the Unix epoch, strictly increasing.
    pub times: Vec<i64>,
    /// One value per time. Where the sample is a histogram the value is its sum, which keeps a
    /// stale histogram (sum = stale marker) recognisable.
    pub values: Vec<f64>,
    /// Histogram samples as (index into `times`, histogram), in order of index.
    pub histograms: Vec<(u32, Arc<Histogram>)>,
    /// Start timestamps in milliseconds, 0 where unknown: one per time, or empty when all are 0.
    pub starts: Vec<i64>,
}

impl Columns {
    pub fn len(&self) -> usize {
        self.times.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.histograms.clear();
        self.starts.clear();
    }

    pub fn push(&mut self, time: i64, value: f64) {
        self.times.push(time);
        self.values.push(value);
        if !self.starts.is_empty() {
            self.starts.push(0);
        }
    }

    pub fn push_histogram(&mut self, time: i64, histogram: Arc<Histogram>) {
        let index = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        self.push(time, histogram.sum);
        self.histograms.push((index, histogram));
    }

    /// Sets the start timestamp of the last sample.
    pub fn set_last_start(&mut self, start: i64) {
        if start != 0 && self.starts.is_empty() {
            self.starts.resize(self.times.len(), 0);
        }
        if let Some(last) = self.starts.last_mut() {
            *last = start;
        }
    }

    /// The histogram at an index, if that sample is one.
    pub fn histogram(&self, index: usize) -> Option<&Arc<Histogram>> {
        let index = u32::try_from(index).ok()?;
        let found = self.histograms.binary_search_by_key(&index, |(at, _)| *at).ok()?;
        self.histograms.get(found).map(|(_, histogram)| histogram)
    }

    /// The start timestamp at an index, 0 when unknown.
    pub fn start(&self, index: usize) -> i64 {
        self.starts.get(index).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
