//! The `Histogram` message, which both versions share.
//!
//! ```text
//! Histogram   oneof { uint64 count_int = 1; double count_float = 2; } double sum = 3;
//!             sint32 schema = 4; double zero_threshold = 5;
//!             oneof { uint64 zero_count_int = 6; double zero_count_float = 7; }
//!             repeated BucketSpan negative_spans = 8; repeated sint64 negative_deltas = 9;
//!             repeated double negative_counts = 10;
//!             repeated BucketSpan positive_spans = 11; repeated sint64 positive_deltas = 12;
//!             repeated double positive_counts = 13;
//!             ResetHint reset_hint = 14; int64 timestamp = 15;
//!             repeated double custom_values = 16; int64 start_timestamp = 17 (2.0 only)
//! BucketSpan  sint32 offset = 1; uint32 length = 2;
//! ResetHint   UNKNOWN 0, YES 1, NO 2, GAUGE 3
//! ```
//!
//! Source: `prompb/types.proto` and `prompb/io/prometheus/write/v2/types.proto` of Prometheus.
//! Which member of `count` is present decides whether buckets are deltas or absolute counts.

use std::sync::Arc;

use codec::varint::{put_i64, unzigzag};
use model::{
    histogram::{Histogram, InvalidHistogram, ResetHint, Span},
    write::HistogramSample,
};

use crate::protobuf::{
    BYTES, FIXED64, VARINT,
    reader::{Reader, Result},
    tag,
    writer::{
        put_double, put_double_always, put_message, put_varint, put_varint_always, put_zigzag,
    },
};

/// Why a histogram that is whole as a message is no histogram.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error(transparent)]
    Invalid(#[from] InvalidHistogram),
    #[error("a bucket count overflows")]
    Overflow,
    #[error("{observed} observations are in the buckets, but the count is {count}")]
    Count { observed: f64, count: f64 },
    #[error("more than {0} buckets")]
    TooManyBuckets(usize),
}

/// Buckets of one sign, in whichever form they came.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) spans: Vec<Span>,
    pub(crate) deltas: Vec<i64>,
    pub(crate) counts: Vec<f64>,
}

/// A histogram as messages have it, also those of the exposition format.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) is_float: bool,
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) schema: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: f64,
    pub(crate) negative: Side,
    pub(crate) positive: Side,
    pub(crate) reset_hint: u64,
    pub(crate) time: i64,
    pub(crate) custom_values: Vec<f64>,
    pub(crate) start: i64,
}

/// Reads a `Histogram`; the outer error is a corrupt message, the inner one a useless histogram.
pub(crate) fn read(
    message: Reader<'_>,
    buckets_max: usize,
) -> Result<std::result::Result<HistogramSample, Unusable>> {
    Ok(read_fields(message, buckets_max)?.into_sample(buckets_max))
}

fn read_fields(mut message: Reader<'_>, max: usize) -> Result<Message> {
    let mut read = Message::default();
    while let Some(tag_found) = message.tag()? {
        match (tag_found >> 3, tag_found & 7) {
            (1, VARINT) => (read.is_float, read.count) = (false, message.varint()? as f64),
            (2, FIXED64) => (read.is_float, read.count) = (true, message.double()?),
            (3, FIXED64) => read.sum = message.double()?,
            (4, VARINT) => read.schema = sint32(message.varint()?),
            (5, FIXED64) => read.zero_threshold = message.double()?,
            (6, VARINT) => read.zero_count = message.varint()? as f64,
            (7, FIXED64) => read.zero_count = message.double()?,
            (8, BYTES) => push(&mut read.negative.spans, max, read_span(message.bytes()?)?),
            (9, BYTES) => read_deltas(message.bytes()?, max, &mut read.negative.deltas)?,
            (9, VARINT) => push(&mut read.negative.deltas, max, unzigzag(message.varint()?)),
            (10, BYTES) => read_doubles(message.bytes()?, max, &mut read.negative.counts)?,
            (10, FIXED64) => push(&mut read.negative.counts, max, message.double()?),
            (11, BYTES) => push(&mut read.positive.spans, max, read_span(message.bytes()?)?),
            (12, BYTES) => read_deltas(message.bytes()?, max, &mut read.positive.deltas)?,
            (12, VARINT) => push(&mut read.positive.deltas, max, unzigzag(message.varint()?)),
            (13, BYTES) => read_doubles(message.bytes()?, max, &mut read.positive.counts)?,
            (13, FIXED64) => push(&mut read.positive.counts, max, message.double()?),
            (14, VARINT) => read.reset_hint = message.varint()?,
            (15, VARINT) => read.time = message.varint()? as i64,
            (16, BYTES) => read_doubles(message.bytes()?, max, &mut read.custom_values)?,
            (16, FIXED64) => push(&mut read.custom_values, max, message.double()?),
            (17, VARINT) => read.start = message.varint()? as i64,
            _ => message.skip(tag_found)?,
        }
    }
    Ok(read)
}

/// Zigzag in 32 bits; higher bits are cut off, as protobuf does.
pub(crate) fn sint32(value: u64) -> i32 {
    unzigzag(value & 0xffff_ffff) as i32
}

pub(crate) fn read_span(mut message: Reader<'_>) -> Result<Span> {
    const OFFSET: u32 = tag(1, VARINT);
    const LENGTH: u32 = tag(2, VARINT);
    let mut span = Span::default();
    while let Some(tag) = message.tag()? {
        match tag {
            OFFSET => span.offset = sint32(message.varint()?),
            LENGTH => span.length = message.varint()? as u32,
            _ => message.skip(tag)?,
        }
    }
    Ok(span)
}

pub(crate) fn read_deltas(mut packed: Reader<'_>, max: usize, deltas: &mut Vec<i64>) -> Result<()> {
    while !packed.is_empty() {
        push(deltas, max, unzigzag(packed.varint()?));
    }
    Ok(())
}

pub(crate) fn read_doubles(
    mut packed: Reader<'_>,
    max: usize,
    doubles: &mut Vec<f64>,
) -> Result<()> {
    doubles.reserve((packed.rest().len() / 8).min(max));
    while !packed.is_empty() {
        push(doubles, max, packed.double()?);
    }
    Ok(())
}

/// Keeps at most one more than `max`, which is enough to see that there are too many.
pub(crate) fn push<T>(list: &mut Vec<T>, max: usize, item: T) {
    if list.len() <= max {
        list.push(item);
    }
}

impl Side {
    /// Absolute counts.
    fn buckets(self, is_float: bool) -> std::result::Result<(Vec<Span>, Vec<f64>), Unusable> {
        if is_float {
            return Ok((self.spans, self.counts));
        }
        let mut absolute = 0i64;
        let mut counts = Vec::with_capacity(self.deltas.len());
        for delta in self.deltas {
            absolute = absolute.checked_add(delta).ok_or(Unusable::Overflow)?;
            counts.push(absolute as f64);
        }
        Ok((self.spans, counts))
    }

    fn len(&self) -> usize {
        self.spans.len().max(self.deltas.len()).max(self.counts.len())
    }
}

impl Message {
    pub(crate) fn into_sample(
        self,
        buckets_max: usize,
    ) -> std::result::Result<HistogramSample, Unusable> {
        if self.positive.len() + self.negative.len() > buckets_max
            || self.custom_values.len() > buckets_max
        {
            return Err(Unusable::TooManyBuckets(buckets_max));
        }
        let (positive_spans, positive_buckets) = self.positive.buckets(self.is_float)?;
        let (negative_spans, negative_buckets) = self.negative.buckets(self.is_float)?;
        let mut histogram = Histogram {
            schema: self.schema,
            reset_hint: match self.reset_hint {
                1 => ResetHint::Reset,
                2 => ResetHint::NotReset,
                3 => ResetHint::Gauge,
                _ => ResetHint::Unknown,
            },
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            custom_values: self.custom_values,
        };
        histogram.admit()?;
        if !self.is_float {
            check_count(&histogram)?;
        }
        Ok(HistogramSample { time: self.time, value: Arc::new(histogram), start: self.start })
    }
}

/// Whether the count of an integer histogram is that of its buckets. One that observed NaN, which no
/// bucket holds, may have a higher one. Float histograms may differ, as arithmetic makes them.
fn check_count(histogram: &Histogram) -> std::result::Result<(), Unusable> {
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    let observed = buckets.sum::<f64>() + histogram.zero_count;
    let count = histogram.count;
    // Integers that no float holds exactly may differ by as much.
    let slack = count * f64::EPSILON * 4.0;
    let fits = observed <= count + slack;
    if fits && (histogram.sum.is_nan() || observed >= count - slack) {
        return Ok(());
    }
    Err(Unusable::Count { observed, count })
}

/// Whether the integer form can say this histogram, and readers of that form take it.
pub(crate) fn is_integer(histogram: &Histogram) -> bool {
    let mut counts = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    counts.all(|count| is_whole(*count))
        && is_whole(histogram.count)
        && is_whole(histogram.zero_count)
        && check_count(histogram).is_ok()
}

/// Appends the fields of a `Histogram`: as integers with deltas, which take fewer bytes, where they
/// can say it.
pub(crate) fn put(out: &mut Vec<u8>, sample: &HistogramSample, with_start: bool) {
    let histogram = &*sample.value;
    let whole = is_integer(histogram);
    if whole {
        put_varint_always(out, 1, histogram.count as u64);
    } else {
        put_double_always(out, 2, histogram.count);
    }
    put_double(out, 3, histogram.sum);
    put_zigzag(out, 4, histogram.schema.into());
    put_double(out, 5, histogram.zero_threshold);
    if whole {
        put_varint_always(out, 6, histogram.zero_count as u64);
    } else {
        put_double_always(out, 7, histogram.zero_count);
    }
    put_side(out, 8, &histogram.negative_spans, &histogram.negative_buckets, whole);
    put_side(out, 11, &histogram.positive_spans, &histogram.positive_buckets, whole);
    let hint = match histogram.reset_hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    };
    put_varint(out, 14, hint);
    put_varint(out, 15, sample.time as u64);
    put_doubles(out, 16, &histogram.custom_values);
    if with_start {
        put_varint(out, 17, sample.start as u64);
    }
}

/// Whether an integer histogram can say this count exactly.
pub(crate) fn is_whole(count: f64) -> bool {
    const EXACT_MAX: f64 = (1u64 << 53) as f64;
    (0.0..=EXACT_MAX).contains(&count) && count.fract() == 0.0
}

/// Spans as field `first`, then deltas as the next field or counts as the one after.
pub(crate) fn put_side(
    out: &mut Vec<u8>,
    first: u32,
    spans: &[Span],
    buckets: &[f64],
    whole: bool,
) {
    for span in spans {
        put_message(out, first, |out| {
            put_zigzag(out, 1, span.offset.into());
            put_varint(out, 2, span.length.into());
        });
    }
    if buckets.is_empty() {
        return;
    }
    if !whole {
        put_doubles(out, first + 2, buckets);
        return;
    }
    put_message(out, first + 1, |out| {
        let mut previous = 0i64;
        for count in buckets {
            let count = *count as i64;
            put_i64(out, count - previous);
            previous = count;
        }
    });
}

fn put_doubles(out: &mut Vec<u8>, number: u32, doubles: &[f64]) {
    if !doubles.is_empty() {
        put_message(out, number, |out| {
            doubles.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        });
    }
}

#[cfg(test)]
mod tests;
