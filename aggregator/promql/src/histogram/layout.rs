//! Buckets as pairs of index and count, and back to spans.

use model::histogram::{Histogram, Span};

/// The buckets that spans describe, empty ones included.
pub(crate) fn pairs(spans: &[Span], counts: &[f64]) -> impl Iterator<Item = (i32, f64)> {
    let mut next = 0i32;
    let indexes = spans.iter().flat_map(move |span| {
        let first = next.saturating_add(span.offset);
        next = first.saturating_add_unsigned(span.length);
        first..next
    });
    indexes.zip(counts.iter().copied())
}

pub(crate) fn positive(histogram: &Histogram) -> impl Iterator<Item = (i32, f64)> {
    pairs(&histogram.positive_spans, &histogram.positive_buckets)
}

/// Away from zero.
pub(crate) fn negative(histogram: &Histogram) -> impl Iterator<Item = (i32, f64)> {
    pairs(&histogram.negative_spans, &histogram.negative_buckets)
}

/// The fewest spans that describe buckets in order of index.
pub(crate) fn spans(buckets: impl IntoIterator<Item = (i32, f64)>) -> (Vec<Span>, Vec<f64>) {
    let (mut spans, mut counts) = (Vec::<Span>::new(), Vec::new());
    let mut next = 0i32;
    for (index, count) in buckets {
        match spans.last_mut() {
            Some(last) if index == next => last.length += 1,
            _ => spans.push(Span { offset: index.saturating_sub(next), length: 1 }),
        }
        next = index.saturating_add(1);
        counts.push(count);
    }
    (spans, counts)
}

pub(crate) fn set_positive(
    histogram: &mut Histogram,
    buckets: impl IntoIterator<Item = (i32, f64)>,
) {
    (histogram.positive_spans, histogram.positive_buckets) = spans(buckets);
}

pub(crate) fn set_negative(
    histogram: &mut Histogram,
    buckets: impl IntoIterator<Item = (i32, f64)>,
) {
    (histogram.negative_spans, histogram.negative_buckets) = spans(buckets);
}

/// The index that a bucket falls into in a coarser schema.
pub(crate) fn coarser_index(index: i32, from: i32, to: i32) -> i32 {
    let shift = u32::try_from(from - to).unwrap_or(0).min(31);
    (index.saturating_sub(1) >> shift) + 1
}

/// Buckets merged into those of a coarser schema.
pub(crate) fn coarser(
    buckets: impl Iterator<Item = (i32, f64)>,
    from: i32,
    to: i32,
) -> Vec<(i32, f64)> {
    let mut merged: Vec<(i32, f64)> = Vec::new();
    for (index, count) in buckets {
        let index = coarser_index(index, from, to);
        match merged.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => merged.push((index, count)),
        }
    }
    merged
}

/// A copy in a schema that is the same or coarser.
pub(crate) fn copy_to_schema(histogram: &Histogram, schema: i32) -> Histogram {
    let mut copy = histogram.clone();
    if schema < histogram.schema && !histogram.is_custom() {
        set_positive(&mut copy, coarser(positive(histogram), histogram.schema, schema));
        set_negative(&mut copy, coarser(negative(histogram), histogram.schema, schema));
        copy.schema = schema;
    }
    copy
}
