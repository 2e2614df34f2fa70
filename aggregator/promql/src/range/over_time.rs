//! `*_over_time` functions that choose or compare samples.

use std::sync::Arc;

use super::{
    call::Cx,
    quantile,
    window::{View, Window},
};
use crate::{annotations::Note, functions::FunctionId, kahan::Sum, value::Sample};

pub(super) fn first(window: &Window<'_>) -> Option<Sample> {
    earlier(window, 0, 0, |float, histogram| float < histogram)
}

pub(super) fn last(window: &Window<'_>) -> Option<Sample> {
    let float = window.floats.len().saturating_sub(1);
    let histogram = window.histograms.len().saturating_sub(1);
    earlier(window, float, histogram, |float, histogram| float > histogram)
}

/// Of a float and a histogram the float, if `float_wins` by their times.
fn earlier(
    window: &Window<'_>,
    float: usize,
    histogram: usize,
    float_wins: impl Fn(i64, i64) -> bool,
) -> Option<Sample> {
    match (window.floats.get(float), window.histograms.get(histogram)) {
        (Some((float_time, _)), Some((time, histogram))) if !float_wins(float_time, time) => {
            Some(Sample::Histogram(Arc::clone(histogram)))
        }
        (Some((_, value)), _) => Some(Sample::Float(*value)),
        (None, histogram) => histogram.map(|(_, h)| Sample::Histogram(Arc::clone(h))),
    }
}

pub(super) fn time_of_first(window: &Window<'_>) -> Option<f64> {
    let times = [window.floats.times.first(), window.histograms.times.first()];
    times.into_iter().flatten().min().map(|time| *time as f64 / 1000.0)
}

pub(super) fn time_of_last(window: &Window<'_>) -> Option<f64> {
    let times = [window.floats.times.last(), window.histograms.times.last()];
    times.into_iter().flatten().max().map(|time| *time as f64 / 1000.0)
}

pub(super) fn quantile(window: &Window<'_>, fraction: f64, cx: &mut Cx<'_>) -> Option<f64> {
    if window.floats.is_empty() {
        return None;
    }
    if !(0.0..=1.0).contains(&fraction) {
        cx.note(Note::InvalidQuantile(fraction));
    }
    cx.ignore_histograms(window);
    Some(quantile::quantile(fraction, &mut window.floats.values.to_vec()))
}

/// Functions of floats that ignore histograms, with a note.
pub(super) fn floats_only(
    function: FunctionId,
    window: &Window<'_>,
    cx: &mut Cx<'_>,
) -> Option<f64> {
    use FunctionId as F;
    let view = &window.floats;
    if view.is_empty() {
        return None;
    }
    cx.ignore_histograms(window);
    Some(match function {
        F::MaxOverTime => extreme(view, |value, best| value > best).1,
        F::MinOverTime => extreme(view, |value, best| value < best).1,
        F::TsOfMaxOverTime => extreme(view, |value, best| value >= best).0 as f64 / 1000.0,
        F::TsOfMinOverTime => extreme(view, |value, best| value <= best).0 as f64 / 1000.0,
        F::StdvarOverTime => variance(view),
        F::StddevOverTime => variance(view).sqrt(),
        F::MadOverTime => median_deviation(view),
        _ => return None,
    })
}

/// The sample that is better than those before it; anything is better than NaN.
fn extreme(view: &View<'_, f64>, better: impl Fn(f64, f64) -> bool) -> (i64, f64) {
    let mut best = (0, f64::NAN);
    for (at, point) in view.iter().enumerate() {
        if at == 0 || better(point.1, best.1) || best.1.is_nan() {
            best = point;
        }
    }
    best
}

/// Source of the algorithm: B. P. Welford, "Note on a method for calculating corrected sums of
/// squares and products" (1962).
fn variance(view: &View<'_, f64>) -> f64 {
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for (at, value) in view.values.iter().enumerate() {
        let delta = value - mean.total();
        mean.add(delta / (at + 1) as f64);
        squares.add(delta * (value - mean.total()));
    }
    squares.total() / view.len() as f64
}

/// The median distance from the median.
fn median_deviation(view: &View<'_, f64>) -> f64 {
    if view.values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut values = view.values.to_vec();
    let median = quantile::quantile(0.5, &mut values);
    for value in &mut values {
        *value = (*value - median).abs();
    }
    quantile::quantile(0.5, &mut values)
}
