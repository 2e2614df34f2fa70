//! Arithmetic on native histograms.
//!
//! Source of the rules: Prometheus' native histogram specification. Buckets are handled as pairs of
//! index and count in order of index; spans are made only for results.

pub(crate) mod accumulate;
pub(crate) mod arithmetic;
pub(crate) mod bounds;
pub(crate) mod buckets;
pub(crate) mod classic;
pub(crate) mod compact;
mod custom;
pub(crate) mod fraction;
pub(crate) mod layout;
pub(crate) mod quantile;
pub(crate) mod reset;
pub(crate) mod scale;
pub(crate) mod stats;
pub(crate) mod text;
pub(crate) mod trim;
mod zero;

use model::histogram::Histogram;

use crate::kahan::Sum;

/// Bytes of a float sample: the unit in which memory is counted.
const FLOAT_BYTES: usize = 16;
/// Bytes of a histogram without its buckets.
const HEAD_BYTES: usize = 176;

/// Size of a histogram in memory, counted in floats.
pub(crate) fn weight(histogram: &Histogram) -> u64 {
    let words = histogram.positive_spans.len()
        + histogram.negative_spans.len()
        + histogram.positive_buckets.len()
        + histogram.negative_buckets.len()
        + histogram.custom_values.len();
    ((HEAD_BYTES + words * 8) / FLOAT_BYTES) as u64
}

/// The variance of the observations, each taken to be in the middle of its bucket.
pub(crate) fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut variance = Sum::default();
    for bucket in buckets::all(histogram) {
        if bucket.count == 0.0 {
            continue;
        }
        let value = if histogram.is_custom() {
            (bucket.upper + bucket.lower) / 2.0
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            // Exponential buckets have their middle at the geometric mean.
            let middle = (bucket.upper * bucket.lower).sqrt();
            if bucket.upper < 0.0 { -middle } else { middle }
        };
        let delta = value - mean;
        variance.add(bucket.count * delta * delta);
    }
    variance.total() / histogram.count
}

/// Whether two histograms hold the same data, bit by bit.
pub(crate) fn equal(left: &Histogram, right: &Histogram) -> bool {
    let head =
        |h: &Histogram| (h.schema, h.count.to_bits(), h.sum.to_bits(), h.zero_count.to_bits());
    let same = |left: &mut dyn Iterator<Item = (i32, f64)>,
                right: &mut dyn Iterator<Item = (i32, f64)>| {
        let bits = |(index, count): (i32, f64)| (index, count.to_bits());
        left.map(bits).eq(right.map(bits))
    };
    head(left) == head(right)
        && left.zero_threshold == right.zero_threshold
        && (!left.is_custom() || left.custom_values == right.custom_values)
        && same(&mut layout::positive(left), &mut layout::positive(right))
        && same(&mut layout::negative(left), &mut layout::negative(right))
}

#[cfg(test)]
mod tests;
