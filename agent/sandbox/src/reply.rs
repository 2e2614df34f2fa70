//! What the sentry's replies say, checked.
//!
//! The bytes are bounded before they come here; what is bounded here is what they make of themselves:
//! numbers of metrics and labels, names that were never registered, counters that fall.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};

/// Metrics that one sandbox may register; real ones register under 200.
pub const METRICS_MAX: usize = 1024;
/// Series of metrics taken from one sandbox.
pub const SERIES_MAX: usize = 512;
/// Longest name of a metric, name of a label or value of a label, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Why a reply says nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    #[error("the reply is not what this call returns")]
    Malformed(#[from] serde_json::Error),
    #[error("the sandbox refused: {0}")]
    Refused(String),
    #[error("the sandbox registers more than {METRICS_MAX} metrics")]
    TooMany,
}

/// `containerManager.Event`: each container's processor time in nanoseconds on the sentry's clock.
pub fn usage(reply: &[u8]) -> Result<BTreeMap<String, u64>, ReplyError> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "containerUsage")]
        usage: BTreeMap<String, u64>,
    }
    Ok(result::<Event>(reply)?.usage)
}

/// `Usage.Collect`: memory of the apps inside, in bytes.
pub fn memory(reply: &[u8]) -> Result<u64, ReplyError> {
    #[derive(Deserialize)]
    struct Memory {
        #[serde(rename = "Total")]
        total: u64,
    }
    Ok(result::<Memory>(reply)?.total)
}

/// What one sandbox said that it would ever export.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    metrics: BTreeMap<String, Registered>,
}

#[derive(Clone, Debug)]
struct Registered {
    counter: bool,
    /// Labels, each with the values that it may have.
    fields: Vec<RawField>,
}

/// One series of the sentry's own metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// As registered, without a prefix.
    pub name: String,
    pub counter: bool,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// What was taken from an export, and how many series were not: unregistered, of another type than
/// registered, not a plain number, or beyond [`SERIES_MAX`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Export {
    pub series: Vec<Exported>,
    pub rejected: usize,
}

impl Registry {
    /// Reads the reply to `Metrics.GetRegisteredMetrics`. Metrics whose names are none are left out.
    pub fn parse(reply: &[u8]) -> Result<Self, ReplyError> {
        #[derive(Deserialize)]
        struct Outer {
            #[serde(rename = "RegisteredMetrics")]
            registered: Inner,
        }
        #[derive(Deserialize)]
        struct Inner {
            #[serde(default)]
            metrics: Vec<RawMetric>,
        }
        let raw = result::<Outer>(reply)?.registered.metrics;
        if raw.len() > METRICS_MAX {
            return Err(ReplyError::TooMany);
        }
        let valid = raw.into_iter().filter(|metric| {
            is_name(&metric.name) && metric.fields.iter().all(|field| is_name(&field.name))
        });
        let metrics = valid
            .map(|raw| (raw.name, Registered { counter: raw.counter, fields: raw.fields }))
            .collect();
        Ok(Self { metrics })
    }

    pub fn len(&self) -> usize {
        self.metrics.len()
    }

    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }

    /// Reads the reply to `Metrics.Export` and keeps what was registered.
    pub fn export(&self, reply: &[u8]) -> Result<Export, ReplyError> {
        #[derive(Deserialize)]
        struct Outer {
            snapshot: Inner,
        }
        #[derive(Deserialize)]
        struct Inner {
            #[serde(default)]
            data: Option<Vec<RawSeries>>,
        }
        let raw = result::<Outer>(reply)?.snapshot.data.unwrap_or_default();
        let mut export = Export::default();
        for series in raw {
            match self.check(series) {
                Some(series) if export.series.len() < SERIES_MAX => export.series.push(series),
                _ => export.rejected += 1,
            }
        }
        Ok(export)
    }

    fn check(&self, raw: RawSeries) -> Option<Exported> {
        let registered = self.metrics.get(&raw.metric.name)?;
        let labels = raw.labels.unwrap_or_default();
        let allowed = labels.len() == registered.fields.len()
            && registered.fields.iter().all(|field| {
                labels.get(&field.name).is_some_and(|value| {
                    value.len() <= NAME_BYTES_MAX && field.allowed.contains(value)
                })
            });
        let kind = if registered.counter { 2 } else { 1 };
        if !allowed || raw.metric.kind != kind || raw.value.histogram.is_some() {
            return None;
        }
        // Go leaves out what is zero.
        let value = raw.value.float.or(raw.value.int.map(|int| int as f64)).unwrap_or(0.0);
        let (name, counter) = (raw.metric.name, registered.counter);
        (!counter || value >= 0.0).then_some(Exported { name, counter, labels, value })
    }
}

fn result<T: DeserializeOwned>(reply: &[u8]) -> Result<T, ReplyError> {
    #[derive(Deserialize)]
    struct Envelope {
        success: bool,
        #[serde(default)]
        err: String,
    }
    #[derive(Deserialize)]
    struct Full<T> {
        result: T,
    }
    let envelope: Envelope = serde_json::from_slice(reply)?;
    if !envelope.success {
        // Shortened: it goes to the log.
        return Err(ReplyError::Refused(envelope.err.chars().take(NAME_BYTES_MAX).collect()));
    }
    Ok(serde_json::from_slice::<Full<T>>(reply)?.result)
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.starts_with("__")
}

#[derive(Deserialize)]
struct RawMetric {
    #[serde(rename = "prometheus_name")]
    name: String,
    #[serde(default, rename = "cumulative")]
    counter: bool,
    #[serde(default)]
    fields: Vec<RawField>,
}

#[derive(Clone, Debug, Deserialize)]
struct RawField {
    #[serde(rename = "field_name")]
    name: String,
    #[serde(default, rename = "allowed_values")]
    allowed: Vec<String>,
}

#[derive(Deserialize)]
struct RawSeries {
    metric: RawName,
    labels: Option<BTreeMap<String, String>>,
    #[serde(rename = "val")]
    value: RawValue,
}

#[derive(Deserialize)]
struct RawName {
    name: String,
    #[serde(default, rename = "type")]
    kind: u8,
}

#[derive(Deserialize)]
struct RawValue {
    int: Option<i64>,
    float: Option<f64>,
    #[serde(rename = "hist")]
    histogram: Option<serde::de::IgnoredAny>,
}

#[cfg(test)]
mod tests;
