//! Detects counter resets between histograms.

use model::histogram::{Histogram, ResetHint};

use super::{bounds, custom, layout, zero};

/// Whether the counter was reset between two histograms: something counted less, or a layout that
/// only a reset can bring. A hint decides at once.
pub(crate) fn detect(current: &Histogram, previous: &Histogram) -> bool {
    match current.reset_hint {
        ResetHint::Reset => return true,
        ResetHint::NotReset => return false,
        // Functions of counters treat gauges as counters, and warn.
        ResetHint::Unknown | ResetHint::Gauge => {}
    }
    if current.count < previous.count {
        return true;
    }
    if current.is_custom() {
        if !previous.is_custom() {
            return true;
        }
        if current.custom_values != previous.custom_values {
            return custom_decreased(current, previous);
        }
    }
    // Resolution and width of the zero bucket change this way only with a reset.
    if current.schema > previous.schema || current.zero_threshold < previous.zero_threshold {
        return true;
    }
    let (zero_count, threshold) = zero::widened(previous, current.zero_threshold);
    if threshold != current.zero_threshold || current.zero_count < zero_count {
        return true;
    }
    decreased(current, layout::positive(current), previous, layout::positive(previous))
        || decreased(current, layout::negative(current), previous, layout::negative(previous))
}

/// Whether a bucket outside the zero bucket counts less than before, or is gone.
fn decreased(
    current: &Histogram,
    current_buckets: impl Iterator<Item = (i32, f64)>,
    previous: &Histogram,
    previous_buckets: impl Iterator<Item = (i32, f64)>,
) -> bool {
    let (schema, threshold) = (current.schema, current.zero_threshold);
    let exponential = !current.is_custom() && threshold != 0.0;
    let inside =
        |(index, _): &(i32, f64)| exponential && bounds::exponential(*index, schema) <= threshold;
    let mut current_buckets = current_buckets.skip_while(inside).peekable();
    let previous_buckets = if current.is_custom() {
        previous_buckets.collect()
    } else {
        layout::coarser(previous_buckets, previous.schema, schema)
    };
    for (index, before) in previous_buckets.into_iter().skip_while(inside) {
        while current_buckets.next_if(|(at, _)| *at < index).is_some() {}
        let fewer = match current_buckets.peek() {
            Some((at, now)) if *at == index => *now < before,
            _ => before != 0.0,
        };
        if fewer {
            return true;
        }
    }
    false
}

/// The same for custom buckets, compared at the bounds that both have.
fn custom_decreased(current: &Histogram, previous: &Histogram) -> bool {
    let shared = custom::intersect(&current.custom_values, &previous.custom_values);
    let totals = |histogram: &Histogram| {
        let mut totals = vec![0.0; shared.len() + 1];
        for (index, count) in layout::positive(histogram) {
            let place = custom::shared_index(index, &histogram.custom_values, &shared);
            if let Some(total) = totals.get_mut(place) {
                *total += count;
            }
        }
        totals
    };
    totals(current).iter().zip(totals(previous)).any(|(now, before)| *now < before)
}
