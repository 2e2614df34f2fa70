//! The file of tests as it is written.

use std::{collections::BTreeMap, time::Duration};

use model::time::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};

use crate::{
    fault::Fault,
    file::{duration, yaml_fault},
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) rule_files: Vec<String>,
    #[serde(default, deserialize_with = "span")]
    pub(crate) evaluation_interval: Duration,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) group_eval_order: Vec<String>,
    #[serde(default)]
    pub(crate) fuzzy_compare: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) tests: Vec<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Test {
    #[serde(default, deserialize_with = "span")]
    pub(crate) interval: Duration,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) input_series: Vec<Series>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) alert_rule_test: Vec<AlertTest>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) promql_expr_test: Vec<ExprTest>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) external_labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) external_url: String,
    #[serde(default, deserialize_with = "start")]
    pub(crate) start_timestamp: Timestamp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Series {
    #[serde(default)]
    pub(crate) series: String,
    #[serde(default)]
    pub(crate) values: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertTest {
    #[serde(default, deserialize_with = "span")]
    pub(crate) eval_time: Duration,
    #[serde(default)]
    pub(crate) alertname: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedAlert {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) exp_labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) exp_annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExprTest {
    #[serde(default)]
    pub(crate) expr: String,
    #[serde(default, deserialize_with = "span")]
    pub(crate) eval_time: Duration,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) exp_samples: Vec<ExpectedSample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedSample {
    #[serde(default)]
    pub(crate) labels: String,
    #[serde(default)]
    pub(crate) value: f64,
    /// Instead of the value.
    #[serde(default)]
    pub(crate) histogram: String,
}

pub(crate) fn parse(name: &str, text: &str) -> Result<File, Fault> {
    let file: Option<File> =
        serde_saphyr::from_str(text).map_err(|error| yaml_fault(name, &error))?;
    Ok(file.unwrap_or_default())
}

/// A key without a value stands for an empty list, map or string.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    match Option::<String>::deserialize(from)? {
        Some(text) => duration(&text).map_err(D::Error::custom),
        None => Ok(Duration::ZERO),
    }
}

/// A date and time, or seconds since the epoch.
fn start<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(Timestamp(0)) };
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(Timestamp::from_seconds(seconds));
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Ok(Timestamp(time.as_millisecond())),
        Err(_) => Err(D::Error::custom(format!(
            "start_timestamp {text:?} is neither seconds since 1970 nor a time such as \
             2026-01-31T12:00:00Z"
        ))),
    }
}
