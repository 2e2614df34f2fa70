//! Buckets with their bounds.

use model::histogram::Histogram;

use super::{bounds, layout};

/// A bucket. Its lower bound is the lesser one on the negative side, too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) count: f64,
}

impl Bucket {
    /// The fraction of the bucket's width at or below a value strictly inside. Exponential buckets
    /// are as wide as the logarithms of their bounds are apart.
    pub(crate) fn fraction_below(&self, value: f64, linear: bool) -> f64 {
        if linear {
            return (value - self.lower) / (self.upper - self.lower);
        }
        let lower = self.lower.abs().log2();
        let upper = self.upper.abs().log2();
        let value_log = value.abs().log2();
        if value > 0.0 {
            return (value_log - lower) / (upper - lower);
        }
        1.0 - (value_log - upper) / (lower - upper)
    }
}

/// Positive buckets away from zero.
pub(crate) fn positive(histogram: &Histogram) -> impl Iterator<Item = Bucket> {
    layout::positive(histogram).map(|(index, count)| {
        let bound = |index| bounds::upper(index, histogram.schema, &histogram.custom_values);
        Bucket { lower: bound(index.saturating_sub(1)), upper: bound(index), count }
    })
}

/// Negative buckets away from zero.
pub(crate) fn negative(histogram: &Histogram) -> impl Iterator<Item = Bucket> {
    layout::negative(histogram).map(|(index, count)| {
        let bound = |index| bounds::upper(index, histogram.schema, &histogram.custom_values);
        Bucket { lower: -bound(index), upper: -bound(index.saturating_sub(1)), count }
    })
}

/// The zero bucket.
pub(crate) fn zero(histogram: &Histogram) -> Bucket {
    Bucket {
        lower: -histogram.zero_threshold,
        upper: histogram.zero_threshold,
        count: histogram.zero_count,
    }
}

/// All buckets in ascending order, the zero bucket if it holds something. What overlaps with the
/// zero bucket is cut off there.
pub(crate) fn all(histogram: &Histogram) -> Vec<Bucket> {
    let threshold = histogram.zero_threshold;
    let mut buckets: Vec<Bucket> = negative(histogram).collect();
    buckets.reverse();
    if histogram.zero_count > 0.0 {
        buckets.push(zero(histogram));
    }
    buckets.extend(positive(histogram));
    for bucket in &mut buckets {
        if bucket.upper < 0.0 && bucket.upper > -threshold {
            bucket.upper = -threshold;
        } else if bucket.lower > 0.0 && bucket.lower < threshold {
            bucket.lower = threshold;
        }
    }
    buckets
}
