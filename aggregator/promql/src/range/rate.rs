//! `rate`, `increase` and `delta`.
//!
//! The change between the first and the last sample is extrapolated to the whole range, as far as
//! the distance between samples makes it likely that the series went on. Source of the rules:
//! Prometheus' documentation of `rate` and `increase`.

use std::ops::Range;

use model::histogram::Histogram;

use super::{
    call::Cx,
    samples::Samples,
    start::{self, Started},
    window::Window,
};
use crate::{annotations::Note, histogram, value::Sample};

/// Which of the three.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Resets are counted in: not for `delta`.
    pub(super) counter: bool,
    /// Per second.
    pub(super) per_second: bool,
}

/// Where a counter was reset, found once per series.
#[derive(Debug, Default)]
pub(crate) struct Resets {
    /// Places of samples that come after a reset.
    after: Vec<usize>,
    /// Places of samples that overlap with their predecessor.
    overlapping: Vec<usize>,
}

impl Resets {
    pub(super) fn find(samples: &Samples) -> Self {
        let track = &samples.floats;
        if track.starts.is_empty() {
            return Self::of_values(&track.values);
        }
        let mut resets = Self::default();
        let pairs = track.values.windows(2).zip(track.times.windows(2)).enumerate();
        for (at, (values, times)) in pairs {
            let ([before, value], [time_before, time]) = (values, times) else { continue };
            let started = |at: usize, time: &i64| Started {
                time: *time,
                start: track.starts.get(at).copied().unwrap_or(0),
            };
            let (previous, current) = (started(at, time_before), started(at + 1, time));
            if value < before || start::is_reset(previous, current) {
                resets.after.push(at + 1);
            }
            if start::overlaps(previous, current) {
                resets.overlapping.push(at + 1);
            }
        }
        resets
    }

    /// Of a counter that does not say when it started.
    pub(super) fn of_values(values: &[f64]) -> Self {
        Self { after: decreases(values), overlapping: Vec::new() }
    }

    /// What resets among so many samples have hidden of a counter's growth is added to it.
    pub(super) fn add_hidden(&self, change: f64, samples: Range<usize>, values: &[f64]) -> f64 {
        let lost = Self::within(&self.after, samples).iter();
        lost.fold(change, |change, at| change + values.get(at - 1).copied().unwrap_or(0.0))
    }

    /// Those whose predecessor is among the samples, too.
    fn within(places: &[usize], samples: Range<usize>) -> &[usize] {
        let from = places.partition_point(|at| *at <= samples.start);
        let to = places.partition_point(|at| *at < samples.end);
        places.get(from..to).unwrap_or_default()
    }
}

/// Places of values that are less than the one before.
fn decreases(values: &[f64]) -> Vec<usize> {
    /// So many are looked at together: mostly none of them is a reset.
    const TOGETHER: usize = 64;
    let mut found = Vec::new();
    let before = values.chunks(TOGETHER);
    let after = values.get(1..).unwrap_or_default().chunks(TOGETHER);
    for (block, (before, after)) in before.zip(after).enumerate() {
        let pairs = || before.iter().zip(after);
        // Without a branch per value.
        if pairs().fold(false, |any, (before, value)| any | (value < before)) {
            let places = pairs().enumerate().filter(|(_, (before, value))| value < before);
            found.extend(places.map(|(at, _)| block * TOGETHER + at + 1));
        }
    }
    found
}

/// The value at one step.
pub(super) fn rate(
    kind: Kind,
    window: &Window<'_>,
    resets: &Resets,
    cx: &mut Cx<'_>,
) -> Option<Sample> {
    match (window.floats.is_empty(), window.histograms.is_empty()) {
        (false, false) => {
            cx.note(Note::MixedFloatsHistograms { metric: cx.metric() });
            None
        }
        (false, true) => float_rate(kind, window, resets, cx).map(Sample::Float),
        (true, false) => histogram_rate(kind, window, cx),
        (true, true) => None,
    }
}

fn float_rate(kind: Kind, window: &Window<'_>, resets: &Resets, cx: &mut Cx<'_>) -> Option<f64> {
    let view = &window.floats;
    let (first, last) = (*view.values.first()?, *view.values.last()?);
    let mut change = last - first;
    if kind.counter {
        let samples = view.first..view.first + view.len();
        let lost = Resets::within(&resets.after, samples.clone()).iter();
        let before = |at: &usize| view.values.get(at - 1 - view.first).copied().unwrap_or(0.0);
        change = lost.fold(change, |change, at| change + before(at));
        if !Resets::within(&resets.overlapping, samples).is_empty() {
            cx.note(Note::StartOverlap { metric: cx.metric(), count: 1 });
        }
    }
    let shape = Shape::new(view.times, view.start(0), kind, (window.start, window.end))?;
    if shape.from_zero {
        change += first;
    }
    Some(change * shape.factor(kind, first, change, cx.seconds))
}

fn histogram_rate(kind: Kind, window: &Window<'_>, cx: &mut Cx<'_>) -> Option<Sample> {
    let view = &window.histograms;
    let first = view.values.first()?;
    let mut change: Option<Histogram> = None;
    if view.len() > 1 {
        change = Some(super::histogram_rate::change(view, kind.counter, cx)?);
    }
    let shape = Shape::new(view.times, view.start(0), kind, (window.start, window.end))?;
    let mut change = match change {
        Some(mut change) if shape.from_zero => {
            cx.add_histogram(&mut change, first)?;
            change
        }
        Some(change) => change,
        None => Histogram::clone(first),
    };
    let factor = shape.factor(kind, first.count, change.count, cx.seconds);
    histogram::scale::multiply(&mut change, factor);
    Some(Sample::Histogram(change.into()))
}

/// How the samples lie in the range. Durations are in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// As far as it is likely that the series went on.
    to_start: f64,
    to_end: f64,
    sampled: f64,
    /// The counter is known to have started from zero within the range.
    from_zero: bool,
}

impl Shape {
    /// `None` when the samples do not suffice.
    pub(super) fn new(
        times: &[i64],
        started: i64,
        kind: Kind,
        (start, end): (i64, i64),
    ) -> Option<Self> {
        let (first, last) = (*times.first()?, *times.last()?);
        let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 / 1000.0;
        let intervals = times.len() - 1;
        let from_zero = kind.counter && started != 0 && started > start && started < first;
        if intervals == 0 && !from_zero {
            return None;
        }
        let sampled = seconds(first, last);
        let between_samples = if intervals > 0 { sampled / intervals as f64 } else { 0.0 };
        let likely = |distance: f64| {
            if distance >= between_samples * 1.1 { between_samples / 2.0 } else { distance }
        };
        let to_end = likely(seconds(last, end));
        Some(if from_zero {
            Self { to_start: 0.0, to_end, sampled: seconds(started, last), from_zero }
        } else {
            Self { to_start: likely(seconds(start, first)), to_end, sampled, from_zero }
        })
    }

    /// By how much the change grows when extrapolated. A counter that grew by `change` from `first`
    /// was at zero some time before, and is not taken to have been there earlier.
    pub(super) fn factor(&self, kind: Kind, first: f64, change: f64, range_seconds: f64) -> f64 {
        let mut to_start = self.to_start;
        if kind.counter && !self.from_zero && change > 0.0 && first >= 0.0 {
            let since_zero = self.sampled * (first / change);
            if since_zero < to_start {
                to_start = since_zero;
            }
        }
        let mut factor = 1.0;
        if self.sampled != 0.0 {
            factor = (self.sampled + to_start + self.to_end) / self.sampled;
        }
        if kind.per_second { factor / range_seconds } else { factor }
    }
}

#[cfg(test)]
mod tests;
