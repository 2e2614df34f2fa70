//! The protobuf exposition format, the only one that has native histograms.
//!
//! ```text
//! body          (varint length, MetricFamily)*
//! MetricFamily  string name = 1; string help = 2; MetricType type = 3; repeated Metric metric = 4;
//!               string unit = 5
//! MetricType    COUNTER 0, GAUGE 1, SUMMARY 2, UNTYPED 3, HISTOGRAM 4, GAUGE_HISTOGRAM 5
//! Metric        repeated LabelPair label = 1; Gauge gauge = 2; Counter counter = 3; Summary summary = 4;
//!               Untyped untyped = 5; int64 timestamp_ms = 6; Histogram histogram = 7
//! LabelPair     string name = 1; string value = 2
//! Gauge         double value = 1                                       Untyped the same
//! Counter       double value = 1; Exemplar exemplar = 2; Timestamp start = 3
//! Summary       uint64 count = 1; double sum = 2; repeated Quantile quantile = 3; Timestamp start = 4
//! Quantile      double quantile = 1; double value = 2
//! Histogram     see `histogram`
//! Exemplar      repeated LabelPair label = 1; double value = 2; Timestamp timestamp = 3
//! Timestamp     int64 seconds = 1; int32 nanos = 2
//! ```
//!
//! Source: `io/prometheus/client/metrics.proto` of Prometheus' client model.

mod histogram;
mod metric;
mod writer;

use std::borrow::Cow;

use model::{labels::METRIC_NAME, metadata::MetricType};

use super::{
    ParseError,
    line::CowLabels,
    visit::{FamilyInfo, Visitor},
};
use crate::{
    limits::Limits,
    number::push_canonical_float,
    protobuf::{
        BYTES, VARINT,
        reader::{Corrupt, Reader},
    },
};
use metric::Metrics;
pub use writer::ProtobufWriter;

/// What a target answers with in this format.
pub const CONTENT_TYPE_PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Which form of a histogram is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histograms {
    /// Native histograms where there are any.
    pub native: bool,
    /// Classic buckets also where there is a native histogram.
    pub classic: bool,
}

/// Reads a protobuf exposition. An error of the format ends it; readings before it were handed over.
pub fn visit_protobuf<V: Visitor>(
    body: &[u8],
    wanted: Histograms,
    limits: &Limits,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let mut rest = Reader::new(body);
    let mut metrics = Metrics::new(wanted, limits);
    while !rest.is_empty() {
        let message = rest.bytes().map_err(ParseError::from)?;
        let family = read_family(message)?;
        visitor.family(&family.info)?;
        let mut fields = message;
        while let Some(tag) = fields.tag().map_err(ParseError::from)? {
            match (tag >> 3, tag & 7) {
                (4, BYTES) => {
                    let metric = fields.bytes().map_err(ParseError::from)?;
                    metrics.visit(&family, metric, visitor)?;
                }
                _ => fields.skip(tag).map_err(ParseError::from)?,
            }
        }
    }
    Ok(())
}

/// A family without its metrics.
#[derive(Clone, Copy, Debug)]
struct Described<'a> {
    info: FamilyInfo<'a>,
}

fn read_family(mut message: Reader<'_>) -> Result<Described<'_>, ParseError> {
    let mut info = FamilyInfo { name: "", kind: MetricType::Counter, help: "", unit: "" };
    let start = message.position();
    while let Some(tag) = message.tag()? {
        match (tag >> 3, tag & 7) {
            (1, BYTES) => info.name = text(message.bytes()?)?,
            (2, BYTES) => info.help = text(message.bytes()?)?,
            (3, VARINT) => {
                let position = message.position();
                info.kind = metric_type(message.varint()?)
                    .ok_or_else(|| fault(position, "unknown type of metric"))?;
            }
            (5, BYTES) => info.unit = text(message.bytes()?)?,
            _ => message.skip(tag)?,
        }
    }
    if info.name.is_empty() {
        return Err(fault(start, "a family of metrics has no name"));
    }
    Ok(Described { info })
}

fn metric_type(number: u64) -> Option<MetricType> {
    Some(match number {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Summary,
        3 => MetricType::Unknown,
        4 => MetricType::Histogram,
        5 => MetricType::GaugeHistogram,
        _ => return None,
    })
}

/// A series of this format.
#[derive(Debug)]
pub(crate) struct Exposed<'a> {
    family: &'a str,
    suffix: &'static str,
    /// `LabelPair` messages.
    labels: &'a [Reader<'a>],
    /// Bucket or quantile.
    bound: Option<(&'static str, f64)>,
}

impl<'a> Exposed<'a> {
    pub(crate) fn labels(&self) -> Result<CowLabels<'a>, ParseError> {
        let mut labels = Vec::with_capacity(self.labels.len() + 2);
        let name = match self.suffix {
            "" => Cow::Borrowed(self.family),
            suffix => Cow::Owned(format!("{}{suffix}", self.family)),
        };
        labels.push((Cow::Borrowed(METRIC_NAME), name));
        for pair in self.labels {
            let (name, value) = read_pair(*pair)?;
            labels.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        }
        if let Some((name, bound)) = self.bound {
            let mut canonical = Vec::new();
            push_canonical_float(&mut canonical, bound);
            let value = String::from_utf8(canonical).unwrap_or_default();
            labels.push((Cow::Borrowed(name), Cow::Owned(value)));
        }
        Ok(labels)
    }

    /// The bytes that tell this series from all others of the target.
    fn key(&self, labels_text: &[u8], key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.family.as_bytes());
        key.push(0xff);
        key.extend_from_slice(self.suffix.as_bytes());
        key.push(0xff);
        if let Some((_, bound)) = self.bound {
            key.extend_from_slice(&bound.to_le_bytes());
        }
        key.extend_from_slice(labels_text);
    }
}

fn read_pair(mut message: Reader<'_>) -> Result<(&str, &str), ParseError> {
    let (mut name, mut value) = ("", "");
    while let Some(tag) = message.tag()? {
        match (tag >> 3, tag & 7) {
            (1, BYTES) => name = text(message.bytes()?)?,
            (2, BYTES) => value = text(message.bytes()?)?,
            _ => message.skip(tag)?,
        }
    }
    Ok((name, value))
}

/// Milliseconds; saturates.
fn read_time(mut message: Reader<'_>) -> Result<i64, ParseError> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    while let Some(tag) = message.tag()? {
        match (tag >> 3, tag & 7) {
            (1, VARINT) => seconds = message.varint()?.cast_signed(),
            (2, VARINT) => nanos = message.varint()?.cast_signed(),
            _ => message.skip(tag)?,
        }
    }
    Ok(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

fn text(field: Reader<'_>) -> Result<&str, ParseError> {
    std::str::from_utf8(field.rest()).map_err(|_| fault(field.position(), "not UTF-8"))
}

fn fault(position: usize, what: &str) -> ParseError {
    ParseError::Message { position, fault: what.to_owned() }
}

impl From<Corrupt> for ParseError {
    fn from(corrupt: Corrupt) -> Self {
        fault(corrupt.position, corrupt.what)
    }
}

#[cfg(test)]
mod tests;
