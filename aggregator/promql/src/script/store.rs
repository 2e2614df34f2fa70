//! A store in memory.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    columns::{Columns, is_stale},
    histogram::{Histogram, ResetHint},
    labels::Labels,
    query::{QueryError, Queryable, Selection, SeriesHandle, SeriesSet},
};

use super::{nhcb::Collector, notation::Notated, parse::Load};
use crate::{histogram::reset, value::Sample};

/// Milliseconds after which a stored series begins a new chunk.
const CHUNK_MILLIS: i64 = 24 * 3_600_000;

/// Series in memory, for scripts and tests.
///
/// Histograms come back with the reset hints that a Prometheus store would give them: `NotReset`
/// within a chunk, `Unknown` for the first of a chunk, `Gauge` for gauges.
#[derive(Debug, Default)]
pub struct MemoryStore {
    series: BTreeMap<Labels, BTreeMap<i64, Stored>>,
}

/// A sample with its start timestamp, 0 where unknown.
#[derive(Clone, Debug)]
struct Stored {
    sample: Sample,
    start: i64,
}

impl MemoryStore {
    /// Stores what a command says.
    pub fn load(&mut self, load: &Load) -> Result<(), String> {
        let mut classic = Collector::default();
        for (labels, values, starts) in &load.series {
            for (at, value) in values.iter().enumerate() {
                let time = load.step.saturating_mul(i64::try_from(at).unwrap_or(i64::MAX));
                let start = starts.get(at).copied().flatten().map_or(0, |offset| time + offset);
                match value {
                    Notated::Omitted => {}
                    Notated::Float(value) => {
                        classic.add(labels, time, *value);
                        self.push(labels, time, &Sample::Float(*value), start)?;
                    }
                    Notated::Histogram { histogram, .. } => {
                        histogram.validate().map_err(|error| format!("{labels}: {error}"))?;
                        let sample = Sample::Histogram(Arc::clone(histogram));
                        self.push(labels, time, &sample, start)?;
                    }
                }
            }
        }
        if load.with_nhcb {
            for (labels, time, histogram) in classic.finish()? {
                self.push(&labels, time, &Sample::Histogram(Arc::new(histogram)), 0)?;
            }
        }
        Ok(())
    }

    /// Stores one sample. A different one at the same time is an error.
    pub fn push(
        &mut self,
        labels: &Labels,
        time: i64,
        sample: &Sample,
        start: i64,
    ) -> Result<(), String> {
        let series = self.series.entry(labels.clone()).or_default();
        let known = series.entry(time).or_insert_with(|| Stored { sample: sample.clone(), start });
        let same = match (&known.sample, sample) {
            (Sample::Float(a), Sample::Float(b)) => a.to_bits() == b.to_bits(),
            (Sample::Histogram(a), Sample::Histogram(b)) => crate::histogram::equal(a, b),
            _ => false,
        };
        if same {
            Ok(())
        } else {
            Err(format!("duplicate sample for timestamp {time} of {labels}"))
        }
    }
}

impl Queryable for MemoryStore {
    fn select(&self, selection: &Selection<'_>) -> Result<SeriesSet, QueryError> {
        let matching = self.series.iter().filter(|(labels, _)| {
            selection.matchers.iter().all(|matcher| matcher.matches_labels(labels))
        });
        let mut found: SeriesSet = Vec::new();
        for (labels, samples) in matching {
            let columns = columns(samples, selection.start.0, selection.end.0);
            if !columns.is_empty() {
                found.push(Box::new(Found { labels: labels.clone(), columns }));
            }
        }
        Ok(found)
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let series = self.series(selection)?;
        let mut names: Vec<String> =
            series.iter().flatten().map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn label_values(
        &self,
        name: &str,
        selection: &Selection<'_>,
    ) -> Result<Vec<String>, QueryError> {
        let series = self.series(selection)?;
        let mut values: Vec<String> =
            series.iter().filter_map(|labels| labels.get(name)).map(str::to_owned).collect();
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }
}

struct Found {
    labels: Labels,
    columns: Columns,
}

impl SeriesHandle for Found {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn decode(&self, columns: &mut Columns) -> Result<(), QueryError> {
        columns.clone_from(&self.columns);
        Ok(())
    }
}

/// The samples of a series from `start` to `end`, both inclusive.
fn columns(samples: &BTreeMap<i64, Stored>, start: i64, end: i64) -> Columns {
    let mut columns = Columns::default();
    let mut chunk = Chunk::default();
    for (time, Stored { sample, start: started }) in samples {
        let hint = chunk.append(*time, sample);
        if *time < start || *time > end {
            continue;
        }
        match sample {
            Sample::Float(value) => columns.push(*time, *value),
            Sample::Histogram(histogram) => {
                let mut histogram = Arc::clone(histogram);
                if histogram.reset_hint != hint {
                    Arc::make_mut(&mut histogram).reset_hint = hint;
                }
                columns.push_histogram(*time, histogram);
            }
        }
        columns.set_last_start(*started);
    }
    columns
}

/// The chunk into which a Prometheus store would put a sample.
#[derive(Default)]
struct Chunk {
    /// The last histogram, if the chunk is one of histograms.
    last: Option<Arc<Histogram>>,
    /// When the chunk ends at the latest.
    end: i64,
}

impl Chunk {
    /// The hint with which a sample is read back.
    fn append(&mut self, time: i64, sample: &Sample) -> ResetHint {
        let Sample::Histogram(histogram) = sample else {
            self.last = None;
            return ResetHint::Unknown;
        };
        let continues =
            time < self.end && self.last.as_ref().is_some_and(|last| can_follow(last, histogram));
        if !continues {
            self.end = time.div_euclid(CHUNK_MILLIS).saturating_add(1) * CHUNK_MILLIS;
        }
        self.last = Some(Arc::clone(histogram));
        match histogram.reset_hint {
            ResetHint::Gauge => ResetHint::Gauge,
            _ if continues => ResetHint::NotReset,
            _ => ResetHint::Unknown,
        }
    }
}

/// Whether a histogram can follow another within a chunk: of the same kind and layout, and without
/// a reset between them.
fn can_follow(last: &Histogram, next: &Histogram) -> bool {
    let gauge = |histogram: &Histogram| histogram.reset_hint == ResetHint::Gauge;
    if gauge(last) != gauge(next) || next.reset_hint == ResetHint::Reset {
        return false;
    }
    if is_stale(next.sum) {
        return true;
    }
    let same_layout = next.schema == last.schema
        && next.zero_threshold == last.zero_threshold
        && next.custom_values == last.custom_values;
    if is_stale(last.sum) || !same_layout {
        return false;
    }
    // A hint of the sample itself does not count here.
    let unhinted = Histogram { reset_hint: ResetHint::Unknown, ..next.clone() };
    gauge(next) || !reset::detect(&unhinted, last)
}
