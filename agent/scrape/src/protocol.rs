//! Formats that a scraper asks for, and which one an answer is in.

use model::labels::{Labels, is_plain_label_name, is_plain_metric_name};
use serde::{Deserialize, Serialize};
use wire::exposition::Format;

/// An exposition format, by the name that Prometheus' `scrape_protocols` has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    PrometheusProto,
    #[serde(rename = "PrometheusText0.0.4")]
    Text004,
    #[serde(rename = "PrometheusText1.0.0")]
    Text100,
    #[serde(rename = "OpenMetricsText0.0.1")]
    OpenMetrics001,
    #[serde(rename = "OpenMetricsText1.0.0")]
    OpenMetrics100,
}

/// The default order.
const DEFAULT: [Protocol; 4] =
    [Protocol::OpenMetrics100, Protocol::OpenMetrics001, Protocol::Text100, Protocol::Text004];
/// How many formats there are: weights count down from one more than that.
const COUNT: usize = 5;

impl Protocol {
    /// The order of preference of a job that says none.
    pub fn default_order(native_histograms: bool) -> Vec<Self> {
        let first = native_histograms.then_some(Self::PrometheusProto);
        first.into_iter().chain(DEFAULT).collect()
    }

    fn offer(self) -> &'static str {
        match self {
            Self::PrometheusProto => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::Text004 => "text/plain;version=0.0.4",
            Self::Text100 => "text/plain;version=1.0.0",
            Self::OpenMetrics001 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetrics100 => "application/openmetrics-text;version=1.0.0",
        }
    }

    fn body_format(self) -> BodyFormat {
        match self {
            Self::PrometheusProto => BodyFormat::Protobuf,
            Self::Text004 | Self::Text100 => BodyFormat::Text(Format::Text),
            Self::OpenMetrics001 | Self::OpenMetrics100 => BodyFormat::Text(Format::OpenMetrics),
        }
    }
}

/// The `Accept` header: weights fall with the order, and anything else comes last.
pub fn accept(order: &[Protocol], escaping: NameEscaping) -> String {
    let mut weight = COUNT + 1;
    let mut offers: Vec<String> = Vec::with_capacity(order.len() + 1);
    for protocol in order {
        let escaping = match protocol {
            Protocol::Text100 | Protocol::OpenMetrics100 => {
                format!(";escaping={}", escaping.as_str())
            }
            _ => String::new(),
        };
        offers.push(format!("{}{escaping};q=0.{weight}", protocol.offer()));
        weight = weight.saturating_sub(1).max(1);
    }
    offers.push(format!("*/*;q=0.{weight}"));
    offers.join(",")
}

/// Which names of metrics and labels are valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameValidation {
    /// Any text.
    #[default]
    Utf8,
    /// Letters, digits, underscores and, for metrics, colons.
    Legacy,
}

impl NameValidation {
    /// The first name that is not valid.
    pub fn offender(self, labels: &Labels) -> Option<&str> {
        if self == Self::Utf8 {
            return None;
        }
        let metric = Some(labels.metric()).filter(|name| !is_plain_metric_name(name));
        metric
            .or_else(|| labels.iter().map(|(name, _)| name).find(|name| !is_plain_label_name(name)))
    }
}

/// What a target is to do with names beyond those of old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameEscaping {
    #[default]
    #[serde(rename = "allow-utf-8")]
    AllowUtf8,
    Underscores,
    Dots,
    Values,
}

impl NameEscaping {
    fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }
}

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    Text(Format),
    Protobuf,
}

impl BodyFormat {
    /// What the answer's `Content-Type` says, or else the fallback. `None` when neither says a
    /// known format: guessing would store nonsense under good names.
    pub fn of(content_type: Option<&str>, fallback: Option<Protocol>) -> Option<Self> {
        let media_type = content_type.and_then(|text| text.split(';').next()).unwrap_or("");
        match media_type.trim().to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => Some(Self::Text(Format::OpenMetrics)),
            "text/plain" => Some(Self::Text(Format::Text)),
            "application/vnd.google.protobuf" => Some(Self::Protobuf),
            _ => fallback.map(Protocol::body_format),
        }
    }
}

#[cfg(test)]
mod tests;
