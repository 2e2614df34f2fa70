//! The fraction of observations between two values.

use model::histogram::Histogram;

use super::{
    buckets::{self, Bucket},
    quantile::clip_zero_bucket,
};
use crate::annotations::Note;

/// Ranks of the two values, once they are known.
#[derive(Default)]
struct Ranks {
    lower: Option<f64>,
    upper: Option<f64>,
}

impl Ranks {
    /// Sets what is not known yet.
    fn set(slot: &mut Option<f64>, known: bool, rank: impl FnOnce() -> f64) {
        if slot.is_none() && known {
            *slot = Some(rank());
        }
    }

    fn complete(&self) -> bool {
        self.lower.is_some() && self.upper.is_some()
    }

    /// The fraction of `total`, where nothing lies above the last bucket.
    fn fraction(&self, count: f64, total: f64) -> f64 {
        let rank = |rank: Option<f64>| rank.unwrap_or(count).min(count);
        (rank(self.upper) - rank(self.lower)) / total
    }
}

/// The fraction of a native histogram's observations between two values.
pub(crate) fn fraction(
    lower: f64,
    upper: f64,
    histogram: &Histogram,
    metric: &str,
) -> (f64, Option<Note>) {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, None);
    }
    if lower >= upper {
        return (0.0, None);
    }
    let mut ranks = Ranks::default();
    let (mut rank, mut count) = (0.0, 0.0);
    for mut bucket in buckets::all(histogram) {
        count += bucket.count;
        if ranks.complete() {
            continue;
        }
        let mut linear = histogram.is_custom();
        if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            linear = true;
            clip_zero_bucket(&mut bucket, histogram);
        }
        let within = |value: f64| {
            // Of a bucket that is infinitely wide nothing is known.
            if linear && bucket.lower == f64::NEG_INFINITY {
                return bucket.count;
            }
            rank + bucket.count * bucket.fraction_below(value, linear)
        };
        locate(&mut ranks, (lower, upper), &bucket, rank, within);
        rank += bucket.count;
    }
    let mut note = None;
    if !histogram.sum.is_nan() {
        count = histogram.count;
    } else if count < histogram.count {
        note = Some(Note::FractionNan { metric: metric.to_owned() });
    }
    (ranks.fraction(count, histogram.count), note)
}

/// Ranks the two values where they lie at the lower bound of a bucket or inside.
fn locate(
    ranks: &mut Ranks,
    (lower, upper): (f64, f64),
    bucket: &Bucket,
    rank: f64,
    within: impl Fn(f64) -> f64,
) {
    Ranks::set(&mut ranks.lower, bucket.lower >= lower, || rank);
    Ranks::set(&mut ranks.upper, bucket.lower >= upper, || rank);
    Ranks::set(&mut ranks.lower, bucket.upper > lower, || within(lower));
    Ranks::set(&mut ranks.upper, bucket.upper > upper, || within(upper));
}

/// The same for cumulative buckets of a classic histogram: (upper bound, count), sorted, each bound
/// once.
pub(super) fn classic_fraction(lower: f64, upper: f64, buckets: &[(f64, f64)]) -> f64 {
    let count = buckets.last().map_or(0.0, |(_, count)| *count);
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    // Where all bounds are positive, so is everything that was observed.
    let positive = buckets.first().is_some_and(|(bound, _)| *bound > 0.0);
    let mut lower_bound = if positive { 0.0 } else { f64::NEG_INFINITY };
    let mut ranks = Ranks::default();
    let mut rank = 0.0;
    for (upper_bound, cumulative) in buckets {
        if ranks.complete() {
            break;
        }
        let bucket = Bucket { lower: lower_bound, upper: *upper_bound, count: *cumulative };
        let within = |value: f64| {
            if bucket.lower == f64::NEG_INFINITY {
                return bucket.count;
            }
            let width = bucket.upper - bucket.lower;
            rank + (bucket.count - rank) * (value - bucket.lower) / width
        };
        locate(&mut ranks, (lower, upper), &bucket, rank, within);
        rank = *cumulative;
        lower_bound = *upper_bound;
    }
    ranks.fraction(count, count)
}
