//! What a writer hands to a store: many series with their samples, packed into few allocations.
//!
//! A decoder fills a batch ([`WriteBatch::begin_series`], then the `push_*` that belong to it); a
//! store walks it ([`WriteBatch::series`]). A batch is for one tenant and can be cleared and reused.

use std::{ops::Range, sync::Arc};

use crate::{
    exemplar::Exemplar,
    histogram::Histogram,
    labels::{InvalidLabels, Labels, put},
    metadata::Metadata,
};

/// One float sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Milliseconds since the Unix epoch.
    pub time: i64,
    pub value: f64,
    /// Start timestamp in milliseconds, 0 where unknown.
    pub start: i64,
}

/// One native histogram sample.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample {
    pub time: i64,
    pub value: Arc<Histogram>,
    /// Start timestamp in milliseconds, 0 where unknown.
    pub start: i64,
}

/// Series with samples, for one tenant.
#[derive(Debug, Default)]
pub struct WriteBatch {
    labels: Vec<u8>,
    series: Vec<Ranges>,
    samples: Vec<Sample>,
    histograms: Vec<HistogramSample>,
    exemplars: Vec<Exemplar>,
    metadata: Vec<(String, Metadata)>,
}

#[derive(Debug)]
struct Ranges {
    labels: Range<usize>,
    samples: usize,
    histograms: usize,
    exemplars: usize,
}

/// One series of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesWrite<'a> {
    /// A label set in the packed form of [`crate::labels::Labels::as_bytes`].
    pub labels: &'a [u8],
    pub samples: &'a [Sample],
    pub histograms: &'a [HistogramSample],
    pub exemplars: &'a [Exemplar],
}

impl WriteBatch {
    /// Opens a series; samples pushed from now on are its own. Sorts `labels` if they are not
    /// sorted, drops empty values, refuses empty and repeated names (nothing is opened then).
    pub fn begin_series(&mut self, labels: &mut [(&str, &str)]) -> Result<(), InvalidLabels> {
        if !labels.is_sorted_by(|a, b| a.0 < b.0) {
            labels.sort_unstable_by(|a, b| a.0.cmp(b.0));
            if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(InvalidLabels::DuplicateName(pair[0].0.to_owned()));
            }
        }
        if let Some(("", value)) = labels.first() {
            return Err(InvalidLabels::EmptyName((*value).to_owned()));
        }
        let start = self.labels.len();
        for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            put(&mut self.labels, name);
            put(&mut self.labels, value);
        }
        self.open(start);
        Ok(())
    }

    /// Opens a series whose label set is packed already ([`Labels::is_packed`]).
    pub fn begin_packed(&mut self, labels: &[u8]) {
        debug_assert!(Labels::is_packed(labels), "the caller packed them");
        let start = self.labels.len();
        self.labels.extend_from_slice(labels);
        self.open(start);
    }

    /// Opens a series whose labels begin at `start`.
    fn open(&mut self, start: usize) {
        self.series.push(Ranges {
            labels: start..self.labels.len(),
            samples: self.samples.len(),
            histograms: self.histograms.len(),
            exemplars: self.exemplars.len(),
        });
    }

    /// Opens a series whose labels are a set already.
    pub fn begin_set(&mut self, labels: &Labels) {
        self.begin_packed(labels.as_bytes());
    }

    pub fn push_sample(&mut self, sample: Sample) {
        debug_assert!(!self.series.is_empty(), "a series is open");
        self.samples.push(sample);
    }

    pub fn push_histogram(&mut self, sample: HistogramSample) {
        debug_assert!(!self.series.is_empty(), "a series is open");
        self.histograms.push(sample);
    }

    pub fn push_exemplar(&mut self, exemplar: Exemplar) {
        debug_assert!(!self.series.is_empty(), "a series is open");
        self.exemplars.push(exemplar);
    }

    /// Appends all series and samples of `other` with one more label, which replaces one of the same
    /// name. An agent marks each tenant's series with its tenant so.
    pub fn append_labelled(&mut self, other: &Self, name: &str, value: &str) {
        for series in other.series() {
            let Some(labels) = Labels::from_bytes(series.labels) else {
                debug_assert!(false, "a batch holds packed label sets only");
                continue;
            };
            self.begin_set(&labels.with(name, value));
            self.samples.extend_from_slice(series.samples);
            self.histograms.extend_from_slice(series.histograms);
            self.exemplars.extend_from_slice(series.exemplars);
        }
        self.metadata.extend_from_slice(&other.metadata);
    }

    /// Says what a metric name means; belongs to the batch, not to a series.
    pub fn push_metadata(&mut self, metric: String, metadata: Metadata) {
        self.metadata.push((metric, metadata));
    }

    pub fn series(&self) -> impl ExactSizeIterator<Item = SeriesWrite<'_>> {
        self.series.iter().enumerate().map(|(number, ranges)| {
            let next = self.series.get(number + 1);
            let samples = ranges.samples..next.map_or(self.samples.len(), |next| next.samples);
            let histograms =
                ranges.histograms..next.map_or(self.histograms.len(), |next| next.histograms);
            let exemplars =
                ranges.exemplars..next.map_or(self.exemplars.len(), |next| next.exemplars);
            SeriesWrite {
                labels: &self.labels[ranges.labels.clone()],
                samples: &self.samples[samples],
                histograms: &self.histograms[histograms],
                exemplars: &self.exemplars[exemplars],
            }
        })
    }

    pub fn metadata(&self) -> &[(String, Metadata)] {
        &self.metadata
    }

    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Float samples and histograms together.
    pub fn sample_count(&self) -> usize {
        self.samples.len() + self.histograms.len()
    }

    /// Bytes of labels as packed, 16 for each float sample, 8 for each bucket of a histogram: what
    /// a limit on bytes counts.
    pub fn byte_count(&self) -> usize {
        let buckets = |sample: &HistogramSample| {
            let Histogram { positive_buckets, negative_buckets, .. } = &*sample.value;
            8 * (positive_buckets.len() + negative_buckets.len())
        };
        let histograms: usize = self.histograms.iter().map(buckets).sum();
        self.labels.len() + 16 * self.sample_count() + histograms
    }

    pub fn exemplar_count(&self) -> usize {
        self.exemplars.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.metadata.is_empty()
    }

    /// Forgets the content and keeps the memory.
    pub fn clear(&mut self) {
        self.labels.clear();
        self.series.clear();
        self.samples.clear();
        self.histograms.clear();
        self.exemplars.clear();
        self.metadata.clear();
    }
}

#[cfg(test)]
mod tests;
