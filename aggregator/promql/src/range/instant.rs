//! `irate` and `idelta`: the change between the last two samples.

use std::sync::Arc;

use model::histogram::{Histogram, ResetHint};

use super::{
    call::{Cx, histogram},
    start::{self, Started},
    window::Window,
};
use crate::{
    annotations::{HistogramOp, Note},
    histogram::{compact, reset, scale},
    value::Sample,
};

/// One of the last two samples.
#[derive(Clone, Debug)]
struct Point {
    started: Started,
    value: Sample,
}

/// The last two samples of both kinds together, in order of time.
fn last_two(window: &Window<'_>) -> Option<(Point, Point)> {
    let floats = &window.floats;
    let histograms = &window.histograms;
    let mut points: Vec<Point> = Vec::with_capacity(4);
    for at in floats.len().saturating_sub(2)..floats.len() {
        let (time, value) = floats.get(at)?;
        let started = Started { time, start: floats.start(at) };
        points.push(Point { started, value: Sample::Float(*value) });
    }
    for at in histograms.len().saturating_sub(2)..histograms.len() {
        let (time, value) = histograms.get(at)?;
        let started = Started { time, start: histograms.start(at) };
        points.push(Point { started, value: Sample::Histogram(Arc::clone(value)) });
    }
    points.sort_by_key(|point| point.started.time);
    let last = points.pop()?;
    Some((points.pop()?, last))
}

/// The change, per second for counters.
pub(super) fn change(window: &Window<'_>, counter: bool, cx: &mut Cx<'_>) -> Option<Sample> {
    let (previous, last) = last_two(window)?;
    let interval = last.started.time - previous.started.time;
    if interval == 0 {
        return None;
    }
    let seconds = if counter { interval as f64 / 1000.0 } else { 1.0 };
    let by_start = counter && start::is_reset(previous.started, last.started);
    match (&previous.value, &last.value) {
        (Sample::Float(before), Sample::Float(value)) => {
            let was_reset = counter && (value < before || by_start);
            let change = if was_reset { *value } else { value - before };
            Some(Sample::Float(change / seconds))
        }
        (Sample::Histogram(before), Sample::Histogram(value)) => {
            let was_reset = counter && (by_start || reset::detect(value, before));
            histogram_change(before, value, counter, was_reset, seconds, cx)
        }
        _ => {
            cx.note(Note::MixedFloatsHistograms { metric: cx.metric() });
            None
        }
    }
}

fn histogram_change(
    before: &Histogram,
    value: &Histogram,
    counter: bool,
    was_reset: bool,
    seconds: f64,
    cx: &mut Cx<'_>,
) -> Option<Sample> {
    let gauges = [before, value].map(|histogram| histogram.reset_hint == ResetHint::Gauge);
    if counter && gauges.contains(&true) {
        cx.note(Note::NotCounter { metric: cx.metric() });
    }
    if !counter && gauges.contains(&false) {
        cx.note(Note::NotGauge { metric: cx.metric() });
    }
    let mut change = value.clone();
    if !was_reset {
        // Resets are dealt with above, so their hints do not matter here.
        cx.merge_histogram(&mut change, before, HistogramOp::Subtraction)?;
    }
    change.reset_hint = ResetHint::Gauge;
    compact::compact(&mut change);
    if counter {
        scale::divide(&mut change, seconds);
    }
    histogram(change)
}
