//! Chunks of native histograms, with whole counts or with float counts.
//!
//! ```text
//! number of samples   16 bits, big-endian
//! flags               2 bits of what is known of a reset before the first sample, 6 unused
//! layout              see `layout`
//! first sample        time, count, zero count, sum in 64 bits, buckets
//! further samples     time, count, zero count, sum, buckets as differences
//! ```
//!
//! Whole counts: numbers of variable width; buckets are differences between neighbours; further
//! samples hold differences of differences. Float counts: 64 bits each at first, differences of
//! bits later. Times are numbers of variable width in both. A stale histogram has no buckets.

use std::sync::Arc;

use model::{
    columns::{Columns, is_stale},
    histogram::{Histogram, ResetHint},
};

use super::{
    ChunkError, Encoding, SAMPLES_PER_CHUNK,
    bits::{Reader, Writer, XorState},
    layout,
};

/// A chunk that is so long takes no further sample.
const CHUNK_BYTES: usize = 16 << 10;

/// Spans and bounds of all histograms of a chunk. They are written once and repeated in each one
/// that is read, so that few bytes could take much memory.
const REPEATED_MAX: usize = 4 << 20;

const HEADER_BYTES: usize = 3;
/// Counts beside the buckets: of all observations and of those in the zero bucket.
const TOTALS: usize = 2;
const FLAG_RESET: u8 = 0b1000_0000;
const FLAG_NOT_RESET: u8 = 0b0100_0000;
const FLAG_GAUGE: u8 = 0b1100_0000;

/// Encodes as many histograms as can share a chunk and says how many; none if there are none.
pub(super) fn encode<'a>(
    samples: impl Iterator<Item = (&'a Histogram, i64)>,
) -> Option<(Encoding, Vec<u8>, usize)> {
    let mut samples = samples.peekable();
    let first = samples.peek()?.0;
    let whole = is_whole(first) || is_stale(first.sum);
    let buckets = first.positive_buckets.len() + first.negative_buckets.len();
    let mut out = Writer::after(&[0; HEADER_BYTES]);
    let mut counts = Counts::new(whole, TOTALS + buckets);
    let (mut time, mut sum) = (Delta::default(), XorState::default());
    let (mut previous, mut count) = (None, 0u16);
    for (histogram, at) in samples {
        let full = usize::from(count) >= SAMPLES_PER_CHUNK || out.len() >= CHUNK_BYTES;
        if full || previous.is_some_and(|previous| !continues(previous, histogram, whole)) {
            break;
        }
        let stale = Histogram { sum: histogram.sum, ..Histogram::default() };
        let written = if is_stale(histogram.sum) { &stale } else { histogram };
        if count == 0 {
            layout::put(&mut out, written);
        }
        out.put_signed(time.put(at, count == 0));
        counts.put(&mut out, &mut sum, written, count == 0);
        previous = Some(histogram);
        count += 1;
    }
    let mut data = out.finish();
    if let Some(header) = data.first_chunk_mut::<HEADER_BYTES>() {
        let [high, low] = count.to_be_bytes();
        *header = [high, low, flags(first)];
    }
    let encoding = if whole { Encoding::Histogram } else { Encoding::FloatHistogram };
    Some((encoding, data, count.into()))
}

/// What was known of the sample before the first is not repeated: a reader may not have it.
fn flags(first: &Histogram) -> u8 {
    match first.reset_hint {
        ResetHint::Reset => FLAG_RESET,
        ResetHint::Gauge => FLAG_GAUGE,
        ResetHint::Unknown | ResetHint::NotReset => 0,
    }
}

/// Whether a histogram may follow another in a chunk: readers take it for the same counter going
/// on, so nothing may have decreased.
fn continues(previous: &Histogram, next: &Histogram, whole: bool) -> bool {
    let gauge = |histogram: &Histogram| histogram.reset_hint == ResetHint::Gauge;
    if is_stale(previous.sum) || gauge(previous) != gauge(next) {
        return false;
    }
    if is_stale(next.sum) {
        return true;
    }
    if (whole && !is_whole(next)) || !layout::same(previous, next) {
        return false;
    }
    let pairs = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(old, new)| new >= old);
    gauge(next)
        || next.reset_hint != ResetHint::Reset
            && next.count >= previous.count
            && next.zero_count >= previous.zero_count
            && pairs(&previous.positive_buckets, &next.positive_buckets)
            && pairs(&previous.negative_buckets, &next.negative_buckets)
}

fn is_whole(histogram: &Histogram) -> bool {
    const EXACT_MAX: f64 = (1u64 << 53) as f64;
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    buckets
        .chain([&histogram.count, &histogram.zero_count])
        .all(|count| (0.0..=EXACT_MAX).contains(count) && count.fract() == 0.0)
}

/// A whole number that is written again and again: first itself, then differences of differences.
#[derive(Clone, Copy, Debug, Default)]
struct Delta {
    value: i64,
    delta: i64,
}

impl Delta {
    /// What to write for the next value.
    fn put(&mut self, value: i64, first: bool) -> i64 {
        if first {
            *self = Self { value, delta: 0 };
            return value;
        }
        let delta = value.wrapping_sub(self.value);
        let written = delta.wrapping_sub(self.delta);
        *self = Self { value, delta };
        written
    }

    /// The next value from what was written.
    fn take(&mut self, written: i64, first: bool) -> i64 {
        if first {
            *self = Self { value: written, delta: 0 };
        } else {
            self.delta = self.delta.wrapping_add(written);
            self.value = self.value.wrapping_add(self.delta);
        }
        self.value
    }
}

/// Counts as they were last: the count, the zero count and the buckets of both sides.
#[derive(Debug)]
enum Counts {
    Whole(Vec<Delta>),
    Floats(Vec<XorState>),
}

impl Counts {
    fn new(whole: bool, len: usize) -> Self {
        if whole {
            Self::Whole(vec![Delta::default(); len])
        } else {
            Self::Floats(vec![XorState::default(); len])
        }
    }

    fn put(&mut self, out: &mut Writer, sum: &mut XorState, histogram: &Histogram, first: bool) {
        self.put_total(out, 0, histogram.count, first);
        self.put_total(out, 1, histogram.zero_count, first);
        put_float(out, sum, histogram.sum, first);
        let mut index = 2;
        for side in [&histogram.positive_buckets, &histogram.negative_buckets] {
            let mut neighbour = 0.0;
            for bucket in side {
                self.put_bucket(out, index, *bucket, neighbour, first);
                neighbour = *bucket;
                index += 1;
            }
        }
    }

    fn put_total(&mut self, out: &mut Writer, index: usize, total: f64, first: bool) {
        match self {
            Self::Whole(cells) => {
                let Some(cell) = cells.get_mut(index) else { return };
                let written = cell.put(total as i64, first);
                if first { out.put_unsigned(written as u64) } else { out.put_signed(written) }
            }
            Self::Floats(cells) => {
                let Some(cell) = cells.get_mut(index) else { return };
                put_float(out, cell, total, first);
            }
        }
    }

    fn put_bucket(
        &mut self,
        out: &mut Writer,
        index: usize,
        bucket: f64,
        neighbour: f64,
        first: bool,
    ) {
        match self {
            Self::Whole(cells) => {
                let Some(cell) = cells.get_mut(index) else { return };
                out.put_signed(cell.put(bucket as i64 - neighbour as i64, first));
            }
            Self::Floats(cells) => {
                let Some(cell) = cells.get_mut(index) else { return };
                put_float(out, cell, bucket, first);
            }
        }
    }

    fn take_total(
        &mut self,
        bits: &mut Reader<'_>,
        index: usize,
        first: bool,
    ) -> Result<f64, ChunkError> {
        match self {
            Self::Whole(cells) => {
                let cell = cells.get_mut(index).ok_or(MISCOUNTED)?;
                let written = if first { bits.unsigned()? as i64 } else { bits.signed()? };
                Ok(cell.take(written, first) as u64 as f64)
            }
            Self::Floats(cells) => take_float(bits, cells.get_mut(index).ok_or(MISCOUNTED)?, first),
        }
    }

    /// Appends the absolute counts of one side.
    fn take_side(
        &mut self,
        bits: &mut Reader<'_>,
        range: std::ops::Range<usize>,
        first: bool,
        side: &mut Vec<f64>,
    ) -> Result<(), ChunkError> {
        side.reserve_exact(range.len());
        match self {
            Self::Whole(cells) => {
                let mut bucket = 0i64;
                for cell in cells.get_mut(range).ok_or(MISCOUNTED)? {
                    bucket = bucket.wrapping_add(cell.take(bits.signed()?, first));
                    side.push(bucket as f64);
                }
            }
            Self::Floats(cells) => {
                for cell in cells.get_mut(range).ok_or(MISCOUNTED)? {
                    side.push(take_float(bits, cell, first)?);
                }
            }
        }
        Ok(())
    }
}

/// Cannot happen: there is a cell for every bucket that the layout describes.
const MISCOUNTED: ChunkError = ChunkError::Corrupt("more buckets than the layout describes");

fn put_float(out: &mut Writer, state: &mut XorState, value: f64, first: bool) {
    if first {
        *state = XorState::new(value);
        out.put(value.to_bits(), 64);
    } else {
        out.put_xor(state, value);
    }
}

fn take_float(bits: &mut Reader<'_>, state: &mut XorState, first: bool) -> Result<f64, ChunkError> {
    if first {
        *state = XorState::new(bits.double()?);
        return Ok(state.value);
    }
    bits.xor(state)
}

pub(super) fn decode(data: &[u8], floats: bool, columns: &mut Columns) -> Result<(), ChunkError> {
    let (&[high, low, flags], rest) =
        data.split_first_chunk::<HEADER_BYTES>().ok_or(ChunkError::Short)?;
    let samples = u16::from_be_bytes([high, low]);
    if samples == 0 {
        return Ok(());
    }
    let mut bits = Reader::new(rest);
    let shape = layout::take(&mut bits)?;
    let positive = layout::bucket_count(&shape.positive_spans, &bits)?;
    let negative = layout::bucket_count(&shape.negative_spans, &bits)?;
    let repeated =
        shape.positive_spans.len() + shape.negative_spans.len() + shape.custom_values.len();
    if repeated * usize::from(samples) > REPEATED_MAX {
        return Err(ChunkError::Corrupt("the layout is too large for so many samples"));
    }
    let mut counts = Counts::new(!floats, TOTALS + positive + negative);
    let (mut time, mut sum) = (Delta::default(), XorState::default());
    for number in 0..samples {
        let first = number == 0;
        let at = time.take(bits.signed()?, first);
        let count = counts.take_total(&mut bits, 0, first)?;
        let zero_count = counts.take_total(&mut bits, 1, first)?;
        let sum = take_float(&mut bits, &mut sum, first)?;
        if is_stale(sum) {
            let stale = Histogram { sum, ..Histogram::default() };
            columns.push_histogram(at, Arc::new(stale));
            // The bits of the first one have buckets if its layout has.
            if first && positive + negative > 0 {
                return Err(ChunkError::Corrupt("a stale histogram has buckets"));
            }
            continue;
        }
        let mut histogram =
            Histogram { count, zero_count, sum, reset_hint: hint(flags, first), ..shape.clone() };
        let middle = TOTALS + positive;
        counts.take_side(&mut bits, TOTALS..middle, first, &mut histogram.positive_buckets)?;
        let end = middle + negative;
        counts.take_side(&mut bits, middle..end, first, &mut histogram.negative_buckets)?;
        columns.push_histogram(at, Arc::new(histogram));
    }
    Ok(())
}

fn hint(flags: u8, first: bool) -> ResetHint {
    match flags & FLAG_GAUGE {
        FLAG_GAUGE => ResetHint::Gauge,
        _ if !first => ResetHint::NotReset,
        FLAG_RESET => ResetHint::Reset,
        FLAG_NOT_RESET => ResetHint::NotReset,
        _ => ResetHint::Unknown,
    }
}
