//! The `Histogram` message of the exposition format: classic buckets and native ones side by side.
//!
//! ```text
//! Histogram  uint64 count = 1; double sum = 2; repeated Bucket bucket = 3; double count_float = 4;
//!            sint32 schema = 5; double zero_threshold = 6; uint64 zero_count = 7;
//!            double zero_count_float = 8; repeated BucketSpan negative_span = 9;
//!            repeated sint64 negative_delta = 10; repeated double negative_count = 11;
//!            repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13;
//!            repeated double positive_count = 14; Timestamp start = 15; repeated Exemplar exemplars = 16
//! Bucket     uint64 cumulative_count = 1; double upper_bound = 2; Exemplar exemplar = 3;
//!            double cumulative_count_float = 4
//! ```
//!
//! A float count that is above zero overrides the integer one.

use codec::varint::unzigzag;

use super::{ParseError, metric::exemplar, read_time};
use crate::{
    exposition::visit::{FoundExemplar, limit},
    limits::Limits,
    protobuf::{BYTES, FIXED64, VARINT, reader::Reader},
    remote_write::histogram::{Message, push, read_deltas, read_doubles, read_span, sint32},
};

/// Everything that the message says.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Counts for either form, and the native buckets.
    pub(super) message: Message,
    pub(super) buckets: Vec<Bucket>,
    pub(super) start: i64,
    /// Where the message begins.
    pub(super) position: usize,
    exemplars: Vec<FoundExemplar>,
}

/// One classic bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) bound: f64,
    /// Cumulative.
    pub(super) count: f64,
    pub(super) exemplar: Option<FoundExemplar>,
}

impl Parts {
    /// A native histogram that has seen nothing says so by an empty span.
    pub(super) fn is_native(&self) -> bool {
        !self.message.positive.spans.is_empty()
            || !self.message.negative.spans.is_empty()
            || self.message.zero_threshold > 0.0
            || self.message.zero_count > 0.0
    }

    /// Its own exemplars, or else those of the classic buckets. Those without a time are left out:
    /// one that is exposed again could not be told from a new one.
    pub(super) fn native_exemplars(&self) -> Vec<FoundExemplar> {
        let of_buckets = self.buckets.iter().filter_map(|bucket| bucket.exemplar.as_ref());
        let all: Vec<&FoundExemplar> = if self.exemplars.is_empty() {
            of_buckets.collect()
        } else {
            self.exemplars.iter().collect()
        };
        all.into_iter().filter(|exemplar| exemplar.time.is_some()).cloned().collect()
    }
}

pub(super) fn read(mut message: Reader<'_>, limits: &Limits) -> Result<Parts, ParseError> {
    let max = limits.histogram_buckets;
    let mut parts = Parts { position: message.position(), ..Parts::default() };
    let (mut count, mut zero_count) = ((0.0, 0.0), (0.0, 0.0));
    while let Some(tag) = message.tag()? {
        let native = &mut parts.message;
        match (tag >> 3, tag & 7) {
            (1, VARINT) => count.0 = message.varint()? as f64,
            (4, FIXED64) => count.1 = message.double()?,
            (2, FIXED64) => native.sum = message.double()?,
            (3, BYTES) => {
                limit(parts.buckets.len(), max)?;
                parts.buckets.push(read_bucket(message.bytes()?, limits)?);
            }
            (5, VARINT) => native.schema = sint32(message.varint()?),
            (6, FIXED64) => native.zero_threshold = message.double()?,
            (7, VARINT) => zero_count.0 = message.varint()? as f64,
            (8, FIXED64) => zero_count.1 = message.double()?,
            (9, BYTES) => push(&mut native.negative.spans, max, read_span(message.bytes()?)?),
            (10, BYTES) => read_deltas(message.bytes()?, max, &mut native.negative.deltas)?,
            (10, VARINT) => push(&mut native.negative.deltas, max, unzigzag(message.varint()?)),
            (11, BYTES) => read_doubles(message.bytes()?, max, &mut native.negative.counts)?,
            (11, FIXED64) => push(&mut native.negative.counts, max, message.double()?),
            (12, BYTES) => push(&mut native.positive.spans, max, read_span(message.bytes()?)?),
            (13, BYTES) => read_deltas(message.bytes()?, max, &mut native.positive.deltas)?,
            (13, VARINT) => push(&mut native.positive.deltas, max, unzigzag(message.varint()?)),
            (14, BYTES) => read_doubles(message.bytes()?, max, &mut native.positive.counts)?,
            (14, FIXED64) => push(&mut native.positive.counts, max, message.double()?),
            (15, BYTES) => parts.start = read_time(message.bytes()?)?,
            (16, BYTES) => {
                limit(parts.exemplars.len(), limits.exemplars)?;
                parts.exemplars.extend(exemplar(message.bytes()?, limits)?);
            }
            _ => message.skip(tag)?,
        }
    }
    parts.message.is_float = count.1 > 0.0 || zero_count.1 > 0.0;
    // A classic histogram may have a float count without being a native float histogram.
    parts.message.count = if parts.message.is_float { count.1 } else { count.0 };
    parts.message.zero_count = if parts.message.is_float { zero_count.1 } else { zero_count.0 };
    Ok(parts)
}

fn read_bucket(mut message: Reader<'_>, limits: &Limits) -> Result<Bucket, ParseError> {
    let (mut bucket, mut whole, mut float) = (Bucket::default(), 0.0, 0.0);
    while let Some(tag) = message.tag()? {
        match (tag >> 3, tag & 7) {
            (1, VARINT) => whole = message.varint()? as f64,
            (2, FIXED64) => bucket.bound = message.double()?,
            (3, BYTES) => bucket.exemplar = exemplar(message.bytes()?, limits)?,
            (4, FIXED64) => float = message.double()?,
            _ => message.skip(tag)?,
        }
    }
    bucket.count = if float > 0.0 { float } else { whole };
    Ok(bucket)
}
