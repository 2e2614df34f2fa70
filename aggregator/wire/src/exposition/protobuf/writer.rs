//! Writes the protobuf exposition for federation: what is known of a series is its last sample.

use codec::varint::put_u64;
use model::{
    histogram::{Histogram, ResetHint, Span},
    labels::{Labels, METRIC_NAME},
    time::Timestamp,
};

use crate::{
    exposition::{Attached, Escaping, writer::classic},
    protobuf::writer::{
        put_double, put_double_always, put_message, put_string, put_varint, put_varint_always,
        put_zigzag,
    },
    remote_write::histogram::{is_integer, is_whole, put_side},
};

const UNTYPED: u64 = 3;
const HISTOGRAM: u64 = 4;
const GAUGE_HISTOGRAM: u64 = 5;

/// Writes series one after another. Those of one metric and kind that follow each other share a
/// family; a metric of several kinds has several, which Prometheus reads as they are meant.
#[derive(Debug)]
pub struct ProtobufWriter<'a> {
    out: &'a mut Vec<u8>,
    escaping: Escaping,
    attached: Attached<'a>,
    /// Metric and type of the family at hand.
    open: (String, u64),
    /// What is written of it.
    family: Vec<u8>,
}

impl<'a> ProtobufWriter<'a> {
    pub fn begin(out: &'a mut Vec<u8>, escaping: Escaping, attached: Attached<'a>) -> Self {
        Self { out, escaping, attached, open: (String::new(), UNTYPED), family: Vec::new() }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> usize {
        self.out.len() + self.family.len()
    }

    /// A float of unknown type. Nameless series are left out: returns whether it was written.
    pub fn untyped(&mut self, labels: &Labels, value: f64, time: Timestamp) -> bool {
        self.metric(UNTYPED, labels, time, |out| {
            put_message(out, 5, |out| put_double_always(out, 1, value));
        })
    }

    /// A histogram: an exponential one as it is, one with custom buckets as a classic one. Returns
    /// whether it was written.
    pub fn histogram(&mut self, labels: &Labels, histogram: &Histogram, time: Timestamp) -> bool {
        let is_gauge = histogram.reset_hint == ResetHint::Gauge;
        let kind = if is_gauge { GAUGE_HISTOGRAM } else { HISTOGRAM };
        self.metric(kind, labels, time, |out| {
            put_message(out, 7, |out| {
                if histogram.is_custom() {
                    put_classic(out, histogram);
                } else {
                    put_native(out, histogram);
                }
            });
        })
    }

    /// Ends the exposition.
    pub fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        if !self.family.is_empty() {
            put_u64(self.out, self.family.len() as u64);
            self.out.append(&mut self.family);
        }
    }

    fn metric(
        &mut self,
        kind: u64,
        labels: &Labels,
        time: Timestamp,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let metric = labels.metric();
        if metric.is_empty() {
            return false;
        }
        if self.family.is_empty() || (self.open.0.as_str(), self.open.1) != (metric, kind) {
            self.close();
            put_string(&mut self.family, 1, &self.escaping.metric(metric));
            put_varint_always(&mut self.family, 3, kind);
            self.open = (metric.to_owned(), kind);
        }
        let (escaping, attached) = (self.escaping, self.attached);
        put_message(&mut self.family, 4, |out| {
            let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
            for (name, value) in own.chain(attached.missing_in(labels)) {
                put_message(out, 1, |out| {
                    put_string(out, 1, &escaping.label(name));
                    put_string(out, 2, value);
                });
            }
            put_varint_always(out, 6, time.millis() as u64);
            fill(out);
        });
        true
    }
}

/// Whole counts as integers, which older readers of the format want.
fn put_native(out: &mut Vec<u8>, histogram: &Histogram) {
    let whole = is_integer(histogram);
    put_count(out, (1, 4), histogram.count, whole);
    put_double(out, 2, histogram.sum);
    put_zigzag(out, 5, histogram.schema.into());
    put_double(out, 6, histogram.zero_threshold);
    put_count(out, (7, 8), histogram.zero_count, whole);
    put_side(out, 9, &histogram.negative_spans, &histogram.negative_buckets, whole);
    let spans = &histogram.positive_spans;
    // What has no buckets at all says that it is native by an empty span.
    let nothing = [Span::default()];
    let bare = spans.is_empty() && histogram.negative_spans.is_empty();
    let spans = if bare { nothing.as_slice() } else { spans.as_slice() };
    put_side(out, 12, spans, &histogram.positive_buckets, whole);
}

fn put_classic(out: &mut Vec<u8>, histogram: &Histogram) {
    let whole = histogram.positive_buckets.iter().chain([&histogram.count]).all(|c| is_whole(*c));
    put_count(out, (1, 4), histogram.count, whole);
    put_double(out, 2, histogram.sum);
    for (bound, cumulative) in classic(histogram) {
        put_message(out, 3, |out| {
            put_count(out, (1, 4), cumulative, whole);
            put_double(out, 2, bound);
        });
    }
}

/// A count as the integer field or the float one.
fn put_count(out: &mut Vec<u8>, (integer, float): (u32, u32), count: f64, whole: bool) {
    if whole {
        put_varint(out, integer, count as u64);
    } else {
        put_double(out, float, count);
    }
}

#[cfg(test)]
mod tests;
