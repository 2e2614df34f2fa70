//! Classic histograms: cumulative counts in series of their own, one per upper bound.

use super::fraction;
use crate::annotations::Fixed;

/// Differences below this part of a count come from rounding, not from observations.
const TOLERANCE: f64 = 1e-12;

/// A cumulative bucket: its upper bound and count.
pub(crate) type Cumulative = (f64, f64);

/// What was done to make counts ascend: the bounds between which, and by how much.
pub(crate) type Forced = Option<(f64, f64, f64)>;

/// The quantile of a classic histogram. Its buckets are put in order.
pub(crate) fn quantile(fraction: f64, buckets: &mut Vec<Cumulative>) -> (f64, Forced) {
    if fraction.is_nan() {
        return (f64::NAN, None);
    }
    if fraction < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if fraction > 1.0 {
        return (f64::INFINITY, None);
    }
    if !prepare(buckets) {
        return (f64::NAN, None);
    }
    let forced = ensure_ascending(buckets);
    let [.., below_last, (_, observations)] = buckets.as_slice() else {
        return (f64::NAN, forced);
    };
    if *observations == 0.0 {
        return (f64::NAN, forced);
    }
    let mut rank = fraction * observations;
    let inner = buckets.get(..buckets.len() - 1).unwrap_or_default();
    let at = inner.iter().position(|(_, count)| *count >= rank).unwrap_or(inner.len());
    let Some((end, cumulative)) = inner.get(at).copied() else {
        // In the bucket up to infinity nothing is known but its lower bound.
        return (below_last.0, forced);
    };
    if at == 0 && end <= 0.0 {
        return (end, forced);
    }
    let (mut start, mut count) = (0.0, cumulative);
    if let Some((bound, below)) = at.checked_sub(1).and_then(|at| inner.get(at)) {
        start = *bound;
        count -= below;
        rank -= below;
    }
    (start + (end - start) * (rank / count), forced)
}

/// The fraction of observations between two values.
pub(crate) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Cumulative>) -> f64 {
    if !prepare(buckets) {
        return f64::NAN;
    }
    fraction::classic_fraction(lower, upper, buckets)
}

/// Sorts buckets and joins those with the same bound. False when there is none up to infinity.
fn prepare(buckets: &mut Vec<Cumulative>) -> bool {
    buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    if buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    true
}

/// Raises counts that are less than one before.
fn ensure_ascending(buckets: &mut [Cumulative]) -> Forced {
    let mut forced: Forced = None;
    let mut previous = buckets.first().map_or(0.0, |(_, count)| *count);
    for (bound, count) in buckets.iter_mut().skip(1) {
        if *count == previous {
            continue;
        }
        if almost_equal(previous, *count, TOLERANCE) {
            *count = previous;
        } else if *count < previous {
            let (low, high, difference) = forced.unwrap_or((*bound, *bound, 0.0));
            forced = Some((low.min(*bound), high.max(*bound), difference.max(previous - *count)));
            *count = previous;
        } else {
            previous = *count;
        }
    }
    forced
}

/// The extent of a correction at one time.
pub(crate) fn fixed((bucket_min, bucket_max, difference_max): (f64, f64, f64), time: i64) -> Fixed {
    Fixed { bucket_min, bucket_max, difference_max, first: time, last: time, count: 1 }
}

/// Whether two numbers differ by less than a part of their sum.
pub(crate) fn almost_equal(left: f64, right: f64, tolerance: f64) -> bool {
    if left.is_nan() && right.is_nan() || left == right {
        return true;
    }
    let sum = left.abs() + right.abs();
    let difference = (left - right).abs();
    if left == 0.0 || right == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < tolerance * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < tolerance
}
