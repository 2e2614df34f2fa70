//! Buckets of OTLP histograms as native histograms.
//!
//! OTLP counts consecutive buckets; bucket `i` of scale `s` reaches from `base^i` to `base^(i+1)`,
//! where Prometheus' bucket `i` ends at `base^i`, so indexes move by one. A scale finer than
//! Prometheus' finest is made coarser by merging neighbours.

use model::{
    columns::stale_nan,
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, SCHEMA_MAX, SCHEMA_MIN, Span},
};

use super::point::{Buckets, Point};

/// The zero bucket's width where a point does not give one.
const ZERO_THRESHOLD: f64 = 1e-128;
/// So many empty buckets are written rather than left out, which costs less than another span.
const GAP_MAX: i64 = 2;

/// Why a point is no native histogram.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("scale {0} is below {SCHEMA_MIN}")]
    Scale(i32),
    #[error("bucket indexes are out of range")]
    Index,
    #[error(transparent)]
    Invalid(#[from] model::histogram::InvalidHistogram),
}

pub(super) fn exponential(point: &Point<'_>, hint: ResetHint) -> Result<Histogram, Unusable> {
    if point.is_stale() {
        return Ok(stale());
    }
    if point.scale < SCHEMA_MIN {
        return Err(Unusable::Scale(point.scale));
    }
    // Beyond 31 all buckets of a side fall into two.
    let down = u32::try_from(point.scale - SCHEMA_MAX).unwrap_or(0).min(31);
    let dense = |buckets: &Buckets| {
        let indexed = (0i64..).zip(buckets.counts.iter().copied());
        let offset = i64::from(buckets.offset);
        let merged = indexed.map(move |(number, count)| (((offset + number) >> down) + 1, count));
        sparse(merged.collect::<Vec<_>>().into_iter())
    };
    let (positive_spans, positive_buckets) = dense(&point.positive)?;
    let (negative_spans, negative_buckets) = dense(&point.negative)?;
    let threshold = point.zero_threshold;
    let histogram = Histogram {
        schema: point.scale.min(SCHEMA_MAX),
        reset_hint: hint,
        zero_threshold: if threshold > 0.0 { threshold } else { ZERO_THRESHOLD },
        zero_count: point.zero_count as f64,
        count: point.count as f64,
        sum: point.sum.unwrap_or(0.0),
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        custom_values: Vec::new(),
    };
    histogram.validate()?;
    Ok(histogram)
}

/// Explicit buckets as custom ones; both leave the last bound, infinity, unsaid.
pub(super) fn custom(point: &Point<'_>, hint: ResetHint) -> Result<Histogram, Unusable> {
    if point.is_stale() {
        return Ok(stale());
    }
    let indexed = (0i64..).zip(point.bucket_counts.iter().copied());
    let (positive_spans, positive_buckets) = sparse(indexed)?;
    let histogram = Histogram {
        schema: SCHEMA_CUSTOM,
        reset_hint: hint,
        count: point.count as f64,
        sum: point.sum.unwrap_or(0.0),
        positive_spans,
        positive_buckets,
        custom_values: point.bounds.clone(),
        ..Histogram::default()
    };
    histogram.validate()?;
    Ok(histogram)
}

fn stale() -> Histogram {
    Histogram { sum: stale_nan(), ..Histogram::default() }
}

/// Spans and counts from buckets in order of their indexes, of which neighbours may be the same.
fn sparse(buckets: impl Iterator<Item = (i64, u64)>) -> Result<(Vec<Span>, Vec<f64>), Unusable> {
    let (mut spans, mut counts): (Vec<Span>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut next = 0;
    for (index, count) in buckets.filter(|(_, count)| *count > 0) {
        if index == next - 1
            && let Some(last) = counts.last_mut()
        {
            *last += count as f64;
            continue;
        }
        let gap = index - next;
        match spans.last_mut().filter(|_| gap <= GAP_MAX) {
            Some(span) => {
                span.length += gap as u32;
                counts.extend((0..gap).map(|_| 0.0));
            }
            None => {
                let offset = i32::try_from(gap).map_err(|_| Unusable::Index)?;
                spans.push(Span { offset, length: 0 });
            }
        }
        if let Some(span) = spans.last_mut() {
            span.length += 1;
        }
        counts.push(count as f64);
        next = index + 1;
    }
    Ok((spans, counts))
}
