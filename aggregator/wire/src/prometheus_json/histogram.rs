//! Native histograms as JSON, and the boundaries of their buckets.
//!
//! ```text
//! {"count":"6","sum":"9.5","buckets":[[0,"0.5","1","2"],[3,"-0.25","0.25","4"]]}
//! ```
//!
//! A bucket is `[boundaries, lower, upper, count]`; boundaries say which ends belong to it: 0 the
//! upper, 1 the lower, 2 neither, 3 both. Empty buckets are left out, and an empty list with them.
//! Source: Prometheus' native histogram specification and `util/jsonutil`.

use model::histogram::{Histogram, Span};

use super::text::{Comma, write_float};
use crate::number::push_integer;

/// One bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    lower: f64,
    upper: f64,
    lower_inclusive: bool,
    upper_inclusive: bool,
    count: f64,
}

/// A histogram object.
pub fn write_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    out.extend_from_slice(b"{\"count\":");
    write_float(out, histogram.count);
    out.extend_from_slice(b",\"sum\":");
    write_float(out, histogram.sum);
    let mut comma = Comma::default();
    let before = out.len();
    out.extend_from_slice(b",\"buckets\":[");
    let empty = out.len();
    each_bucket(histogram, |bucket| {
        if bucket.count != 0.0 {
            comma.put(out);
            write_bucket(out, bucket);
        }
    });
    if out.len() == empty {
        out.truncate(before);
    } else {
        out.push(b']');
    }
    out.push(b'}');
}

fn write_bucket(out: &mut Vec<u8>, bucket: Bucket) {
    let boundaries = match (bucket.lower_inclusive, bucket.upper_inclusive) {
        (false, true) => 0,
        (true, false) => 1,
        (false, false) => 2,
        (true, true) => 3,
    };
    out.push(b'[');
    push_integer(out, boundaries);
    for number in [bucket.lower, bucket.upper, bucket.count] {
        out.push(b',');
        write_float(out, number);
    }
    out.push(b']');
}

/// Buckets from the lowest to the highest: negative ones, the zero bucket, positive ones.
fn each_bucket(histogram: &Histogram, mut give: impl FnMut(Bucket)) {
    let threshold = histogram.zero_threshold;
    let negative: Vec<(i64, f64)> =
        indexed(&histogram.negative_spans, &histogram.negative_buckets).collect();
    for (index, count) in negative.into_iter().rev() {
        let lower = -bound(histogram, index);
        let mut upper = -bound(histogram, index - 1);
        // Where a bucket overlaps the zero bucket, it is cut off there.
        if upper < 0.0 && upper > -threshold {
            upper = -threshold;
        }
        let (lower_inclusive, upper_inclusive) = (true, false);
        give(Bucket { lower, upper, lower_inclusive, upper_inclusive, count });
    }
    if histogram.zero_count > 0.0 {
        give(Bucket {
            lower: -threshold,
            upper: threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: histogram.zero_count,
        });
    }
    for (index, count) in indexed(&histogram.positive_spans, &histogram.positive_buckets) {
        let mut lower = bound(histogram, index - 1);
        let upper = bound(histogram, index);
        if lower > 0.0 && lower < threshold {
            lower = threshold;
        }
        // The lowest custom bucket has no bucket below that could hold its lower bound.
        let lower_inclusive = histogram.is_custom() && index == 0;
        give(Bucket { lower, upper, lower_inclusive, upper_inclusive: true, count });
    }
}

/// Counts with the index of their bucket.
fn indexed<'a>(spans: &'a [Span], buckets: &'a [f64]) -> impl Iterator<Item = (i64, f64)> + 'a {
    let mut next = 0i64;
    let indices = spans.iter().flat_map(move |span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        first..next
    });
    indices.zip(buckets.iter().copied())
}

/// The upper bound of the positive bucket with this index.
fn bound(histogram: &Histogram, index: i64) -> f64 {
    if histogram.is_custom() {
        return match usize::try_from(index) {
            Ok(index) => histogram.custom_values.get(index).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        };
    }
    exponential_bound(index, histogram.schema)
}

/// `2^(index × 2^-schema)`. The bound of the bucket that holds the largest double would be 2^1024,
/// which is none; it is the largest double, so that the bucket after it holds the infinities.
fn exponential_bound(index: i64, schema: i32) -> f64 {
    let (fraction, exponent) = if schema <= 0 {
        (1.0, index.saturating_mul(1 << schema.unsigned_abs().min(32)))
    } else {
        let schema = schema.min(62);
        let within = index & ((1 << schema) - 1);
        let fraction = (within as f64 / (1i64 << schema) as f64).exp2();
        (fraction, index >> schema)
    };
    if exponent == 1024 && fraction == 1.0 {
        return f64::MAX;
    }
    // In two halves, for a power below the normal range is not a double that could be a factor.
    let exponent = exponent.clamp(-2000, 2000) as i32;
    fraction * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2)
}

/// Exact for exponents of normal doubles.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::from((exponent + 1023).unsigned_abs()) << 52)
}

#[cfg(test)]
mod tests;
