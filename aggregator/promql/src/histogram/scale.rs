//! Multiplication and division by a number.

use model::histogram::{Histogram, ResetHint};

/// Scales everything. A negative factor makes a gauge.
pub(crate) fn multiply(histogram: &mut Histogram, factor: f64) {
    each(histogram, |value| value * factor);
    if factor < 0.0 {
        histogram.reset_hint = ResetHint::Gauge;
    }
}

/// Like [`multiply`] by the inverse. Division by zero leaves no buckets.
pub(crate) fn divide(histogram: &mut Histogram, divisor: f64) {
    each(histogram, |value| value / divisor);
    if divisor == 0.0 {
        histogram.positive_spans.clear();
        histogram.positive_buckets.clear();
        histogram.negative_spans.clear();
        histogram.negative_buckets.clear();
        return;
    }
    if divisor < 0.0 {
        histogram.reset_hint = ResetHint::Gauge;
    }
}

fn each(histogram: &mut Histogram, change: impl Fn(f64) -> f64) {
    let heads = [&mut histogram.zero_count, &mut histogram.count, &mut histogram.sum];
    let buckets = histogram.positive_buckets.iter_mut().chain(&mut histogram.negative_buckets);
    for value in heads.into_iter().chain(buckets) {
        *value = change(*value);
    }
}
