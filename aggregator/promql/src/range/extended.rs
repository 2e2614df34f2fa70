//! `anchored` and `smoothed` ranges.
//!
//! An anchored range begins with the last value before it; nothing is extrapolated. At the edges of
//! a smoothed range values are interpolated between the samples on either side. Source of the rules:
//! Prometheus' proposal PROM-52, "Extended range selectors semantics".

use super::{
    call::Cx,
    extended_histogram,
    rate::Kind,
    window::{View, Window},
};
use crate::{annotations::Note, ast::Extension, value::Sample};

/// Places of the samples at or around the edges of the range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Edges {
    /// `None` when the range holds nothing.
    pub(super) fn find(times: &[i64], window: &Window<'_>, smoothed: bool) -> Option<Self> {
        let mut last = times.len().checked_sub(1)?;
        let inner = times.get(..last)?;
        let first = inner.partition_point(|time| *time <= window.start).saturating_sub(1);
        if smoothed {
            last = inner.partition_point(|time| *time < window.end);
        }
        if *times.get(last)? <= window.start || (smoothed && *times.get(first)? > window.end) {
            return None;
        }
        Some(Self { first, last })
    }
}

/// `rate`, `increase` or `delta` over an extended range.
pub(super) fn rate(kind: Kind, window: &Window<'_>, cx: &mut Cx<'_>) -> Option<Sample> {
    match (window.floats.is_empty(), window.histograms.is_empty()) {
        (false, false) => {
            cx.note(Note::MixedFloatsHistograms { metric: cx.metric() });
            None
        }
        (true, false) => extended_histogram::rate(kind, window, cx),
        _ => float_rate(kind, window, cx).map(Sample::Float),
    }
}

fn float_rate(kind: Kind, window: &Window<'_>, cx: &Cx<'_>) -> Option<f64> {
    let view = &window.floats;
    let smoothed = cx.extension == Extension::Smoothed;
    let edges = Edges::find(view.times, window, smoothed)?;
    let (left, right) = values_at_edges(view, edges, window, smoothed, kind.counter)?;
    let mut change = right - left;
    if kind.counter {
        let (mut previous, mut lost) = (left, 0.0);
        let within = within(view, edges, window);
        for value in within.into_iter().flatten().copied().chain([right]) {
            if value < previous {
                lost += previous;
            }
            previous = value;
        }
        change += lost;
    }
    Some(if kind.per_second { change / cx.seconds } else { change })
}

/// Values strictly between the edges of the range.
fn within<'v>(view: &View<'v, f64>, edges: Edges, window: &Window<'_>) -> Option<&'v [f64]> {
    let Edges { mut first, mut last } = edges;
    first += usize::from(*view.times.get(first)? <= window.start);
    last += usize::from(*view.times.get(last)? < window.end);
    view.values.get(first..last)
}

fn values_at_edges(
    view: &View<'_, f64>,
    edges: Edges,
    window: &Window<'_>,
    smoothed: bool,
    counter: bool,
) -> Option<(f64, f64)> {
    let point = |at: usize| view.get(at).map(|(time, value)| (time, *value));
    let (first_time, mut left) = point(edges.first)?;
    if smoothed && first_time < window.start {
        left = interpolate((first_time, left), point(edges.first + 1)?, window.start, counter);
    }
    let (last_time, mut right) = point(edges.last)?;
    if smoothed && last_time > window.end && edges.last > 0 {
        right = interpolate(point(edges.last - 1)?, (last_time, right), window.end, counter);
    }
    Some((left, right))
}

/// The value between two samples. A counter that fell is taken to have begun from zero.
pub(crate) fn interpolate(before: (i64, f64), after: (i64, f64), time: i64, counter: bool) -> f64 {
    let ((time_before, mut low), (time_after, high)) = (before, after);
    if counter && high < low {
        low = 0.0;
    }
    low + (high - low) * (time - time_before) as f64 / (time_after - time_before) as f64
}

/// The samples of a range vector that is itself the result: those within the range, and values at
/// its edges.
pub(super) fn extend(window: &Window<'_>, smoothed: bool) -> Vec<(i64, f64)> {
    let view = &window.floats;
    let extended = || {
        let edges = Edges::find(view.times, window, false)?;
        let edges = if smoothed {
            let inner = view.times.get(..view.len() - 1)?;
            Edges { last: inner.partition_point(|time| *time < window.end), ..edges }
        } else {
            edges
        };
        let (left, right) = values_at_edges(view, edges, window, smoothed, false)?;
        let inner = view.iter().filter(|(time, _)| window.start < *time && *time < window.end);
        let mut points = vec![(window.start, left)];
        points.extend(inner);
        points.push((window.end, right));
        Some(points)
    };
    extended().unwrap_or_default()
}
