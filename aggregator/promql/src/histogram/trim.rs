//! Keeps the observations of a histogram on one side of a value.
//!
//! A bucket that holds the value is cut, its observations being spread as in quantiles. Count and
//! sum are estimated anew from the middles of what remains.

use model::histogram::Histogram;

use super::{
    buckets::{self, Bucket},
    compact,
};

/// Which side is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// `</`
    Below,
    /// `>/`
    Above,
}

/// What remains: how many observations, and their sum.
#[derive(Default)]
struct Rest {
    count: f64,
    sum: f64,
    changed: bool,
}

impl Rest {
    fn add(&mut self, (count, middle): (f64, f64), before: f64) -> f64 {
        self.count += count;
        self.sum += middle * count;
        self.changed |= count != before;
        count
    }
}

pub(crate) fn trim(histogram: &mut Histogram, limit: f64, keep: Keep) {
    let custom = histogram.is_custom();
    let mut rest = Rest::default();
    let (mut any_positive, mut any_negative) = (false, false);
    let positive: Vec<Bucket> = buckets::positive(histogram).collect();
    for (slot, bucket) in histogram.positive_buckets.iter_mut().zip(positive) {
        if bucket.count != 0.0 {
            any_positive = true;
            *slot = rest.add(cut(&bucket, limit, keep, 1.0, custom), bucket.count);
        }
    }
    let negative: Vec<Bucket> = buckets::negative(histogram).collect();
    for (slot, bucket) in histogram.negative_buckets.iter_mut().zip(negative) {
        if bucket.count != 0.0 {
            any_negative = true;
            *slot = rest.add(cut(&bucket, limit, keep, -1.0, custom), bucket.count);
        }
    }
    if histogram.zero_count > 0.0 {
        let mut bucket = buckets::zero(histogram);
        if any_negative && !any_positive {
            bucket.upper = 0.0;
        }
        if any_positive && !any_negative {
            bucket.lower = 0.0;
        }
        histogram.zero_count = rest.add(cut_zero(&bucket, limit, keep), bucket.count);
    }
    if rest.changed {
        histogram.count = rest.count;
        histogram.sum = rest.sum;
        compact::compact(histogram);
    }
}

/// What remains of a bucket: its count and the middle of its values.
fn cut(bucket: &Bucket, limit: f64, keep: Keep, sign: f64, linear: bool) -> (f64, f64) {
    let Bucket { lower, upper, count } = *bucket;
    let (whole, cuts) = match keep {
        Keep::Below => (upper <= limit, lower < limit),
        Keep::Above => (lower >= limit, upper > limit),
    };
    if whole {
        return (count, middle(lower, upper, sign, linear));
    }
    if !cuts {
        return (0.0, 0.0);
    }
    if lower == f64::NEG_INFINITY || upper == f64::INFINITY {
        return cut_infinite(bucket, limit, keep);
    }
    let below = if limit <= lower {
        0.0
    } else if limit >= upper {
        count
    } else {
        count * bucket.fraction_below(limit, linear)
    };
    match keep {
        Keep::Below => (below, middle(lower, limit, sign, linear)),
        Keep::Above => (count - below, middle(limit, upper, sign, linear)),
    }
}

/// A bucket of infinite width that holds the limit: how its observations are spread is not known.
fn cut_infinite(bucket: &Bucket, limit: f64, keep: Keep) -> (f64, f64) {
    let Bucket { lower, upper, count } = *bucket;
    if lower != f64::NEG_INFINITY {
        return match keep {
            Keep::Below => (0.0, 0.0),
            Keep::Above if limit >= lower => (count, limit),
            Keep::Above => (0.0, 0.0),
        };
    }
    // The lowest custom bucket, if it reaches above zero, is taken to begin there.
    let from_zero = upper > 0.0 && upper != f64::INFINITY;
    match keep {
        Keep::Below if limit > 0.0 && from_zero => (count * limit / upper, limit / 2.0),
        Keep::Below if upper <= 0.0 => (count, limit),
        Keep::Above if limit == f64::NEG_INFINITY => (count, 0.0),
        Keep::Above if limit >= 0.0 && from_zero => {
            (count * (1.0 - limit / upper), f64::midpoint(limit, upper))
        }
        _ => (0.0, 0.0),
    }
}

fn cut_zero(bucket: &Bucket, limit: f64, keep: Keep) -> (f64, f64) {
    let Bucket { lower, upper, count } = *bucket;
    let (whole, none) = match keep {
        Keep::Below => (limit >= upper, limit <= lower),
        Keep::Above => (limit <= lower, limit >= upper),
    };
    // A zero bucket without width is on either side or on neither; `none` of the lower side wins.
    if none && (keep == Keep::Below || !whole) {
        return (0.0, 0.0);
    }
    if whole {
        return (count, f64::midpoint(lower, upper));
    }
    let below = (limit - lower) / (upper - lower);
    match keep {
        Keep::Below => (count * below, f64::midpoint(lower, limit)),
        Keep::Above => (count * ((upper - limit) / (upper - lower)), f64::midpoint(limit, upper)),
    }
}

/// The value that stands for all between two bounds.
fn middle(lower: f64, upper: f64, sign: f64, linear: bool) -> f64 {
    if lower.is_infinite() {
        return if upper.is_infinite() {
            0.0
        } else if upper > 0.0 {
            upper / 2.0
        } else {
            upper
        };
    }
    if upper.is_infinite() {
        return lower;
    }
    if linear {
        return f64::midpoint(lower, upper);
    }
    sign * (lower * upper).abs().sqrt()
}
