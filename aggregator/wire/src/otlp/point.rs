//! Data points of every kind, read into one shape.
//!
//! ```text
//! NumberDataPoint  fixed64 start = 2; fixed64 time = 3; double as_double = 4;
//!                  repeated Exemplar exemplars = 5; sfixed64 as_int = 6;
//!                  repeated KeyValue attributes = 7; uint32 flags = 8;
//! SummaryDataPoint fixed64 start = 2; fixed64 time = 3; fixed64 count = 4; double sum = 5;
//!                  repeated ValueAtQuantile quantile_values = 6; attributes = 7; flags = 8;
//! ValueAtQuantile  double quantile = 1; double value = 2;
//! HistogramDataPoint  fixed64 start = 2; fixed64 time = 3; fixed64 count = 4;
//!                  optional double sum = 5; repeated fixed64 bucket_counts = 6;
//!                  repeated double explicit_bounds = 7; exemplars = 8; attributes = 9; flags = 10;
//! ExponentialHistogramDataPoint  attributes = 1; fixed64 start = 2; fixed64 time = 3;
//!                  fixed64 count = 4; optional double sum = 5; sint32 scale = 6;
//!                  fixed64 zero_count = 7; Buckets positive = 8; Buckets negative = 9;
//!                  flags = 10; exemplars = 11; double zero_threshold = 14;
//! Buckets          sint32 offset = 1; repeated uint64 bucket_counts = 2;
//! ```

use codec::varint::unzigzag;

use super::{DecodeError, attributes::Attributes, exemplar::Exemplar, translate::Shape};
use crate::protobuf::{
    BYTES, FIXED64, VARINT,
    reader::{Reader, Result as Read},
};

/// The flag of a point that says that there is no value any more.
pub(super) const NO_RECORDED_VALUE: u64 = 1;

/// Counts of consecutive exponential buckets.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    pub(super) offset: i32,
    pub(super) counts: Vec<u64>,
}

/// Exemplars of one point, each with its attributes.
const EXEMPLARS_MAX: usize = 512;

/// A data point; fields that its kind does not have are empty. Times are in milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Point<'a> {
    pub(super) attributes: Attributes<'a>,
    pub(super) start: i64,
    pub(super) time: i64,
    pub(super) value: Option<f64>,
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    pub(super) bucket_counts: Vec<u64>,
    pub(super) bounds: Vec<f64>,
    pub(super) quantiles: Vec<(f64, f64)>,
    pub(super) scale: i32,
    pub(super) zero_count: u64,
    pub(super) zero_threshold: f64,
    pub(super) positive: Buckets,
    pub(super) negative: Buckets,
    pub(super) exemplars: Vec<Exemplar<'a>>,
    /// Exemplars beyond [`EXEMPLARS_MAX`].
    pub(super) exemplars_over: usize,
    pub(super) flags: u64,
}

impl<'a> Point<'a> {
    pub(super) fn is_stale(&self) -> bool {
        self.flags & NO_RECORDED_VALUE != 0
    }

    /// Whether nothing can be stored of it: a number without a value, or a histogram with more
    /// buckets than the limit.
    pub(super) fn is_useless(&self, shape: Shape, limit: usize) -> bool {
        let buckets = self.bounds.len().max(self.bucket_counts.len());
        let exponential = self.positive.counts.len() + self.negative.counts.len();
        buckets.max(exponential) > limit
            || shape == Shape::Sum && self.value.is_none() && !self.is_stale()
    }

    /// Reads a point. Lists keep one more than `max` elements at most, which is enough to see that
    /// there are too many.
    pub(super) fn read(
        shape: Shape,
        mut message: Reader<'a>,
        max: usize,
    ) -> Result<Self, DecodeError> {
        let mut point = Self::default();
        while let Some(found) = message.tag()? {
            let field = (found >> 3, found & 7);
            match field {
                (2, FIXED64) => point.start = millis(message.fixed64()?),
                (3, FIXED64) => point.time = millis(message.fixed64()?),
                _ => match shape {
                    Shape::Gauge | Shape::Sum => point.number(field, found, &mut message)?,
                    Shape::Summary => point.summary(field, found, &mut message, max)?,
                    Shape::Histogram => point.histogram(field, found, &mut message, max)?,
                    Shape::Exponential => point.exponential(field, found, &mut message, max)?,
                },
            }
        }
        // In order of value, so that those of one bucket stand together.
        let value = |exemplar: &Exemplar<'_>| exemplar.value.unwrap_or(f64::NEG_INFINITY);
        point.exemplars.sort_by(|a, b| value(a).total_cmp(&value(b)));
        if point.start < 0 || point.start > point.time {
            point.start = 0;
        }
        Ok(point)
    }

    fn exemplar(&mut self, message: Reader<'a>) -> Result<(), DecodeError> {
        if self.exemplars.len() < EXEMPLARS_MAX {
            self.exemplars.push(Exemplar::read(message)?);
        } else {
            self.exemplars_over += 1;
        }
        Ok(())
    }

    fn number(
        &mut self,
        field: (u32, u32),
        tag: u32,
        message: &mut Reader<'a>,
    ) -> Result<(), DecodeError> {
        match field {
            (4, FIXED64) => self.value = Some(message.double()?),
            (5, BYTES) => self.exemplar(message.bytes()?)?,
            (6, FIXED64) => self.value = Some(message.fixed64()? as i64 as f64),
            (7, BYTES) => self.attributes.read(message.bytes()?)?,
            (8, VARINT) => self.flags = message.varint()?,
            _ => message.skip(tag)?,
        }
        Ok(())
    }

    fn summary(
        &mut self,
        field: (u32, u32),
        tag: u32,
        message: &mut Reader<'a>,
        max: usize,
    ) -> Result<(), DecodeError> {
        match field {
            (4, FIXED64) => self.count = message.fixed64()?,
            (5, FIXED64) => self.sum = Some(message.double()?),
            (6, BYTES) => push(&mut self.quantiles, max, read_quantile(message.bytes()?)?),
            (7, BYTES) => self.attributes.read(message.bytes()?)?,
            (8, VARINT) => self.flags = message.varint()?,
            _ => message.skip(tag)?,
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        field: (u32, u32),
        tag: u32,
        message: &mut Reader<'a>,
        max: usize,
    ) -> Result<(), DecodeError> {
        match field {
            (4, FIXED64) => self.count = message.fixed64()?,
            (5, FIXED64) => self.sum = Some(message.double()?),
            (6, FIXED64) => push(&mut self.bucket_counts, max, message.fixed64()?),
            (6, BYTES) => {
                let mut packed = message.bytes()?;
                while !packed.is_empty() {
                    push(&mut self.bucket_counts, max, packed.fixed64()?);
                }
            }
            (7, FIXED64) => push(&mut self.bounds, max, message.double()?),
            (7, BYTES) => {
                let mut packed = message.bytes()?;
                while !packed.is_empty() {
                    push(&mut self.bounds, max, packed.double()?);
                }
            }
            (8, BYTES) => self.exemplar(message.bytes()?)?,
            (9, BYTES) => self.attributes.read(message.bytes()?)?,
            (10, VARINT) => self.flags = message.varint()?,
            _ => message.skip(tag)?,
        }
        Ok(())
    }

    fn exponential(
        &mut self,
        field: (u32, u32),
        tag: u32,
        message: &mut Reader<'a>,
        max: usize,
    ) -> Result<(), DecodeError> {
        match field {
            (1, BYTES) => self.attributes.read(message.bytes()?)?,
            (4, FIXED64) => self.count = message.fixed64()?,
            (5, FIXED64) => self.sum = Some(message.double()?),
            (6, VARINT) => self.scale = sint32(message.varint()?),
            (7, FIXED64) => self.zero_count = message.fixed64()?,
            (8, BYTES) => self.positive = read_buckets(message.bytes()?, max)?,
            (9, BYTES) => self.negative = read_buckets(message.bytes()?, max)?,
            (10, VARINT) => self.flags = message.varint()?,
            (11, BYTES) => self.exemplar(message.bytes()?)?,
            (14, FIXED64) => self.zero_threshold = message.double()?,
            _ => message.skip(tag)?,
        }
        Ok(())
    }
}

fn push<T>(list: &mut Vec<T>, max: usize, item: T) {
    if list.len() <= max {
        list.push(item);
    }
}

/// Milliseconds of a time in nanoseconds, which is unsigned in name only.
pub(super) fn millis(nanos: u64) -> i64 {
    nanos as i64 / 1_000_000
}

fn sint32(value: u64) -> i32 {
    unzigzag(value & 0xffff_ffff) as i32
}

fn read_quantile(mut message: Reader<'_>) -> Read<(f64, f64)> {
    let (mut quantile, mut value) = (0.0, 0.0);
    while let Some(found) = message.tag()? {
        match (found >> 3, found & 7) {
            (1, FIXED64) => quantile = message.double()?,
            (2, FIXED64) => value = message.double()?,
            _ => message.skip(found)?,
        }
    }
    Ok((quantile, value))
}

fn read_buckets(mut message: Reader<'_>, max: usize) -> Read<Buckets> {
    let mut buckets = Buckets::default();
    while let Some(found) = message.tag()? {
        match (found >> 3, found & 7) {
            (1, VARINT) => buckets.offset = sint32(message.varint()?),
            (2, VARINT) => push(&mut buckets.counts, max, message.varint()?),
            (2, BYTES) => {
                let mut packed = message.bytes()?;
                while !packed.is_empty() {
                    push(&mut buckets.counts, max, packed.varint()?);
                }
            }
            _ => message.skip(found)?,
        }
    }
    Ok(buckets)
}
