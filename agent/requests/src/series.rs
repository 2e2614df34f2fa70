//! Puts series into a batch: labels that are sorted once, and what differs from series to series.

use std::sync::Arc;

use model::{
    histogram::Histogram,
    labels::METRIC_NAME,
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};

/// One value at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) time: Timestamp,
    /// When the counter stood at zero, if known.
    pub(crate) start: Option<Timestamp>,
    pub(crate) value: f64,
}

impl Point {
    pub(crate) fn plain(time: Timestamp, value: f64) -> Self {
        Self { time, start: None, value }
    }
}

/// Sorted labels of one kind of request.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    labels: Vec<(&'a str, &'a str)>,
    scratch: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    /// Labels in any order; empty values are left out.
    pub(crate) fn new<const N: usize>(
        common: &'a [(String, String)],
        own: [(&'a str, &'a str); N],
    ) -> Self {
        let common = common.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut labels: Vec<_> = common.chain(own).filter(|(_, value)| !value.is_empty()).collect();
        labels.sort_unstable_by_key(|(name, _)| *name);
        Self { scratch: Vec::with_capacity(labels.len() + 3), labels }
    }

    /// Appends one series with one sample. The labels of `extra` are in order of name.
    pub(crate) fn sample<const N: usize>(
        &mut self,
        batch: &mut WriteBatch,
        metric: &'a str,
        extra: [(&'a str, &'a str); N],
        point: Point,
    ) {
        if self.begin(batch, metric, extra) {
            batch.push_sample(Sample {
                time: point.time.millis(),
                value: point.value,
                start: millis(point.start),
            });
        }
    }

    /// Appends one series with one native histogram, at the time of a point.
    pub(crate) fn histogram<const N: usize>(
        &mut self,
        batch: &mut WriteBatch,
        metric: &'a str,
        extra: [(&'a str, &'a str); N],
        at: Point,
        value: Arc<Histogram>,
    ) {
        if self.begin(batch, metric, extra) {
            batch.push_histogram(HistogramSample {
                time: at.time.millis(),
                value,
                start: millis(at.start),
            });
        }
    }

    /// Merges the metric's name and its own labels into the others, so that the batch need not
    /// sort. Names cannot collide: common labels were checked, the rest is given here.
    fn begin<const N: usize>(
        &mut self,
        batch: &mut WriteBatch,
        metric: &'a str,
        extra: [(&'a str, &'a str); N],
    ) -> bool {
        self.scratch.clear();
        let mut rest = self.labels.iter().copied().peekable();
        for label in [(METRIC_NAME, metric)].into_iter().chain(extra) {
            while let Some(before) = rest.next_if(|(name, _)| *name < label.0) {
                self.scratch.push(before);
            }
            self.scratch.push(label);
        }
        self.scratch.extend(rest);
        batch.begin_series(&mut self.scratch).is_ok()
    }
}

fn millis(start: Option<Timestamp>) -> i64 {
    start.map_or(0, Timestamp::millis)
}
