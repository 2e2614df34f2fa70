//! Custom buckets with different bounds.

use crate::kahan::Sum;

/// The bounds that two lists share.
pub(super) fn intersect(left: &[f64], right: &[f64]) -> Vec<f64> {
    let mut shared = Vec::with_capacity(left.len().min(right.len()));
    let mut right = right.iter().peekable();
    for bound in left {
        while right.next_if(|other| *other < bound).is_some() {}
        if right.next_if(|other| *other == bound).is_some() {
            shared.push(*bound);
        }
    }
    shared
}

/// The index of the bucket among `shared` bounds that holds the bucket with this index.
pub(super) fn shared_index(index: i32, bounds: &[f64], shared: &[f64]) -> usize {
    let bound = usize::try_from(index).ok().and_then(|index| bounds.get(index));
    match bound {
        Some(bound) => shared.partition_point(|other| other < bound),
        None if index < 0 => 0,
        None => shared.len(),
    }
}

/// Adds buckets into those of shared bounds.
pub(super) fn add(
    into: &mut [Sum],
    buckets: impl Iterator<Item = (i32, f64)>,
    bounds: &[f64],
    shared: &[f64],
    sign: f64,
) {
    for (index, count) in buckets {
        if let Some(sum) = into.get_mut(shared_index(index, bounds, shared)) {
            sum.add(sign * count);
        }
    }
}
