//! How many series have which labels: what a store tells those who look for the cause of its size.
//!
//! Counting goes in slices, between which locks are let go, so writers do not wait for it; series that
//! come or go meanwhile may be counted or not. Only the largest counts are kept.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// Most entries of one list.
pub const COUNTS_MAX: usize = 10_000;
/// Entries that each of several tenants contributes to a list, at least: what is small with every one of
/// them can be missed, or come out too small.
const CANDIDATES_MIN: usize = 1000;
/// Entries of several tenants that are added up at a time.
const SUMS_MAX: usize = 100_000;

/// How many there are of something named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub name: String,
    pub count: u64,
}

/// What a set of tenants has in memory. Lists have the largest counts first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    pub series: u64,
    /// Different pairs of a label's name and value, each tenant's counted by itself.
    pub label_pairs: u64,
    /// Stretches of samples of one series.
    pub chunks: u64,
    /// Times of the first and last sample that are not in blocks yet, in milliseconds.
    pub times: Option<(i64, i64)>,
    pub series_by_metric: Vec<Count>,
    pub values_by_label: Vec<Count>,
    /// Memory of a label's values and of the lists of series that have them, in bytes, roughly.
    pub bytes_by_label: Vec<Count>,
    /// Series by `name=value`.
    pub series_by_pair: Vec<Count>,
}

/// The largest of many counts, those of one size in order of name.
#[derive(Debug)]
pub(crate) struct Largest {
    limit: usize,
    /// The least of them on top.
    kept: BinaryHeap<Reverse<(u64, Reverse<String>)>>,
}

impl Largest {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::new() }
    }

    /// Takes a count, whose name is asked for only if it may be among the largest.
    pub(crate) fn offer(&mut self, count: u64, name: impl FnOnce() -> String) {
        if self.kept.len() == self.limit {
            match self.kept.peek() {
                Some(Reverse((least, _))) if count >= *least => {}
                _ => return,
            }
        }
        self.kept.push(Reverse((count, Reverse(name()))));
        if self.kept.len() > self.limit {
            self.kept.pop();
        }
    }

    pub(crate) fn into_counts(self) -> Vec<Count> {
        let sorted = self.kept.into_sorted_vec().into_iter();
        sorted.map(|Reverse((count, Reverse(name)))| Count { name, count }).collect()
    }
}

/// The four lists of one tenant in the making.
#[derive(Debug)]
pub(crate) struct Census {
    pub(crate) series: u64,
    pub(crate) label_pairs: u64,
    pub(crate) chunks: u64,
    pub(crate) times: Option<(i64, i64)>,
    /// Values and bytes by number of the name.
    pub(crate) names: Vec<(u64, u64)>,
    pub(crate) metrics: Largest,
    pub(crate) values: Largest,
    pub(crate) bytes: Largest,
    pub(crate) pairs: Largest,
}

impl Census {
    pub(crate) fn new(limit: usize) -> Self {
        let list = || Largest::new(limit);
        Self {
            series: 0,
            label_pairs: 0,
            chunks: 0,
            times: None,
            names: Vec::new(),
            metrics: list(),
            values: list(),
            bytes: list(),
            pairs: list(),
        }
    }

    /// Takes note of chunks that are from one time to another.
    pub(crate) fn chunks(&mut self, count: u64, first: i64, last: i64) {
        self.chunks += count;
        let (min, max) = self.times.unwrap_or((first, last));
        self.times = Some((min.min(first), max.max(last)));
    }

    pub(crate) fn finish(self) -> Cardinality {
        Cardinality {
            series: self.series,
            label_pairs: self.label_pairs,
            chunks: self.chunks,
            times: self.times,
            series_by_metric: self.metrics.into_counts(),
            values_by_label: self.values.into_counts(),
            bytes_by_label: self.bytes.into_counts(),
            series_by_pair: self.pairs.into_counts(),
        }
    }
}

/// Adds up what several tenants have.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    total: Cardinality,
    lists: [HashMap<String, u64>; 4],
}

/// Entries to ask each tenant for.
pub(crate) fn candidates(limit: usize) -> usize {
    limit.max(CANDIDATES_MIN)
}

impl Sum {
    pub(crate) fn add(&mut self, one: Cardinality) {
        let total = &mut self.total;
        total.series += one.series;
        total.label_pairs += one.label_pairs;
        total.chunks += one.chunks;
        total.times = match (total.times, one.times) {
            (Some((first, last)), Some((start, end))) => Some((first.min(start), last.max(end))),
            (known, other) => known.or(other),
        };
        let added =
            [one.series_by_metric, one.values_by_label, one.bytes_by_label, one.series_by_pair];
        for (sums, counts) in self.lists.iter_mut().zip(added) {
            for Count { name, count } in counts {
                *sums.entry(name).or_default() += count;
            }
            if sums.len() > SUMS_MAX {
                let mut order: Vec<u64> = sums.values().copied().collect();
                let (_, middle, _) = order.select_nth_unstable(SUMS_MAX / 2);
                let least = *middle;
                sums.retain(|_, count| *count > least);
            }
        }
    }

    pub(crate) fn finish(mut self, limit: usize) -> Cardinality {
        let mut lists = self.lists.into_iter().map(|sums| {
            let mut largest = Largest::new(limit);
            sums.into_iter().for_each(|(name, count)| largest.offer(count, || name));
            largest.into_counts()
        });
        let mut next = || lists.next().unwrap_or_default();
        self.total.series_by_metric = next();
        self.total.values_by_label = next();
        self.total.bytes_by_label = next();
        self.total.series_by_pair = next();
        self.total
    }
}

#[cfg(test)]
mod tests;
