//! The shortest form of a histogram.

use model::histogram::Histogram;

use super::layout;

/// Removes empty buckets, and joins spans.
pub(crate) fn compact(histogram: &mut Histogram) {
    let filled = |(_, count): &(i32, f64)| *count != 0.0;
    let positive: Vec<_> = layout::positive(histogram).filter(filled).collect();
    layout::set_positive(histogram, positive);
    let negative: Vec<_> = layout::negative(histogram).filter(filled).collect();
    layout::set_negative(histogram, negative);
}
