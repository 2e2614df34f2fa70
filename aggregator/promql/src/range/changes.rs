//! `resets` and `changes`: how often a series was reset or changed.

use std::sync::Arc;

use model::histogram::Histogram;

use super::{
    start::{self, Started},
    window::Window,
};
use crate::{
    ast::Extension,
    histogram::{self, reset},
};

#[derive(Clone, Copy)]
enum Value<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
}

/// All samples in order of time, from the first that counts.
fn points<'w>(
    window: &'w Window<'_>,
    extension: Extension,
) -> Option<impl Iterator<Item = (Started, Value<'w>)>> {
    let (floats, histograms) = (&window.floats, &window.histograms);
    let (mut float, mut histogram) = (0, 0);
    if extension == Extension::Anchored {
        (float, histogram) = anchor(window)?;
    }
    Some(std::iter::from_fn(move || {
        let next_float = floats.get(float);
        let next_histogram = histograms.get(histogram);
        let histogram_first = match (next_float, next_histogram) {
            (Some((float_time, _)), Some((time, _))) => time < float_time,
            (float, _) => float.is_none(),
        };
        if histogram_first {
            let (time, value) = next_histogram?;
            let started = Started { time, start: histograms.start(histogram) };
            histogram += 1;
            return Some((started, Value::Histogram(value)));
        }
        let (time, value) = next_float?;
        let started = Started { time, start: floats.start(float) };
        float += 1;
        Some((started, Value::Float(*value)))
    }))
}

/// The places from which samples count: the last one at or before the start of the range, of
/// whatever kind, and all after. `None` when there is none after.
fn anchor(window: &Window<'_>) -> Option<(usize, usize)> {
    let (floats, histograms) = (&window.floats, &window.histograms);
    let float = floats.until(window.start);
    let histogram = histograms.until(window.start);
    if float >= floats.len() && histogram >= histograms.len() {
        return None;
    }
    let time = |times: &[i64], end: usize| end.checked_sub(1).and_then(|at| times.get(at).copied());
    Some(match (time(floats.times, float), time(histograms.times, histogram)) {
        (None, None) => (0, 0),
        (Some(float_time), Some(time)) if float_time < time => (float, histogram - 1),
        (None, Some(_)) => (float, histogram - 1),
        (Some(_), _) => (float - 1, histogram),
    })
}

/// Counts pairs of samples.
fn count(
    window: &Window<'_>,
    extension: Extension,
    counts: impl Fn((Started, Value<'_>), (Started, Value<'_>)) -> bool,
) -> Option<f64> {
    let mut points = points(window, extension)?;
    let mut previous = points.next()?;
    let mut count = 0.0;
    for point in points {
        if counts(previous, point) {
            count += 1.0;
        }
        previous = point;
    }
    Some(count)
}

pub(super) fn resets(window: &Window<'_>, extension: Extension) -> Option<f64> {
    count(window, extension, |(previous, before), (current, value)| match (before, value) {
        (Value::Float(before), Value::Float(value)) => {
            value < before || start::is_reset(previous, current)
        }
        (Value::Histogram(before), Value::Histogram(value)) => {
            start::is_reset(previous, current) || reset::detect(value, before)
        }
        // A series that becomes another kind has begun anew.
        _ => true,
    })
}

pub(super) fn changes(window: &Window<'_>, extension: Extension) -> Option<f64> {
    count(window, extension, |(_, before), (_, value)| match (before, value) {
        (Value::Float(before), Value::Float(value)) => {
            value != before && !(value.is_nan() && before.is_nan())
        }
        (Value::Histogram(before), Value::Histogram(value)) => !histogram::equal(value, before),
        _ => true,
    })
}
