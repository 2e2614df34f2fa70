//! Parameters as Prometheus takes them: from the query string and, for POST, from a form.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use model::{matcher::Matcher, time::Timestamp};

use super::answer::ApiError;

/// Most matchers sets (`match[]`) in one request.
const MATCH_SETS_MAX: usize = 100;

/// All parameters of a request, in order; a name may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let mut pairs = parse_pairs(request.uri().query().unwrap_or_default().as_bytes());
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        if is_form {
            let body = Bytes::from_request(request, state)
                .await
                .map_err(|error| ApiError::BadData(format!("cannot read the form: {error}")))?;
            // As in Go's Form, values of the body come before those of the query string.
            let mut from_body = parse_pairs(&body);
            from_body.append(&mut pairs);
            pairs = from_body;
        }
        Ok(Self(pairs))
    }
}

fn parse_pairs(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes).into_owned().collect()
}

impl Params {
    /// The first value of that name, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(found, _)| found == name)?;
        (!value.is_empty()).then_some(value)
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::parameter(name, "it is missing or empty"))
    }

    /// A time in float seconds or RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        self.get(name)
            .map(|text| {
                parse_time(text).ok_or_else(|| {
                    ApiError::parameter(name, format!("cannot parse {text:?} to a valid timestamp"))
                })
            })
            .transpose()
    }

    /// `start` and `end`, which must not be before it.
    pub(crate) fn range(
        &self,
        earliest: Timestamp,
        latest: Timestamp,
    ) -> Result<(Timestamp, Timestamp), ApiError> {
        let start = self.time("start")?.unwrap_or(earliest);
        let end = self.time("end")?.unwrap_or(latest);
        if end < start {
            return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
        }
        Ok((start, end))
    }

    /// A duration in float seconds or in Prometheus' notation (`5m`), in milliseconds.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.get(name)
            .map(|text| {
                parse_duration(text).ok_or_else(|| {
                    ApiError::parameter(name, format!("cannot parse {text:?} to a valid duration"))
                })
            })
            .transpose()
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        self.get(name)
            .map(|text| text.parse().map_err(|error| ApiError::parameter(name, error)))
            .transpose()
    }

    /// A boolean in Go's notation.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(default),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some(text) => {
                Err(ApiError::BadData(format!("invalid {name} {text:?}: must be boolean")))
            }
        }
    }

    /// The `match[]` selectors.
    pub(crate) fn selectors(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        let texts: Vec<&str> = self.all("match[]").collect();
        if texts.len() > MATCH_SETS_MAX {
            let message = format!("at most {MATCH_SETS_MAX} selectors in one request");
            return Err(ApiError::parameter("match[]", message));
        }
        texts
            .into_iter()
            .map(|text| {
                super::query::parse_selector(text)
                    .map_err(|error| ApiError::parameter("match[]", error))
            })
            .collect()
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        let millis = seconds * 1000.0;
        return (millis.abs() < i64::MAX as f64).then(|| Timestamp::from_seconds(seconds));
    }
    // Grafana and Go clients send RFC 3339 with any offset and precision.
    let parsed: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(parsed.as_millisecond()))
}

fn parse_duration(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        let millis = seconds * 1000.0;
        return (millis.abs() < i64::MAX as f64).then_some(millis as i64);
    }
    promql::parse_duration(text).ok()
}

#[cfg(test)]
mod tests;
