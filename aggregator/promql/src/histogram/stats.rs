//! Histograms reduced to count and sum, for functions that need no more.

use std::sync::Arc;

use model::{
    columns::{Columns, is_stale},
    histogram::{Histogram, ResetHint},
};

use super::reset;

/// Drops the buckets of all histograms. What they tell of resets is kept as a hint; histograms
/// before `start`, which a store may or may not have added, tell nothing.
pub(crate) fn strip(columns: &mut Columns, start: i64) {
    let mut previous: Option<Arc<Histogram>> = None;
    for (place, histogram) in &mut columns.histograms {
        let is_before = columns.times.get(*place as usize).is_some_and(|time| *time < start);
        let mut stripped = Histogram {
            schema: histogram.schema,
            reset_hint: histogram.reset_hint,
            count: histogram.count,
            sum: histogram.sum,
            ..Histogram::default()
        };
        let full = std::mem::replace(histogram, Arc::new(Histogram::default()));
        if !is_stale(full.sum) {
            if stripped.reset_hint == ResetHint::Unknown
                && let Some(previous) = &previous
            {
                let was_reset = reset::detect(&full, previous);
                stripped.reset_hint =
                    if was_reset { ResetHint::Reset } else { ResetHint::NotReset };
            }
            previous = (!is_before).then_some(full);
        }
        *histogram = Arc::new(stripped);
    }
}
