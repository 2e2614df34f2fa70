//! Quantiles of native histograms.
//!
//! Within a bucket observations are taken to be spread evenly over its width: the width between
//! logarithms of the bounds for exponential buckets, between the bounds themselves for custom
//! buckets and the zero bucket.

use model::histogram::Histogram;

use super::buckets::{self, Bucket};
use crate::annotations::Note;

/// The value that a fraction of the observations does not exceed. A note tells when observations of
/// NaN, which are in no bucket, matter.
pub(crate) fn quantile(fraction: f64, histogram: &Histogram, metric: &str) -> (f64, Option<Note>) {
    if fraction < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if fraction > 1.0 {
        return (f64::INFINITY, None);
    }
    if histogram.count == 0.0 || fraction.is_nan() {
        return (f64::NAN, None);
    }
    // Counting from the nearer end is more exact. NaN observations are above all buckets.
    let forward = histogram.sum.is_nan() || fraction < 0.5;
    let rank = if forward { fraction } else { 1.0 - fraction } * histogram.count;
    let mut all = buckets::all(histogram);
    if !forward {
        all.reverse();
    }
    let mut bucket = Bucket { lower: 0.0, upper: 0.0, count: 0.0 };
    let mut count = 0.0;
    let mut rest = all.iter();
    for next in rest.by_ref() {
        bucket = *next;
        if next.count != 0.0 {
            count += next.count;
            if count >= rank {
                break;
            }
        }
    }
    if let Some(value) = clip(&mut bucket, histogram) {
        return (value, None);
    }
    count = count.min(histogram.count);
    if count < rank {
        if histogram.sum.is_nan() {
            return (f64::NAN, Some(Note::QuantileNan { metric: metric.to_owned() }));
        }
        return (bucket.upper, None);
    }
    let within = if forward { rank - (count - bucket.count) } else { count - rank };
    let mut note = None;
    if histogram.sum.is_nan() {
        let total = count + rest.map(|bucket| bucket.count).sum::<f64>();
        if total < histogram.count {
            note = Some(Note::QuantileSkewed { metric: metric.to_owned() });
        }
    }
    (interpolate(&bucket, within / bucket.count, histogram), note)
}

/// Cuts off what can hold nothing. The value itself where the bucket has no width to look into.
fn clip(bucket: &mut Bucket, histogram: &Histogram) -> Option<f64> {
    if histogram.is_custom() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return Some(bucket.upper);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return Some(bucket.lower);
        }
    } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
        clip_zero_bucket(bucket, histogram);
    }
    None
}

/// The zero bucket of a histogram with one sign only is of that sign, too.
pub(super) fn clip_zero_bucket(bucket: &mut Bucket, histogram: &Histogram) {
    let negative = !histogram.negative_buckets.is_empty();
    let positive = !histogram.positive_buckets.is_empty();
    if positive && !negative {
        bucket.lower = 0.0;
    } else if negative && !positive {
        bucket.upper = 0.0;
    }
}

fn interpolate(bucket: &Bucket, fraction: f64, histogram: &Histogram) -> f64 {
    if histogram.is_custom() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * fraction;
    }
    let lower = bucket.lower.abs().log2();
    let upper = bucket.upper.abs().log2();
    if bucket.lower > 0.0 {
        return (lower + (upper - lower) * fraction).exp2();
    }
    -(upper + (lower - upper) * (1.0 - fraction)).exp2()
}
