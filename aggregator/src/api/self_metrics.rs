//! `GET /api/v1/status/self_metrics?metric_name_pattern=`: what `/metrics` says, as the JSON form of the
//! protobuf message `io.prometheus.client.MetricFamily`, where 64-bit integers are texts.

use std::collections::BTreeMap;

use axum::{extract, response::Response};
use model::{
    labels::METRIC_NAME,
    matcher::{MatchOp, Matcher},
    metadata::MetricType,
};
use serde_json::{Map, Value, json};
use tenancy::access::Scope;
use wire::{
    exposition::{
        FamilyInfo, Format, ParseError, Reading, Series, Value as Exposed, Visitor, visit_text,
    },
    limits::Limits,
};

use super::{
    answer::{ApiError, success},
    params::Params,
};
use crate::{auth::Caller, state::State};

pub(crate) async fn self_metrics(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::Operator])?;
    let pattern = params
        .get("metric_name_pattern")
        .map(|pattern| Matcher::new(METRIC_NAME, MatchOp::Regex, pattern))
        .transpose()
        .map_err(|error| ApiError::BadData(format!("invalid metric_name_pattern: {error}")))?;
    let metrics = state.own_metrics.clone();
    let families = tokio::task::spawn_blocking(move || {
        let failed = |error: &dyn std::fmt::Display| {
            ApiError::Internal(format!("error gathering self metrics: {error}"))
        };
        let text = metrics.encode().map_err(|error| failed(&error))?;
        families(&text).map_err(|error| failed(&error))
    });
    let mut families = families.await.map_err(|error| ApiError::Internal(error.to_string()))??;
    if let Some(pattern) = pattern {
        families.retain(|family| pattern.matches(family["name"].as_str().unwrap_or_default()));
    }
    Ok(success(families))
}

/// The families of a text in OpenMetrics' format.
fn families(text: &str) -> Result<Vec<Value>, ParseError> {
    let mut collected = Collected::default();
    visit_text(Format::OpenMetrics, text.as_bytes(), &Limits::default(), &mut collected)?;
    Ok(collected.families)
}

/// A sample's labels, among them its name, and its value.
type Sample = (BTreeMap<String, String>, f64);

#[derive(Default)]
struct Collected {
    families: Vec<Value>,
    /// Of the family whose description is still to come.
    samples: Vec<Sample>,
}

impl Visitor for Collected {
    type Error = ParseError;

    fn family(&mut self, family: &FamilyInfo<'_>) -> Result<(), ParseError> {
        let samples = std::mem::take(&mut self.samples);
        self.families.push(describe(family, &samples));
        Ok(())
    }

    fn created(&mut self, _series: &Series<'_>, _start: i64) -> Result<(), ParseError> {
        Ok(())
    }

    fn reading(&mut self, reading: Reading<'_>) -> Result<(), ParseError> {
        if let Exposed::Float(value) = reading.value {
            let labels = reading.series.labels()?;
            let owned = labels.into_iter().map(|(name, value)| (name.into(), value.into()));
            self.samples.push((owned.collect(), value));
        }
        Ok(())
    }
}

fn describe(family: &FamilyInfo<'_>, samples: &[Sample]) -> Value {
    let name = match family.kind {
        MetricType::Counter => format!("{}_total", family.name),
        _ => family.name.to_owned(),
    };
    let (kind, metrics) = match family.kind {
        MetricType::Histogram => ("HISTOGRAM", histograms(family.name, samples)),
        MetricType::Counter => ("COUNTER", plain("counter", samples)),
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => {
            ("GAUGE", plain("gauge", samples))
        }
        MetricType::Unknown | MetricType::GaugeHistogram | MetricType::Summary => {
            ("UNTYPED", plain("untyped", samples))
        }
    };
    let mut out = json!({"name": name, "type": kind, "metric": metrics});
    for (field, text) in [("help", family.help), ("unit", family.unit)] {
        if !text.is_empty() {
            out[field] = text.into();
        }
    }
    out
}

fn plain(kind: &str, samples: &[Sample]) -> Vec<Value> {
    let metric = |(labels, value): &Sample| metric(labels, kind, json!({"value": float(*value)}));
    samples.iter().map(metric).collect()
}

fn metric(labels: &BTreeMap<String, String>, kind: &str, value: Value) -> Value {
    let shown = labels.iter().filter(|(name, _)| *name != METRIC_NAME && *name != "le");
    let shown: Vec<Value> =
        shown.map(|(name, value)| json!({"name": name, "value": value})).collect();
    let mut out = Map::new();
    if !shown.is_empty() {
        out.insert("label".to_owned(), shown.into());
    }
    out.insert(kind.to_owned(), value);
    Value::Object(out)
}

/// Puts buckets, count and sum together again.
fn histograms(name: &str, samples: &[Sample]) -> Vec<Value> {
    let mut found: Vec<(BTreeMap<String, String>, Value)> = Vec::new();
    for (labels, value) in samples {
        let mut own = labels.clone();
        let part = own.remove(METRIC_NAME).unwrap_or_default();
        let bound = own.remove("le").and_then(|bound| bound.parse::<f64>().ok());
        if found.last().is_none_or(|(known, _)| *known != own) {
            found.push((own, json!({})));
        }
        let Some((_, histogram)) = found.last_mut() else { continue };
        match (part.strip_prefix(name), bound) {
            (Some("_count"), _) => histogram["sampleCount"] = count(*value),
            (Some("_sum"), _) => histogram["sampleSum"] = float(*value),
            (Some("_bucket"), Some(bound)) => {
                let bucket = json!({"cumulativeCount": count(*value), "upperBound": float(bound)});
                match histogram["bucket"].as_array_mut() {
                    Some(buckets) => buckets.push(bucket),
                    None => histogram["bucket"] = json!([bucket]),
                }
            }
            _ => {}
        }
    }
    found.into_iter().map(|(labels, value)| metric(&labels, "histogram", value)).collect()
}

/// Counts are 64-bit integers, which are texts in this form of JSON.
fn count(value: f64) -> Value {
    format!("{value:.0}").into()
}

fn float(value: f64) -> Value {
    match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value if value.is_nan() => "NaN".into(),
        value => value.into(),
    }
}

#[cfg(test)]
mod tests;
