//! What the histograms of one chunk have in common: schema, zero bucket, spans and custom bounds.

use model::histogram::{Histogram, SCHEMA_CUSTOM, SCHEMA_MAX, SCHEMA_MIN, Span};

use super::{
    ChunkError,
    bits::{Reader, Writer},
};

/// A zero threshold that is a power of two takes one byte: its exponent, as `frexp` gives it, plus
/// this.
const EXPONENT_BIAS: i32 = 243;
const EXPONENT_MIN: i32 = -242;
const EXPONENT_MAX: i32 = 11;
/// Announces a threshold in 64 bits.
const THRESHOLD_IN_FULL: u8 = 255;

/// Custom bounds of so many thousandths or fewer are written as whole thousandths plus one.
const THOUSANDTHS_MAX: f64 = 33_554_430.0;

/// Whether two histograms can share a chunk as far as their shape goes.
pub(super) fn same(a: &Histogram, b: &Histogram) -> bool {
    let bits = |values: &[f64], other: &[f64]| {
        values.len() == other.len()
            && values.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits())
    };
    a.schema == b.schema
        && a.zero_threshold.to_bits() == b.zero_threshold.to_bits()
        && a.positive_spans == b.positive_spans
        && a.negative_spans == b.negative_spans
        && bits(&a.custom_values, &b.custom_values)
}

pub(super) fn put(out: &mut Writer, histogram: &Histogram) {
    put_threshold(out, histogram.zero_threshold);
    out.put_signed(histogram.schema.into());
    for spans in [&histogram.positive_spans, &histogram.negative_spans] {
        out.put_unsigned(spans.len() as u64);
        for span in spans {
            out.put_unsigned(span.length.into());
            out.put_signed(span.offset.into());
        }
    }
    if histogram.is_custom() {
        out.put_unsigned(histogram.custom_values.len() as u64);
        histogram.custom_values.iter().for_each(|bound| put_bound(out, *bound));
    }
}

fn put_threshold(out: &mut Writer, threshold: f64) {
    if threshold == 0.0 {
        return out.put(0, 8);
    }
    // The fraction of a normal power of two is zero; its `frexp` is 0.5 and the exponent plus one.
    let bits = threshold.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1022;
    let is_power = threshold > 0.0 && bits & ((1 << 52) - 1) == 0;
    if is_power && (EXPONENT_MIN..=EXPONENT_MAX).contains(&exponent) {
        return out.put((exponent + EXPONENT_BIAS) as u64, 8);
    }
    out.put(THRESHOLD_IN_FULL.into(), 8);
    out.put(bits, 64);
}

fn take_threshold(bits: &mut Reader<'_>) -> Result<f64, ChunkError> {
    match bits.take(8)? as u8 {
        0 => Ok(0.0),
        THRESHOLD_IN_FULL => bits.double(),
        byte => Ok(0.5 * 2f64.powi(i32::from(byte) - EXPONENT_BIAS)),
    }
}

fn put_bound(out: &mut Writer, bound: f64) {
    let thousandths = (bound * 1000.0).round();
    if (0.0..=THOUSANDTHS_MAX).contains(&(bound * 1000.0)) && thousandths / 1000.0 == bound {
        return out.put_unsigned(thousandths as u64 + 1);
    }
    out.put(0, 1);
    out.put(bound.to_bits(), 64);
}

/// The shape of a chunk's histograms, with no counts yet.
pub(super) fn take(bits: &mut Reader<'_>) -> Result<Histogram, ChunkError> {
    let zero_threshold = take_threshold(bits)?;
    let schema = i32::try_from(bits.signed()?).unwrap_or(i32::MAX);
    if schema != SCHEMA_CUSTOM && !(SCHEMA_MIN..=SCHEMA_MAX).contains(&schema) {
        return Err(ChunkError::Corrupt("unknown histogram schema"));
    }
    let positive_spans = take_spans(bits)?;
    let negative_spans = take_spans(bits)?;
    let mut custom_values = Vec::new();
    if schema == SCHEMA_CUSTOM {
        for _ in 0..bits.unsigned()? {
            custom_values.push(match bits.unsigned()? {
                0 => bits.double()?,
                thousandths => (thousandths - 1) as f64 / 1000.0,
            });
        }
    }
    let shape = Histogram {
        schema,
        zero_threshold,
        positive_spans,
        negative_spans,
        custom_values,
        ..Histogram::default()
    };
    Ok(shape)
}

fn take_spans(bits: &mut Reader<'_>) -> Result<Vec<Span>, ChunkError> {
    let mut spans = Vec::new();
    for _ in 0..bits.unsigned()? {
        let length = u32::try_from(bits.unsigned()?);
        let offset = i32::try_from(bits.signed()?);
        match (length, offset) {
            (Ok(length), Ok(offset)) => spans.push(Span { offset, length }),
            _ => return Err(ChunkError::Corrupt("a span is out of range")),
        }
    }
    Ok(spans)
}

/// How many buckets spans describe. No more than there are bits, each bucket taking one at least:
/// spans of few bytes could claim any number.
pub(super) fn bucket_count(spans: &[Span], bits: &Reader<'_>) -> Result<usize, ChunkError> {
    let count: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > bits.bits_left() { Err(ChunkError::Short) } else { Ok(count) }
}
