//! Samples of one series on their way between chunks, from several sources that may overlap.
//!
//! Where two sources have different samples for one time, the outcome must not depend on which
//! came first: compaction merges in any order. So one of the two always wins: a histogram over a
//! float, a number over a NaN, and else the greater in a total order.

use std::{cmp::Ordering, sync::Arc};

use model::{columns::Columns, histogram::Histogram};

/// Samples of one type. `starts` is empty when all are zero.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column<V> {
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<V>,
    pub(crate) starts: Vec<i64>,
}

impl<V> Default for Column<V> {
    fn default() -> Self {
        Self { times: Vec::new(), values: Vec::new(), starts: Vec::new() }
    }
}

impl<V: Clone> Column<V> {
    pub(crate) fn clear(&mut self) {
        self.times.clear();
        self.values.clear();
        self.starts.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(crate) fn push(&mut self, time: i64, value: V, start: i64) {
        if start != 0 && self.starts.is_empty() {
            self.starts.resize(self.times.len(), 0);
        }
        if start != 0 || !self.starts.is_empty() {
            self.starts.push(start);
        }
        self.times.push(time);
        self.values.push(value);
    }

    /// Inserts a sample before the one at an index.
    pub(crate) fn insert(&mut self, at: usize, time: i64, value: V, start: i64) {
        if start != 0 && self.starts.is_empty() {
            self.starts.resize(self.times.len(), 0);
        }
        if start != 0 || !self.starts.is_empty() {
            self.starts.insert(at, start);
        }
        self.times.insert(at, time);
        self.values.insert(at, value);
    }

    pub(crate) fn start(&self, index: usize) -> i64 {
        self.starts.get(index).copied().unwrap_or(0)
    }

    /// Replaces the content by a range of another column.
    pub(crate) fn copy_from(&mut self, other: &Self, range: std::ops::Range<usize>) {
        self.clear();
        self.times.extend_from_slice(other.times.get(range.clone()).unwrap_or_default());
        self.values.extend_from_slice(other.values.get(range.clone()).unwrap_or_default());
        self.starts.extend_from_slice(other.starts.get(range).unwrap_or_default());
    }

    /// Keeps the samples whose time passes.
    pub(crate) fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        if self.times.iter().all(|time| keep(*time)) {
            return;
        }
        let old = std::mem::take(self);
        for (index, (time, value)) in old.times.iter().zip(&old.values).enumerate() {
            if keep(*time) {
                self.push(*time, value.clone(), old.start(index));
            }
        }
    }

    /// Moves the samples before a time to another column, which is emptied first.
    fn split_before(&mut self, end: i64, out: &mut Self) {
        let at = self.times.partition_point(|time| *time < end);
        if at == self.times.len() {
            out.clear();
            std::mem::swap(self, out);
            return;
        }
        out.copy_from(self, 0..at);
        self.times.drain(..at);
        self.values.drain(..at);
        self.starts.drain(..at.min(self.starts.len()));
    }

    /// Moves all samples of another column behind these.
    fn append(&mut self, other: &mut Self) {
        if self.times.is_empty() {
            std::mem::swap(self, other);
            return;
        }
        if !self.starts.is_empty() || !other.starts.is_empty() {
            self.starts.resize(self.times.len(), 0);
            other.starts.resize(other.times.len(), 0);
        }
        self.times.append(&mut other.times);
        self.values.append(&mut other.values);
        self.starts.append(&mut other.starts);
    }

    /// Puts the samples in order of time and keeps of each time the one that wins.
    fn settle(&mut self, compare: impl Fn(&V, &V) -> Ordering) {
        if self.times.is_sorted_by(|a, b| a < b) {
            return;
        }
        let old = std::mem::take(self);
        let mut order: Vec<usize> = (0..old.times.len()).collect();
        order.sort_by_key(|index| old.times[*index]);
        for same in order.chunk_by(|a, b| old.times[*a] == old.times[*b]) {
            let winner = same.iter().copied().max_by(|a, b| {
                compare(&old.values[*a], &old.values[*b]).then(old.start(*a).cmp(&old.start(*b)))
            });
            if let Some(index) = winner {
                self.push(old.times[index], old.values[index].clone(), old.start(index));
            }
        }
    }
}

/// Samples of one series, floats and histograms apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Samples {
    pub(crate) floats: Column<f64>,
    pub(crate) histograms: Column<Arc<Histogram>>,
}

impl Samples {
    pub(crate) fn clear(&mut self) {
        self.floats.clear();
        self.histograms.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.floats.len() + self.histograms.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    /// The time of the first sample, of settled ones.
    pub(crate) fn first_time(&self) -> Option<i64> {
        let (float, histogram) = (self.floats.times.first(), self.histograms.times.first());
        float.into_iter().chain(histogram).min().copied()
    }

    /// Moves the samples before a time out, which is emptied first.
    pub(crate) fn split_before(&mut self, end: i64, out: &mut Self) {
        self.floats.split_before(end, &mut out.floats);
        self.histograms.split_before(end, &mut out.histograms);
    }

    /// Moves all samples of another series' part behind these.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.floats.append(&mut other.floats);
        self.histograms.append(&mut other.histograms);
    }

    /// Puts what was collected in order, with one sample for each time.
    pub(crate) fn settle(&mut self) {
        self.floats.settle(|a, b| compare_floats(*a, *b));
        self.histograms.settle(|a, b| compare_histograms(a, b));
        if self.histograms.is_empty() || self.floats.is_empty() {
            return;
        }
        let times = &self.histograms.times;
        self.floats.retain(|time| times.binary_search(&time).is_err());
    }

    /// Keeps the samples whose time passes.
    pub(crate) fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        self.floats.retain(&keep);
        self.histograms.retain(&keep);
    }

    /// Appends settled samples to the columns of a query.
    pub(crate) fn append_to(&mut self, columns: &mut Columns) {
        if self.histograms.is_empty() && columns.is_empty() {
            std::mem::swap(&mut columns.times, &mut self.floats.times);
            std::mem::swap(&mut columns.values, &mut self.floats.values);
            std::mem::swap(&mut columns.starts, &mut self.floats.starts);
            return;
        }
        let (floats, histograms) = (&self.floats, &self.histograms);
        let (mut float, mut histogram) = (0, 0);
        while float < floats.len() || histogram < histograms.len() {
            let float_time = floats.times.get(float).copied().unwrap_or(i64::MAX);
            let take_float = match histograms.times.get(histogram) {
                Some(time) => float < floats.len() && float_time < *time,
                None => true,
            };
            if take_float {
                columns.push(float_time, floats.values[float]);
                columns.set_last_start(floats.start(float));
                float += 1;
            } else {
                let value = Arc::clone(&histograms.values[histogram]);
                columns.push_histogram(histograms.times[histogram], value);
                columns.set_last_start(histograms.start(histogram));
                histogram += 1;
            }
        }
    }
}

/// Whether two floats are the same to the bit.
pub(crate) fn same_float(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// Whether two histograms are the same to the bit.
pub(crate) fn same_histogram(a: &Histogram, b: &Histogram) -> bool {
    compare_histograms(a, b) == Ordering::Equal
}

pub(crate) fn compare_floats(a: f64, b: f64) -> Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(&b))
}

/// A total order by bits. A stale one, whose sum is NaN, is the lesser.
pub(crate) fn compare_histograms(a: &Histogram, b: &Histogram) -> Ordering {
    let floats = |a: &[f64], b: &[f64]| {
        a.iter().map(|value| value.to_bits()).cmp(b.iter().map(|value| value.to_bits()))
    };
    let spans = |a: &Histogram, b: &Histogram| {
        let key = |h: &Histogram| -> Vec<(i32, u32)> {
            let spans = h.positive_spans.iter().chain(&h.negative_spans);
            spans.map(|span| (span.offset, span.length)).collect()
        };
        (a.positive_spans.len(), key(a)).cmp(&(b.positive_spans.len(), key(b)))
    };
    compare_floats(a.sum, b.sum)
        .then_with(|| a.count.total_cmp(&b.count))
        .then_with(|| a.schema.cmp(&b.schema))
        .then_with(|| (a.reset_hint as u8).cmp(&(b.reset_hint as u8)))
        .then_with(|| a.zero_count.total_cmp(&b.zero_count))
        .then_with(|| a.zero_threshold.total_cmp(&b.zero_threshold))
        .then_with(|| spans(a, b))
        .then_with(|| floats(&a.positive_buckets, &b.positive_buckets))
        .then_with(|| floats(&a.negative_buckets, &b.negative_buckets))
        .then_with(|| floats(&a.custom_values, &b.custom_values))
}

#[cfg(test)]
mod tests;
