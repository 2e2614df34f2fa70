//! Sums and differences of two histograms.

use model::histogram::{Histogram, ResetHint};

use super::{bounds, custom, layout, zero};
use crate::kahan::Sum;

/// What was noticed when two histograms were combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noticed {
    /// One said that it comes after a reset, the other that it does not.
    pub(crate) reset_collision: bool,
    /// Custom bounds differed; those that both have remain.
    pub(crate) bounds_reconciled: bool,
}

/// One has exponential buckets, the other custom ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incompatible;

/// `histogram += other`
pub(crate) fn add(histogram: &mut Histogram, other: &Histogram) -> Result<Noticed, Incompatible> {
    combine(histogram, other, 1.0)
}

/// `histogram -= other`
pub(crate) fn subtract(
    histogram: &mut Histogram,
    other: &Histogram,
) -> Result<Noticed, Incompatible> {
    combine(histogram, other, -1.0)
}

fn combine(
    histogram: &mut Histogram,
    other: &Histogram,
    sign: f64,
) -> Result<Noticed, Incompatible> {
    if histogram.is_custom() != other.is_custom() {
        return Err(Incompatible);
    }
    let mut noticed = Noticed {
        reset_collision: combine_hints(&mut histogram.reset_hint, other.reset_hint),
        bounds_reconciled: false,
    };
    if !histogram.is_custom() {
        let other_zero = zero::reconcile(histogram, other);
        histogram.zero_count += sign * other_zero;
    }
    histogram.count += sign * other.count;
    histogram.sum += sign * other.sum;
    if histogram.is_custom() {
        noticed.bounds_reconciled = combine_custom(histogram, other, sign);
    } else {
        combine_exponential(histogram, other, sign);
    }
    Ok(noticed)
}

fn combine_exponential(histogram: &mut Histogram, other: &Histogram, sign: f64) {
    if other.schema < histogram.schema {
        *histogram = layout::copy_to_schema(histogram, other.schema);
    }
    let schema = histogram.schema;
    let (from, threshold) = (other.schema, histogram.zero_threshold);
    let outside = |buckets: &mut dyn Iterator<Item = (i32, f64)>| -> Vec<(i32, f64)> {
        layout::coarser(buckets, from, schema)
            .into_iter()
            .skip_while(|(index, _)| bounds::exponential(*index, schema) <= threshold)
            .collect()
    };
    let positive =
        merge(layout::positive(histogram), outside(&mut layout::positive(other)).into_iter(), sign);
    let negative =
        merge(layout::negative(histogram), outside(&mut layout::negative(other)).into_iter(), sign);
    layout::set_positive(histogram, positive);
    layout::set_negative(histogram, negative);
}

/// Whether the bounds had to be reconciled.
fn combine_custom(histogram: &mut Histogram, other: &Histogram, sign: f64) -> bool {
    if histogram.custom_values == other.custom_values {
        let merged = merge(layout::positive(histogram), layout::positive(other), sign);
        layout::set_positive(histogram, merged);
        return false;
    }
    let shared = custom::intersect(&histogram.custom_values, &other.custom_values);
    let mut sums = vec![Sum::default(); shared.len() + 1];
    let own = layout::positive(histogram);
    custom::add(&mut sums, own, &histogram.custom_values, &shared, 1.0);
    custom::add(&mut sums, layout::positive(other), &other.custom_values, &shared, sign);
    let filled = sums
        .iter()
        .enumerate()
        .filter(|(_, sum)| sum.value != 0.0 || sum.compensation != 0.0)
        .map(|(index, sum)| (i32::try_from(index).unwrap_or(i32::MAX), sum.value));
    layout::set_positive(histogram, filled);
    histogram.custom_values = shared;
    true
}

/// Joins buckets in order of index.
fn merge(
    left: impl Iterator<Item = (i32, f64)>,
    right: impl Iterator<Item = (i32, f64)>,
    sign: f64,
) -> Vec<(i32, f64)> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    let mut merged = Vec::new();
    loop {
        let index = match (left.peek(), right.peek()) {
            (Some((a, _)), Some((b, _))) => *a.min(b),
            (Some((a, _)), None) => *a,
            (None, Some((b, _))) => *b,
            (None, None) => return merged,
        };
        let own = left.next_if(|(at, _)| *at == index).map(|(_, count)| count);
        let other = right.next_if(|(at, _)| *at == index).map(|(_, count)| sign * count);
        merged.push((index, own.unwrap_or(0.0) + other.unwrap_or(0.0)));
    }
}

/// Combines what two histograms know of resets. True when they contradict each other.
pub(super) fn combine_hints(own: &mut ResetHint, other: ResetHint) -> bool {
    match (*own, other) {
        (own, other) if own == other => false,
        (ResetHint::Gauge, _) | (ResetHint::Unknown, ResetHint::Reset | ResetHint::NotReset) => {
            false
        }
        (_, ResetHint::Gauge) => {
            *own = ResetHint::Gauge;
            false
        }
        (_, ResetHint::Unknown) => {
            *own = ResetHint::Unknown;
            false
        }
        _ => {
            *own = ResetHint::Unknown;
            true
        }
    }
}
