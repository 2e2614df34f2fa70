//! Random data and random queries about it, the same for ever for a seed.

#[path = "random/data.rs"]
mod data;
#[path = "random/modifiers.rs"]
mod modifiers;
#[path = "random/query.rs"]
mod query;
#[path = "random/shrink.rs"]
mod shrink;

use std::sync::Arc;

pub(crate) use data::data;
use disk::sim::Random;
use model::{histogram::Histogram, labels::Labels};
use promql::{Sample, script::MemoryStore};
pub(crate) use query::query;
pub(crate) use shrink::shrink;

/// Which part of the language and which data to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// The time in milliseconds around which everything happens.
    pub(crate) origin: i64,
    /// What came with Prometheus 3 is used, too. Otherwise nothing happens at the beginning of any
    /// range, which Prometheus 3 left out of it: samples come 503 ms after whole seconds, evaluations
    /// 250 ms after them or, in subqueries, with them.
    pub(crate) modern: bool,
    /// There are native histograms.
    pub(crate) histograms: bool,
    /// Once in so many places there is something that does not belong there; 0 for never.
    pub(crate) mistakes: u64,
}

/// How long the data of one case is, in milliseconds.
pub(crate) const LENGTH: i64 = 20 * 60_000;

impl Dialect {
    /// All of it.
    pub(crate) fn full() -> Self {
        Self { origin: 0, modern: true, histograms: true, mistakes: 0 }
    }
}

/// A series with its samples in order of time.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) samples: Vec<(i64, Sample)>,
}

/// A query with the data and the times of its evaluation.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) query: String,
    pub(crate) data: Vec<Series>,
    /// Milliseconds.
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) steps: i64,
}

impl Case {
    pub(crate) fn new(dialect: Dialect, random: &mut Random) -> Self {
        let data = data(dialect, random);
        Self { data, ..Self::without_data(dialect, random) }
    }

    pub(crate) fn without_data(dialect: Dialect, random: &mut Random) -> Self {
        let query = query(dialect, random);
        let step = pick(random, &[1000, 15_000, 47_000, 60_000, 210_000]);
        let steps = random.below(12) as i64;
        let start = dialect.origin + random.below(LENGTH.unsigned_abs()) as i64 / 1000 * 1000;
        let start = if dialect.modern { start } else { start + 250 };
        Self { query, data: Vec::new(), start, step, steps }
    }

    pub(crate) fn end(&self) -> i64 {
        self.start + self.step * self.steps
    }

    pub(crate) fn store(&self) -> MemoryStore {
        store(&self.data)
    }
}

/// A store of some series.
pub(crate) fn store<'a>(data: impl IntoIterator<Item = &'a Series>) -> MemoryStore {
    let mut store = MemoryStore::default();
    for series in data {
        for (time, sample) in &series.samples {
            store.push(&series.labels, *time, sample, 0).expect("times are distinct");
        }
    }
    store
}

pub(crate) fn pick<T: Copy>(random: &mut Random, choices: &[T]) -> T {
    choices[random.index(choices.len())]
}

fn histogram(histogram: Histogram) -> Sample {
    Sample::Histogram(Arc::new(histogram))
}
