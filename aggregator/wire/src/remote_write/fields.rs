//! Messages and enums that both versions share, byte for byte.
//!
//! ```text
//! Sample      double value = 1; int64 timestamp = 2; int64 start_timestamp = 3 (2.0 only)
//! MetricType  UNKNOWN 0, COUNTER 1, GAUGE 2, HISTOGRAM 3, GAUGEHISTOGRAM 4, SUMMARY 5, INFO 6,
//!             STATESET 7
//! ```
//!
//! Source: `prompb/types.proto` and `prompb/io/prometheus/write/v2/types.proto` of Prometheus.

use model::{metadata::MetricType, write::Sample};

use crate::protobuf::{
    FIXED64, VARINT,
    reader::{Reader, Result},
    tag,
    writer::{put_double, put_varint},
};

pub(crate) const SAMPLE_VALUE: u32 = 1;
pub(crate) const SAMPLE_TIMESTAMP: u32 = 2;
pub(crate) const SAMPLE_START: u32 = 3;

const TAG_VALUE: u32 = tag(SAMPLE_VALUE, FIXED64);
const TAG_TIMESTAMP: u32 = tag(SAMPLE_TIMESTAMP, VARINT);
const TAG_START: u32 = tag(SAMPLE_START, VARINT);

/// Reads a `Sample`. 1.0 has no start timestamp, and no other meaning for its number.
#[inline]
pub(crate) fn read_sample(mut message: Reader<'_>) -> Result<Sample> {
    let mut sample = Sample { time: 0, value: 0.0, start: 0 };
    while let Some(tag) = message.tag()? {
        match tag {
            TAG_VALUE => sample.value = message.double()?,
            TAG_TIMESTAMP => sample.time = message.varint()? as i64,
            TAG_START => sample.start = message.varint()? as i64,
            _ => message.skip(tag)?,
        }
    }
    Ok(sample)
}

pub(crate) fn put_sample(out: &mut Vec<u8>, sample: &Sample, with_start: bool) {
    put_double(out, SAMPLE_VALUE, sample.value);
    put_varint(out, SAMPLE_TIMESTAMP, sample.time as u64);
    if with_start {
        put_varint(out, SAMPLE_START, sample.start as u64);
    }
}

/// A type that this code does not know is as good as an unknown one.
pub(crate) fn metric_type(number: u64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}

pub(crate) fn metric_type_number(kind: MetricType) -> u64 {
    match kind {
        MetricType::Unknown => 0,
        MetricType::Counter => 1,
        MetricType::Gauge => 2,
        MetricType::Histogram => 3,
        MetricType::GaugeHistogram => 4,
        MetricType::Summary => 5,
        MetricType::Info => 6,
        MetricType::StateSet => 7,
    }
}

/// The name that metadata speaks of: a classic histogram or summary is described once, for the
/// series of all its suffixes.
pub(crate) fn family(metric: &str, kind: MetricType) -> &str {
    let suffixes: &[&str] = match kind {
        MetricType::Histogram | MetricType::GaugeHistogram => {
            &["_bucket", "_count", "_sum", "_gcount", "_gsum", "_created"]
        }
        MetricType::Summary => &["_count", "_sum", "_created"],
        _ => &[],
    };
    suffixes
        .iter()
        .find_map(|suffix| metric.strip_suffix(suffix))
        .filter(|family| !family.is_empty())
        .unwrap_or(metric)
}
