//! What histograms of one series have in common most of the time: schema, zero threshold, spans
//! and custom bounds.

use std::sync::Arc;

use model::histogram::{Histogram, Span};

use crate::varint::{put_i64, put_u64, take_i64, take_u64};

use super::super::{ChunkError, MAX_COUNT, MAX_HISTOGRAM_CELLS, values};

/// How many of the latest layouts a histogram is compared with. Series switch between very few.
const REMEMBERED: usize = 8;

/// Everything of a histogram but its numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    schema: i32,
    zero_threshold: f64,
    positive_spans: Vec<Span>,
    negative_spans: Vec<Span>,
    custom_values: Vec<f64>,
    pub(super) positive_buckets: usize,
    pub(super) negative_buckets: usize,
}

/// What a histogram takes of [`MAX_HISTOGRAM_CELLS`].
pub(super) fn cells(histogram: &Histogram) -> usize {
    histogram.positive_spans.len()
        + histogram.negative_spans.len()
        + histogram.custom_values.len()
        + histogram.positive_buckets.len()
        + histogram.negative_buckets.len()
}

/// The layouts of some histograms, and for each histogram the number of its own.
pub(super) fn collect(histograms: &[Arc<Histogram>]) -> (Vec<Layout>, Vec<i64>) {
    let mut layouts: Vec<Layout> = Vec::new();
    let mut indexes: Vec<i64> = Vec::with_capacity(histograms.len());
    for histogram in histograms {
        let known = layouts
            .iter()
            .enumerate()
            .rev()
            .take(REMEMBERED)
            .find(|(_, layout)| layout.is_of(histogram))
            .map(|(number, _)| number);
        let number = known.unwrap_or_else(|| {
            layouts.push(Layout::of(histogram));
            layouts.len() - 1
        });
        indexes.push(number as i64);
    }
    (layouts, indexes)
}

pub(super) fn write_all(layouts: &[Layout], scratch: &mut values::Scratch, out: &mut Vec<u8>) {
    put_u64(out, layouts.len() as u64);
    for layout in layouts {
        layout.write(scratch, out);
    }
}

/// Takes layouts off the front; there are at most as many as histograms.
pub(super) fn take_all(input: &mut &[u8], histograms: usize) -> Result<Vec<Layout>, ChunkError> {
    let count = take_len(input)?;
    if !(1..=histograms).contains(&count) {
        return Err(ChunkError::Invalid("number of layouts"));
    }
    let mut layouts = Vec::new();
    let mut cells = 0;
    for _ in 0..count {
        let layout = Layout::take(input)?;
        cells += layout.cells();
        if cells > MAX_HISTOGRAM_CELLS {
            return Err(ChunkError::Cells);
        }
        layouts.push(layout);
    }
    Ok(layouts)
}

impl Layout {
    fn of(histogram: &Histogram) -> Self {
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            positive_spans: histogram.positive_spans.clone(),
            negative_spans: histogram.negative_spans.clone(),
            custom_values: histogram.custom_values.clone(),
            positive_buckets: histogram.positive_buckets.len(),
            negative_buckets: histogram.negative_buckets.len(),
        }
    }

    /// Bounds are compared bit for bit, so that a zero keeps its sign.
    fn is_of(&self, histogram: &Histogram) -> bool {
        let bounds = self.custom_values.iter().map(|bound| bound.to_bits());
        self.schema == histogram.schema
            && self.zero_threshold.to_bits() == histogram.zero_threshold.to_bits()
            && self.positive_buckets == histogram.positive_buckets.len()
            && self.negative_buckets == histogram.negative_buckets.len()
            && self.positive_spans == histogram.positive_spans
            && self.negative_spans == histogram.negative_spans
            && bounds.eq(histogram.custom_values.iter().map(|bound| bound.to_bits()))
    }

    pub(super) fn cells(&self) -> usize {
        self.positive_spans.len()
            + self.negative_spans.len()
            + self.custom_values.len()
            + self.positive_buckets
            + self.negative_buckets
    }

    /// A histogram of this layout with all numbers missing.
    pub(super) fn empty_histogram(&self) -> Histogram {
        Histogram {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            positive_spans: self.positive_spans.clone(),
            negative_spans: self.negative_spans.clone(),
            custom_values: self.custom_values.clone(),
            ..Histogram::default()
        }
    }

    fn write(&self, scratch: &mut values::Scratch, out: &mut Vec<u8>) {
        put_i64(out, i64::from(self.schema));
        values::encode(&[self.zero_threshold], scratch, out);
        for (spans, buckets) in [
            (&self.positive_spans, self.positive_buckets),
            (&self.negative_spans, self.negative_buckets),
        ] {
            put_u64(out, spans.len() as u64);
            for span in spans {
                put_i64(out, i64::from(span.offset));
                put_u64(out, u64::from(span.length));
            }
            put_u64(out, buckets as u64);
        }
        put_u64(out, self.custom_values.len() as u64);
        for bounds in self.custom_values.chunks(MAX_COUNT) {
            values::encode(bounds, scratch, out);
        }
    }

    fn take(input: &mut &[u8]) -> Result<Self, ChunkError> {
        let schema = i32::try_from(take_i64(input).ok_or(ChunkError::Truncated)?)
            .map_err(|_| ChunkError::Invalid("schema"))?;
        let mut zero_threshold = Vec::new();
        values::decode(input, 1, &mut zero_threshold)?;
        let mut layout = Self {
            schema,
            zero_threshold: zero_threshold.first().copied().unwrap_or_default(),
            ..Self::default()
        };
        layout.positive_spans = take_spans(input)?;
        layout.positive_buckets = take_len(input)?;
        layout.negative_spans = take_spans(input)?;
        layout.negative_buckets = take_len(input)?;
        let mut bounds = take_len(input)?;
        while bounds > 0 {
            let some = bounds.min(MAX_COUNT);
            values::decode(input, some, &mut layout.custom_values)?;
            bounds -= some;
        }
        Ok(layout)
    }
}

fn take_spans(input: &mut &[u8]) -> Result<Vec<Span>, ChunkError> {
    let count = take_len(input)?;
    let mut spans = Vec::new();
    for _ in 0..count {
        let offset = i32::try_from(take_i64(input).ok_or(ChunkError::Truncated)?);
        let length = u32::try_from(take_u64(input).ok_or(ChunkError::Truncated)?);
        let (Ok(offset), Ok(length)) = (offset, length) else {
            return Err(ChunkError::Invalid("span"));
        };
        spans.push(Span { offset, length });
    }
    Ok(spans)
}

/// Takes a number of things that are cells.
fn take_len(input: &mut &[u8]) -> Result<usize, ChunkError> {
    let len = take_u64(input).ok_or(ChunkError::Truncated)?;
    usize::try_from(len).ok().filter(|len| *len <= MAX_HISTOGRAM_CELLS).ok_or(ChunkError::Cells)
}
