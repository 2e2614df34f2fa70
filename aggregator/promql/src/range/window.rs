//! Windows over samples.

use std::{ops::Range, sync::Arc};

use model::{histogram::Histogram, labels::Labels};

use super::{
    extended::extend,
    samples::{Samples, Track},
};
use crate::{
    ast::Extension,
    error::{EvalError, execution},
    histogram::weight,
    value::MatrixSeries,
};

/// How far windows reach around the range of a selector, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    extension: Extension,
    lookback: i64,
    length: i64,
}

impl Extent {
    pub(crate) fn new(extension: Extension, lookback: i64, length: i64) -> Self {
        Self { extension, lookback, length }
    }

    /// Whether windows are the ranges themselves.
    pub(super) fn is_plain(self) -> bool {
        self.extension == Extension::None
    }

    /// Length of the range in seconds.
    pub(super) fn seconds(self) -> f64 {
        self.length as f64 / 1000.0
    }

    /// The first time is outside, the last inside.
    pub(super) fn window(self, end: i64) -> (i64, i64) {
        let start = end.saturating_sub(self.length);
        match self.extension {
            Extension::None => (start, end),
            Extension::Anchored => (start.saturating_sub(self.lookback), end),
            Extension::Smoothed => {
                (start.saturating_sub(self.lookback), end.saturating_add(self.lookback))
            }
        }
    }

    /// First and last time, both inclusive, that windows ending between two times can see.
    pub(crate) fn bounds(self, first_end: i64, last_end: i64) -> (i64, i64) {
        (self.window(first_end).0.saturating_add(1), self.window(last_end).1)
    }

    /// The samples of a range vector that is itself the result.
    pub(crate) fn raw(
        self,
        samples: &Samples,
        end: i64,
        labels: &Labels,
    ) -> Result<Option<MatrixSeries>, EvalError> {
        let window = Slider::default().slide(samples, self, end, end);
        let floats: Vec<(i64, f64)> = window.floats.iter().collect();
        let histograms: Vec<(i64, Arc<Histogram>)> = window.histograms.iter().collect();
        let name = match self.extension {
            Extension::None => None,
            Extension::Anchored => Some("anchored"),
            Extension::Smoothed => Some("smoothed"),
        };
        let floats = match name {
            None => floats,
            Some(name) if !histograms.is_empty() => {
                return execution(format!("{name} modifier is not supported with histograms"));
            }
            Some(_) => extend(&window, self.extension == Extension::Smoothed),
        };
        let labels = labels.clone();
        let found = !(floats.is_empty() && histograms.is_empty());
        Ok(found.then_some(MatrixSeries { labels, floats, histograms }))
    }
}

/// A stretch of samples of one kind.
#[derive(Debug)]
pub(crate) struct View<'a, T> {
    pub(crate) times: &'a [i64],
    pub(crate) values: &'a [T],
    /// Empty when no start is known.
    pub(crate) starts: &'a [i64],
    /// Place of the first in the whole series.
    pub(crate) first: usize,
}

impl<T: Clone> View<'_, T> {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, T)> + '_ {
        self.times.iter().copied().zip(self.values.iter().cloned())
    }

    /// Time and value at a place.
    pub(crate) fn get(&self, at: usize) -> Option<(i64, &T)> {
        Some((*self.times.get(at)?, self.values.get(at)?))
    }

    /// The start timestamp at a place, 0 when unknown.
    pub(crate) fn start(&self, at: usize) -> i64 {
        self.starts.get(at).copied().unwrap_or(0)
    }

    /// How many samples are at or before a time.
    pub(crate) fn until(&self, time: i64) -> usize {
        self.times.partition_point(|other| *other <= time)
    }
}

/// What a function sees at one step.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    pub(crate) floats: View<'a, f64>,
    pub(crate) histograms: View<'a, Arc<Histogram>>,
    /// The range of the selector, without what `anchored` or `smoothed` add.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// The time of the step.
    pub(crate) time: i64,
}

impl Window<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    pub(crate) fn weight(&self) -> u64 {
        let histograms: u64 = self.histograms.values.iter().map(|h| weight(h)).sum();
        self.floats.len() as u64 + histograms
    }
}

/// Finds windows; fast when each begins and ends no earlier than the one before.
#[derive(Debug, Default)]
pub(crate) struct Slider {
    floats: Edges,
    histograms: Edges,
}

/// The samples of the step before.
#[derive(Debug, Default)]
pub(super) struct Edges {
    first: usize,
    end: usize,
    /// How many samples the step before passed at either edge.
    passed: (usize, usize),
}

impl Edges {
    /// Moves to the samples after `start` up to `end`.
    pub(super) fn slide(&mut self, times: &[i64], start: i64, end: i64) -> Range<usize> {
        let first = forward(times, self.first, start, self.passed.0);
        let from = self.end.max(first);
        let to = forward(times, from, end, self.passed.1);
        self.passed = (first - self.first, to - from);
        (self.first, self.end) = (first, to);
        first..to
    }
}

/// The place of the first time after a limit, at or after `at`. Mostly it is `guess` further.
fn forward(times: &[i64], mut at: usize, limit: i64, guess: usize) -> usize {
    let passes = |at: usize| times.get(at).is_some_and(|time| *time <= limit);
    // All before one that passes pass.
    if guess > 1 && passes(at.saturating_add(guess - 1)) {
        at += guess;
    }
    while passes(at) {
        at += 1;
    }
    at
}

impl Slider {
    /// The window of a step at `time` whose range ends at `end`.
    pub(crate) fn slide<'s>(
        &mut self,
        samples: &'s Samples,
        extent: Extent,
        end: i64,
        time: i64,
    ) -> Window<'s> {
        let (from, to) = extent.window(end);
        let floats = self.floats.slide(&samples.floats.times, from, to);
        let histograms = self.histograms.slide(&samples.histograms.times, from, to);
        Window {
            floats: view(&samples.floats, floats),
            histograms: view(&samples.histograms, histograms),
            start: end.saturating_sub(extent.length),
            end,
            time,
        }
    }
}

fn view<T>(track: &Track<T>, range: Range<usize>) -> View<'_, T> {
    View {
        times: track.times.get(range.clone()).unwrap_or_default(),
        values: track.values.get(range.clone()).unwrap_or_default(),
        starts: track.starts.get(range.clone()).unwrap_or_default(),
        first: range.start,
    }
}

#[cfg(test)]
mod tests;
