//! OTLP metrics: from an export request to series as Prometheus names them.
//!
//! ```text
//! ExportMetricsServiceRequest  repeated ResourceMetrics resource_metrics = 1;
//! ResourceMetrics  Resource resource = 1; repeated ScopeMetrics scope_metrics = 2;
//! Resource         repeated KeyValue attributes = 1;
//! ScopeMetrics     InstrumentationScope scope = 1; repeated Metric metrics = 2;
//!                  string schema_url = 3;
//! InstrumentationScope  string name = 1; string version = 2; repeated KeyValue attributes = 3;
//! Metric           string name = 1; string description = 2; string unit = 3;
//!                  oneof { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
//!                  ExponentialHistogram exponential_histogram = 10; Summary summary = 11; }
//! Gauge, Summary   repeated … data_points = 1;
//! Sum, Histogram, ExponentialHistogram  repeated … data_points = 1;
//!                  AggregationTemporality aggregation_temporality = 2; bool is_monotonic = 3;
//! AggregationTemporality  UNSPECIFIED 0, DELTA 1, CUMULATIVE 2
//! ```
//!
//! Sources: `opentelemetry/proto/metrics/v1/metrics.proto` and its neighbours; the OpenTelemetry
//! specification, "Prometheus and OpenMetrics Compatibility"; the `otlp` section of Prometheus'
//! configuration, whose rules hold where the specification leaves a choice.
//!
//! What describes a message may follow what it describes, so each message is read twice: first its
//! own fields, then those it holds.

mod attributes;
mod buckets;
mod delta;
mod exemplar;
mod json;
mod labels;
mod name;
mod point;
mod response;
mod translate;

use std::{borrow::Cow, collections::BTreeSet, str::from_utf8, time::Duration};

pub use delta::{Deltas, StreamLimits, StreamStats, Streams};
pub use json::{JsonError, from_json};
pub use response::{Status, put_partial_success, put_status};

use crate::{
    decode::{DecodeOptions, DecodeStats, Partition},
    limits::LimitExceeded,
    protobuf::{
        BYTES, VARINT,
        reader::{Corrupt, Reader, Result as Read},
        tag,
    },
    series::Sink,
};
use attributes::Attributes;
use labels::{Resource, Scope};
use translate::{Shape, Translator};

/// The media types of requests and of their answers.
pub const CONTENT_TYPE_PROTOBUF: &str = "application/x-protobuf";
pub const CONTENT_TYPE_JSON: &str = "application/json";

/// What becomes of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Characters outside of Prometheus' old rules become `_`; units and types become suffixes.
    #[default]
    UnderscoreEscapingWithSuffixes,
    UnderscoreEscapingWithoutSuffixes,
    /// Names stay, and get suffixes.
    NoUtf8EscapingWithSuffixes,
    NoTranslation,
}

impl Strategy {
    fn escapes(self) -> bool {
        matches!(
            self,
            Self::UnderscoreEscapingWithSuffixes | Self::UnderscoreEscapingWithoutSuffixes
        )
    }

    fn adds_suffixes(self) -> bool {
        matches!(self, Self::UnderscoreEscapingWithSuffixes | Self::NoUtf8EscapingWithSuffixes)
    }
}

/// Attributes of a resource that become labels of all its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promote {
    These(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Promote {
    fn takes(&self, attribute: &str) -> bool {
        match self {
            Self::These(names) => names.contains(attribute),
            Self::AllBut(names) => !names.contains(attribute),
        }
    }
}

/// How metrics become series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    pub strategy: Strategy,
    pub promote: Promote,
    /// Keep what became `job` and `instance` as labels of `target_info`.
    pub keep_identifying_resource_attributes: bool,
    /// Explicit buckets become a native histogram instead of one series each.
    pub convert_histograms_to_nhcb: bool,
    /// Name, version, schema and attributes of the scope become labels.
    pub promote_scope_metadata: bool,
    /// Label names that start with one `_` get `key` before it.
    pub label_name_underscore_sanitization: bool,
    /// Several `_` in a row stay in label names.
    pub label_name_preserve_multiple_underscores: bool,
    /// Take metrics of delta temporality as they are, instead of refusing them.
    pub allow_delta_temporality: bool,
    /// Distance of samples of `target_info` between a resource's first and last sample.
    pub target_info_interval: Duration,
}

impl Default for Translation {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            promote: Promote::These(BTreeSet::new()),
            keep_identifying_resource_attributes: false,
            convert_histograms_to_nhcb: false,
            promote_scope_metadata: false,
            label_name_underscore_sanitization: true,
            label_name_preserve_multiple_underscores: true,
            allow_delta_temporality: false,
            target_info_interval: Duration::from_secs(150),
        }
    }
}

/// Why a request is refused whole. Batches may hold a part of it then, and are to be cleared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("corrupt message at byte {position}: {what}")]
    Corrupt { position: usize, what: &'static str },
    #[error(transparent)]
    TooMany(#[from] LimitExceeded),
}

impl From<Corrupt> for DecodeError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt { position: corrupt.position, what: corrupt.what }
    }
}

/// What became of a request's data points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    pub points: u64,
    /// Those of which nothing went into a batch.
    pub points_refused: u64,
    /// Series and samples, of which a data point may be several.
    pub stats: DecodeStats,
}

/// Decodes a decompressed request. Data points that cannot become series are skipped and counted;
/// a body that is corrupt or exceeds a limit of the whole is an error.
///
/// With `deltas`, metrics of delta temporality are added up there; what was added before an error
/// stays added, so that nothing is counted twice when the request comes again.
pub fn decode<'d>(
    body: &[u8],
    translation: &Translation,
    options: &DecodeOptions<'_>,
    partition: &'d mut dyn Partition,
    deltas: Option<&'d mut dyn Deltas>,
) -> Result<Decoded, DecodeError> {
    const RESOURCE_METRICS: u32 = tag(1, BYTES);
    let mut translator = Translator::new(translation, Sink::new(options, partition), deltas);
    let mut message = Reader::new(body);
    while let Some(tag) = message.tag()? {
        match tag {
            RESOURCE_METRICS => resource_metrics(message.bytes()?, &mut translator)?,
            _ => message.skip(tag)?,
        }
    }
    Ok(translator.finish())
}

fn resource_metrics(
    message: Reader<'_>,
    translator: &mut Translator<'_, '_, '_>,
) -> Result<(), DecodeError> {
    const RESOURCE: u32 = tag(1, BYTES);
    const SCOPE_METRICS: u32 = tag(2, BYTES);
    let mut attributes = Attributes::default();
    let mut fields = message;
    while let Some(found) = fields.tag()? {
        match found {
            RESOURCE => attributes.read_from(fields.bytes()?, 1)?,
            _ => fields.skip(found)?,
        }
    }
    let resource = Resource::new(attributes, translator.translation);
    translator.begin_resource();
    let mut fields = message;
    while let Some(found) = fields.tag()? {
        match found {
            SCOPE_METRICS => scope_metrics(fields.bytes()?, &resource, translator)?,
            _ => fields.skip(found)?,
        }
    }
    translator.target_info(&resource)
}

fn scope_metrics(
    message: Reader<'_>,
    resource: &Resource<'_>,
    translator: &mut Translator<'_, '_, '_>,
) -> Result<(), DecodeError> {
    const SCOPE: u32 = tag(1, BYTES);
    const METRICS: u32 = tag(2, BYTES);
    const SCHEMA: u32 = tag(3, BYTES);
    let mut scope = Scope::default();
    let mut fields = message;
    while let Some(found) = fields.tag()? {
        match found {
            SCOPE => scope.read(fields.bytes()?)?,
            SCHEMA => scope.schema_url = text(fields.bytes()?),
            _ => fields.skip(found)?,
        }
    }
    let scope = scope.into_labels(translator.translation);
    let mut fields = message;
    while let Some(found) = fields.tag()? {
        match found {
            METRICS => metric(fields.bytes()?, resource, &scope, translator)?,
            _ => fields.skip(found)?,
        }
    }
    Ok(())
}

/// The fields of a metric.
#[derive(Clone, Debug, Default)]
struct Metric<'a> {
    name: Cow<'a, str>,
    description: Cow<'a, str>,
    unit: Cow<'a, str>,
    shape: Shape,
    /// 0 when it is not said or has no meaning, 1 for delta, 2 for cumulative.
    temporality: u64,
    monotonic: bool,
}

fn metric(
    message: Reader<'_>,
    resource: &Resource<'_>,
    scope: &[(String, String)],
    translator: &mut Translator<'_, '_, '_>,
) -> Result<(), DecodeError> {
    const NAME: u32 = tag(1, BYTES);
    const DESCRIPTION: u32 = tag(2, BYTES);
    const UNIT: u32 = tag(3, BYTES);
    let mut metric = Metric::default();
    let mut data = None;
    let mut fields = message;
    while let Some(found) = fields.tag()? {
        match found {
            NAME => metric.name = text(fields.bytes()?),
            DESCRIPTION => metric.description = text(fields.bytes()?),
            UNIT => metric.unit = text(fields.bytes()?),
            _ => match Shape::of(found) {
                Some(shape) => {
                    metric.shape = shape;
                    data = Some(fields.bytes()?);
                }
                None => fields.skip(found)?,
            },
        }
    }
    let Some(data) = data else { return Ok(()) };
    read_kind(data, &mut metric)?;
    translator.metric(&metric, data, resource, scope)
}

/// Reads what stands beside the data points. Gauges and summaries have nothing there.
fn read_kind(mut data: Reader<'_>, metric: &mut Metric<'_>) -> Read<()> {
    const TEMPORALITY: u32 = tag(2, VARINT);
    const MONOTONIC: u32 = tag(3, VARINT);
    while let Some(found) = data.tag()? {
        match found {
            TEMPORALITY => metric.temporality = data.varint()?,
            MONOTONIC => metric.monotonic = data.varint()? != 0,
            _ => data.skip(found)?,
        }
    }
    Ok(())
}

/// Text that describes; what is not UTF-8 in it is replaced.
fn text(bytes: Reader<'_>) -> Cow<'_, str> {
    from_utf8(bytes.rest()).map_or_else(|_| String::from_utf8_lossy(bytes.rest()), Cow::Borrowed)
}

#[cfg(test)]
mod tests;
