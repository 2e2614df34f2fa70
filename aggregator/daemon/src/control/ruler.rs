//! What a ruler says and asks: queries at a time, samples to store, the state of its rules.

use std::{collections::BTreeMap, time::Duration};

use model::{ruler::RulerReport, time::Timestamp};
use reqwest::{Method, header};
use serde::{Deserialize, de::IgnoredAny};

use super::{ControlClient, ControlError, read, read_body};

/// The answer's header with the number of samples that were stored, see the specification of remote
/// write 2.0.
const SAMPLES_WRITTEN: &str = "x-prometheus-remote-write-samples-written";

/// The result of an instant query.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub enum QueryResult {
    /// Time in seconds, and value.
    Scalar((f64, String)),
    Vector(Vec<Element>),
    String(IgnoredAny),
    Matrix(IgnoredAny),
}

/// An element of a vector: a value or a histogram.
#[derive(Debug, Deserialize)]
pub struct Element {
    pub metric: BTreeMap<String, String>,
    /// Time in seconds, and value.
    pub value: Option<(f64, String)>,
}

/// What became of samples.
#[derive(Debug)]
pub struct Written {
    pub stored: u64,
    /// Why not all were.
    pub refused: Option<ControlError>,
}

impl ControlClient {
    /// Evaluates an instant query. At most `limit` elements are answered; the newest sample may be
    /// `lookback` old, where that is given.
    pub async fn instant(
        &self,
        query: &str,
        at: Timestamp,
        timeout: Duration,
        lookback: Option<Duration>,
        limit: usize,
    ) -> Result<QueryResult, ControlError> {
        let mut form = self.base.clone();
        form.query_pairs_mut()
            .clear()
            .append_pair("query", query)
            .append_pair("time", &at.to_string())
            .append_pair("timeout", &timeout.as_secs_f64().to_string())
            .append_pair("limit", &limit.to_string());
        if let Some(lookback) = lookback {
            form.query_pairs_mut()
                .append_pair("lookback_delta", &lookback.as_secs_f64().to_string());
        }
        let request = self
            .request(Method::POST, self.url(&["api", "v1", "query"]))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.query().unwrap_or_default().to_owned());
        read(request.send().await).await
    }

    /// Sends a request of remote write 2.0, compressed with Snappy.
    pub async fn write(&self, content_type: &str, body: Vec<u8>) -> Result<Written, ControlError> {
        let request = self
            .request(Method::POST, self.url(&["api", "v1", "write"]))
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_ENCODING, "snappy")
            .header("x-prometheus-remote-write-version", "2.0.0")
            .body(body);
        let answer = request.send().await;
        let stored = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.headers().get(SAMPLES_WRITTEN)?.to_str().ok()?.parse().ok());
        match read_body(answer).await {
            Ok(_empty) => Ok(Written { stored: stored.unwrap_or(0), refused: None }),
            Err(error @ ControlError::Refused { .. }) => {
                Ok(Written { stored: stored.unwrap_or(0), refused: Some(error) })
            }
            Err(error) => Err(error),
        }
    }

    /// Tells of all rules of a ruler, in place of what it told before.
    pub async fn tell_rules(&self, ruler: &str, report: &RulerReport) -> Result<(), ControlError> {
        let path = ["api", "v1", "rulers", ruler, "rules"];
        let request = self.request(Method::PUT, self.url(&path)).json(report);
        let _nothing: IgnoredAny = read(request.send().await).await?;
        Ok(())
    }
}
