//! `deriv`, `predict_linear` and `double_exponential_smoothing`.

use super::{
    call::Cx,
    window::{View, Window},
};
use crate::{
    annotations::Note,
    error::{EvalError, execution},
    kahan::Sum,
};

/// The slope per second.
pub(super) fn deriv(window: &Window<'_>, cx: &mut Cx<'_>) -> Option<f64> {
    if !suffices(window, cx) {
        return None;
    }
    // Times near zero keep more of their precision.
    let (slope, _) = line(&window.floats, *window.floats.times.first()?);
    cx.ignore_histograms(window);
    Some(slope)
}

/// The value some seconds after the step.
pub(super) fn predict(window: &Window<'_>, ahead: f64, cx: &mut Cx<'_>) -> Option<f64> {
    if !suffices(window, cx) {
        return None;
    }
    let (slope, intercept) = line(&window.floats, window.time);
    cx.ignore_histograms(window);
    Some(slope * ahead + intercept)
}

/// A line or trend needs two points.
fn suffices(window: &Window<'_>, cx: &mut Cx<'_>) -> bool {
    let count = window.floats.len();
    if count == 1 && !window.histograms.is_empty() {
        cx.note(Note::HistogramIgnoredInRange { metric: cx.metric() });
    }
    count >= 2
}

/// Slope per second, and value at a time, of the line with the least squares.
fn line(view: &View<'_, f64>, origin: i64) -> (f64, f64) {
    let first = view.values.first().copied().unwrap_or(f64::NAN);
    if view.values.iter().all(|value| *value == first) {
        if first.is_infinite() {
            return (f64::NAN, f64::NAN);
        }
        return (0.0, first);
    }
    let [mut sum_x, mut sum_y, mut sum_xy, mut sum_xx] = [Sum::default(); 4];
    for (time, y) in view.iter() {
        let x = time.saturating_sub(origin) as f64 / 1000.0;
        sum_x.add(x);
        sum_y.add(y);
        sum_xy.add(x * y);
        sum_xx.add(x * x);
    }
    let count = view.len() as f64;
    let (sum_x, sum_y) = (sum_x.total(), sum_y.total());
    let covariance = sum_xy.total() - sum_x * sum_y / count;
    let variance = sum_xx.total() - sum_x * sum_x / count;
    let slope = covariance / variance;
    (slope, sum_y / count - slope * sum_x / count)
}

/// Source of the algorithm: C. C. Holt, "Forecasting seasonals and trends by exponentially weighted
/// moving averages" (1957). The parameters are the weights of values and of their trend.
pub(super) fn smooth(
    window: &Window<'_>,
    params: &[f64],
    cx: &mut Cx<'_>,
) -> Result<Option<f64>, EvalError> {
    let &[value_weight, trend_weight] = params else { return Ok(None) };
    for (name, weight) in [("smoothing", value_weight), ("trend", trend_weight)] {
        if weight <= 0.0 || weight >= 1.0 {
            let short = if name == "smoothing" { "sf" } else { "tf" };
            return execution(format!(
                "invalid {name} factor. Expected: 0 < {short} < 1, got: {weight:.6}"
            ));
        }
    }
    if !suffices(window, cx) {
        return Ok(None);
    }
    let [first, second, ..] = window.floats.values else { return Ok(None) };
    let (mut previous, mut smoothed, mut trend) = (0.0, *first, second - first);
    for (at, value) in window.floats.values.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trend_weight * (smoothed - previous) + (1.0 - trend_weight) * trend;
        }
        let next = value_weight * value + (1.0 - value_weight) * (smoothed + trend);
        (previous, smoothed) = (smoothed, next);
    }
    cx.ignore_histograms(window);
    Ok(Some(smoothed))
}
