//! Metrics that count since their last point, added up to what they counted since the first one.
//!
//! A stream is a series as it is stored; two senders of the same series are one stream. What Prometheus'
//! `otlp-deltatocumulative` does holds here: a point older than the stream, or not after its last
//! point, is refused; one that cannot be added to the sum so far (other buckets) begins it anew,
//! which readers see as a reset of the counter; a stream that is not heard of is forgotten.
//!
//! Beyond that, the very point that came last may come again, because the answer to it was lost or
//! nothing could be stored: it is not added again and stands for the same sum.
//!
//! Source: the OpenTelemetry metrics data model, "Sums: Delta-to-Cumulative", and "Exponential
//! Scale" for what merging buckets means.

use std::{collections::HashMap, hash::RandomState};

use super::{
    point::{Buckets, Point},
    translate::Shape,
};

/// Exponential buckets of one sign that a sum keeps; beyond, it gets coarser.
const BUCKETS_MAX: i64 = 160;
/// What a stream takes besides its key and its buckets.
const STREAM_BYTES: usize = 192;

/// Bounds on the streams of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    pub streams: usize,
    /// Memory of all of them, about.
    pub bytes: usize,
    /// How far ahead of its request a point may be, in milliseconds: all that comes before a
    /// stream's last point is refused, so one that no store takes must not become it.
    pub ahead: i64,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { streams: 100_000, bytes: 64 << 20, ahead: 600_000 }
    }
}

/// What became of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamStats {
    /// Points added to a sum, or the first of one.
    pub added: u64,
    /// Sums begun anew, because a point could not be added.
    pub restarted: u64,
    /// Points that came a second time.
    pub repeated: u64,
    /// Points that were older than the stream or its last point.
    pub out_of_order: u64,
    /// Points of new streams beyond a limit.
    pub over_limit: u64,
    /// Points of too far in the future.
    pub in_future: u64,
}

/// The streams of one tenant.
#[derive(Debug, Default)]
pub struct Streams {
    limits: StreamLimits,
    /// Senders choose the keys, so they must not know how keys are hashed.
    by_key: HashMap<Box<[u8]>, Stream, RandomState>,
    bytes: usize,
    stats: StreamStats,
}

/// Gives a request's points their streams.
pub trait Deltas {
    /// Calls `with` on the streams of the tenant that the lifted label names (see
    /// [`crate::decode::DecodeOptions::lift`]), and with the time at which the request came, in
    /// milliseconds; or does not, when nothing can be stored for it.
    fn of(&mut self, lifted: Option<&str>, with: &mut dyn FnMut(&mut Streams, i64));
}

/// Why a point is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    OutOfOrder,
    OverLimit,
    InFuture,
}

/// A sum and the last point that went into it.
#[derive(Debug)]
struct Stream {
    sum: Sum,
    start: i64,
    last: Last,
    /// When it was heard of.
    seen: i64,
}

/// What tells a point from another.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Last {
    start: i64,
    time: i64,
    value: u64,
    count: u64,
    sum: u64,
}

/// The fields of a point that add up.
#[derive(Clone, Debug, Default)]
struct Sum {
    value: Option<f64>,
    count: u64,
    sum: Option<f64>,
    bounds: Vec<f64>,
    bucket_counts: Vec<u64>,
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: Buckets,
    negative: Buckets,
}

impl Streams {
    pub fn new(limits: StreamLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// What became of points since the last call.
    pub fn take_stats(&mut self) -> StreamStats {
        std::mem::take(&mut self.stats)
    }

    /// Forgets the streams that were not heard of since a time, in milliseconds.
    pub fn forget_before(&mut self, time: i64) {
        let bytes = &mut self.bytes;
        self.by_key.retain(|key, stream| {
            let keep = stream.seen >= time;
            if !keep {
                *bytes = bytes.saturating_sub(key.len() + stream.bytes());
            }
            keep
        });
        if self.by_key.is_empty() {
            self.by_key = HashMap::default();
        }
    }

    /// Adds a point to its stream, and makes the point say what was counted since the stream began.
    pub(super) fn add(
        &mut self,
        key: &[u8],
        point: &mut Point<'_>,
        shape: Shape,
        now: i64,
    ) -> Result<(), Refused> {
        if point.time > now.saturating_add(self.limits.ahead) {
            self.stats.in_future += 1;
            return Err(Refused::InFuture);
        }
        if point.is_stale() {
            // Whatever comes next begins anew.
            if let Some(stream) = self.by_key.remove(key) {
                self.bytes = self.bytes.saturating_sub(key.len() + stream.bytes());
            }
            return Ok(());
        }
        let Some(stream) = self.by_key.get_mut(key) else { return self.begin(key, point, now) };
        let before = stream.bytes();
        let added = stream.add(point, shape, &mut self.stats);
        // A stream to which nothing is added any more is forgotten, and begins anew.
        if added.is_ok() {
            stream.seen = now;
        }
        self.bytes = (self.bytes + stream.bytes()).saturating_sub(before);
        added
    }

    fn begin(&mut self, key: &[u8], point: &mut Point<'_>, now: i64) -> Result<(), Refused> {
        let stream = Stream::begin(point, now);
        let bytes = key.len() + stream.bytes();
        if self.by_key.len() >= self.limits.streams || self.bytes + bytes > self.limits.bytes {
            self.stats.over_limit += 1;
            return Err(Refused::OverLimit);
        }
        self.bytes += bytes;
        self.stats.added += 1;
        stream.tell(point);
        self.by_key.insert(key.into(), stream);
        Ok(())
    }
}

impl Stream {
    fn begin(point: &Point<'_>, now: i64) -> Self {
        let mut sum = Sum::of(point);
        sum.fit();
        Self { sum, start: point.start, last: Last::of(point), seen: now }
    }

    fn add(
        &mut self,
        point: &mut Point<'_>,
        shape: Shape,
        stats: &mut StreamStats,
    ) -> Result<(), Refused> {
        let last = Last::of(point);
        if last == self.last {
            stats.repeated += 1;
        } else if last.time <= self.last.time || last.start != 0 && last.start < self.start {
            stats.out_of_order += 1;
            return Err(Refused::OutOfOrder);
        } else {
            stats.added += 1;
            let more = Sum::of(point);
            if self.sum.is_like(&more, shape) {
                self.sum.add(more);
            } else {
                stats.restarted += 1;
                // The time of the point before, where this one does not say since when it counts.
                self.start = if last.start == 0 { self.last.time } else { last.start };
                self.sum = more;
            }
            self.sum.fit();
            self.last = last;
        }
        self.tell(point);
        Ok(())
    }

    fn tell(&self, point: &mut Point<'_>) {
        point.start = self.start;
        let sum = self.sum.clone();
        point.value = sum.value;
        (point.count, point.sum) = (sum.count, sum.sum);
        (point.bounds, point.bucket_counts) = (sum.bounds, sum.bucket_counts);
        (point.zero_count, point.zero_threshold) = (sum.zero_count, sum.zero_threshold);
        (point.scale, point.positive, point.negative) = (sum.scale, sum.positive, sum.negative);
    }

    fn bytes(&self) -> usize {
        let Sum { bounds, bucket_counts, positive, negative, .. } = &self.sum;
        let numbers = bounds.len() + bucket_counts.len();
        STREAM_BYTES + 8 * (numbers + positive.counts.len() + negative.counts.len())
    }
}

impl Last {
    fn of(point: &Point<'_>) -> Self {
        Self {
            start: point.start,
            time: point.time,
            value: point.value.unwrap_or_default().to_bits(),
            count: point.count,
            sum: point.sum.unwrap_or_default().to_bits(),
        }
    }
}

impl Sum {
    fn of(point: &Point<'_>) -> Self {
        Self {
            value: point.value,
            count: point.count,
            sum: point.sum,
            bounds: point.bounds.clone(),
            bucket_counts: point.bucket_counts.clone(),
            scale: point.scale,
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: point.positive.clone(),
            negative: point.negative.clone(),
        }
    }

    /// Whether another can be added.
    fn is_like(&self, other: &Self, shape: Shape) -> bool {
        // What is not finite would stay so for ever.
        let finite = |value: Option<f64>| value.is_none_or(f64::is_finite);
        if !finite(self.value) || !finite(self.sum) {
            return false;
        }
        match shape {
            Shape::Histogram => {
                self.bounds == other.bounds && self.bucket_counts.len() == other.bucket_counts.len()
            }
            Shape::Exponential => self.zero_threshold == other.zero_threshold,
            Shape::Gauge | Shape::Sum | Shape::Summary => {
                self.value.is_some() == other.value.is_some()
            }
        }
    }

    fn add(&mut self, mut more: Self) {
        self.value = self.value.zip(more.value).map(|(sum, value)| sum + value);
        self.sum = self.sum.zip(more.sum).map(|(sum, value)| sum + value);
        self.count = self.count.saturating_add(more.count);
        self.zero_count = self.zero_count.saturating_add(more.zero_count);
        for (sum, count) in self.bucket_counts.iter_mut().zip(&more.bucket_counts) {
            *sum = sum.saturating_add(*count);
        }
        // Each is short before they stand side by side: points may lie far from each other.
        more.fit();
        let scale = self.scale.min(more.scale);
        self.coarsen_to(scale);
        more.coarsen_to(scale);
        // Each step halves the distance of the buckets, so this ends however far they are apart.
        while is_too_fine(&self.positive, &more.positive)
            || is_too_fine(&self.negative, &more.negative)
        {
            self.coarsen(1);
            more.coarsen(1);
        }
        merge(&mut self.positive, &more.positive);
        merge(&mut self.negative, &more.negative);
    }

    /// Drops empty buckets at the ends, and makes what is left few enough.
    fn fit(&mut self) {
        trim(&mut self.positive);
        trim(&mut self.negative);
        let long = |buckets: &Buckets| buckets.counts.len() as i64 > BUCKETS_MAX;
        while long(&self.positive) || long(&self.negative) {
            self.coarsen(1);
        }
    }

    fn coarsen_to(&mut self, scale: i32) {
        self.coarsen(self.scale.saturating_sub(scale).max(0));
        self.scale = scale;
    }

    fn coarsen(&mut self, steps: i32) {
        // After 31 steps all that an index can be is in one of two buckets, and stays there.
        let shift = steps.unsigned_abs().min(31);
        if shift > 0 {
            coarsen(&mut self.positive, shift);
            coarsen(&mut self.negative, shift);
        }
        self.scale = self.scale.saturating_sub(steps);
    }
}

fn trim(buckets: &mut Buckets) {
    let end = buckets.counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    buckets.counts.truncate(end);
    let empty = buckets.counts.iter().take_while(|count| **count == 0).count();
    buckets.counts.drain(..empty);
    buckets.offset = buckets.offset.saturating_add(i32::try_from(empty).unwrap_or(0));
}

/// Bucket `i` falls into bucket `i / 2` of the next coarser scale, rounded down.
fn coarsen(buckets: &mut Buckets, steps: u32) {
    let place = |index: i64| index >> steps;
    let offset = i64::from(buckets.offset);
    let first = place(offset);
    let mut counts: Vec<u64> = Vec::new();
    for (number, count) in (0i64..).zip(&buckets.counts) {
        let at = usize::try_from(place(offset + number) - first).unwrap_or(0);
        match counts.get_mut(at) {
            Some(sum) => *sum = sum.saturating_add(*count),
            None => counts.push(*count),
        }
    }
    // Closer to zero than before, so it fits.
    *buckets = Buckets { offset: i32::try_from(first).unwrap_or(buckets.offset), counts };
}

/// The first and last index of two rows of buckets together, unless one has none.
fn range(a: &Buckets, b: &Buckets) -> Option<(i64, i64)> {
    let ends = |buckets: &Buckets| {
        let first = i64::from(buckets.offset);
        (!buckets.counts.is_empty()).then_some((first, first + buckets.counts.len() as i64 - 1))
    };
    let ((a, b), (c, d)) = (ends(a)?, ends(b)?);
    Some((a.min(c), b.max(d)))
}

fn is_too_fine(a: &Buckets, b: &Buckets) -> bool {
    range(a, b).is_some_and(|(first, last)| last - first >= BUCKETS_MAX)
}

/// Adds buckets of the same scale.
fn merge(into: &mut Buckets, more: &Buckets) {
    let Some((first, last)) = range(into, more) else {
        if into.counts.is_empty() {
            into.clone_from(more);
        }
        return;
    };
    let mut counts = vec![0u64; usize::try_from(last - first + 1).unwrap_or(0)];
    for buckets in [&*into, more] {
        let offset = usize::try_from(i64::from(buckets.offset) - first).unwrap_or(0);
        for (sum, count) in counts.iter_mut().skip(offset).zip(&buckets.counts) {
            *sum = sum.saturating_add(*count);
        }
    }
    *into = Buckets { offset: i32::try_from(first).unwrap_or(into.offset), counts };
}

#[cfg(test)]
mod tests;
