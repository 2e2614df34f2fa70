//! Parameters as Prometheus takes them: from the query string and, for POST, from a form.

use std::num::IntErrorKind;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::header,
};
use model::{matcher::Matcher, time::Timestamp};

use super::answer::ApiError;
use crate::encoding;

/// Most matchers sets (`match[]`) in one request.
const MATCH_SETS_MAX: usize = 100;

/// All parameters of a request, in order; a name may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Self(mut pairs) = Self::of_query(request.uri().query().unwrap_or_default());
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        if is_form {
            let headers = request.headers().clone();
            let body = Bytes::from_request(request, state)
                .await
                .map_err(|error| ApiError::BadData(format!("cannot read the form: {error}")))?;
            let body = encoding::document(&headers, body).await?;
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
    /// Those of a query string alone.
    pub(super) fn of_query(query: &str) -> Self {
        Self(parse_pairs(query.as_bytes()))
    }

    /// The first value of that name, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(found, _)| found == name)?;
        (!value.is_empty()).then_some(value)
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The first value of that name, empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// A time in float seconds or RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        self.get(name)
            .map(|text| {
                read_time(text).map_err(|error| {
                    let error = format!("invalid time value for '{name}': {error}");
                    ApiError::parameter(name, error)
                })
            })
            .transpose()
    }

    /// A time that has to be given.
    pub(crate) fn required_time(&self, name: &str) -> Result<Timestamp, ApiError> {
        read_time(self.text(name)).map_err(|error| ApiError::parameter(name, error))
    }

    /// Most results, zero for all.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.get("limit") else { return Ok(0) };
        let bad = |error: &str| ApiError::parameter("limit", error);
        match text.parse::<i64>().map_err(|error| *error.kind()) {
            Ok(limit) => {
                usize::try_from(limit).map_err(|_negative| bad("limit must be non-negative"))
            }
            // In the words of Go's strconv, which clients may look for.
            Err(IntErrorKind::PosOverflow | IntErrorKind::NegOverflow) => {
                Err(bad(&format!("strconv.Atoi: parsing {text:?}: value out of range")))
            }
            Err(_) => Err(bad(&format!("strconv.Atoi: parsing {text:?}: invalid syntax"))),
        }
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
            .map(|text| read_duration(text).map_err(|error| ApiError::parameter(name, error)))
            .transpose()
    }

    /// How far back a query's selectors look, in milliseconds.
    pub(crate) fn lookback(&self) -> Result<Option<i64>, ApiError> {
        let bad =
            |error| ApiError::BadData(format!("error parsing lookback delta duration: {error}"));
        self.get("lookback_delta").map(|text| read_duration(text).map_err(bad)).transpose()
    }

    /// The step of a range query, in milliseconds.
    pub(crate) fn step(&self) -> Result<i64, ApiError> {
        let name = "step";
        match read_duration(self.text(name)).map_err(|error| ApiError::parameter(name, error))? {
            step if step <= 0 => Err(ApiError::parameter(
                name,
                "zero or negative query resolution step widths are not accepted. Try a positive \
                 integer",
            )),
            step => Ok(step),
        }
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
            Some(text) => parse_flag(text).ok_or_else(|| {
                ApiError::BadData(format!("invalid {name} {text:?}: must be boolean"))
            }),
        }
    }

    /// The `match[]` selectors. An error names the parameter.
    pub(crate) fn selectors(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        self.unnamed_selectors().map_err(|error| match error {
            ApiError::BadData(message) => ApiError::parameter("match[]", message),
            other => other,
        })
    }

    /// The `match[]` selectors, of which each has to ask for something.
    pub(crate) fn unnamed_selectors(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        let texts: Vec<&str> = self.all("match[]").collect();
        if texts.len() > MATCH_SETS_MAX {
            let message = format!("at most {MATCH_SETS_MAX} selectors in one request");
            return Err(ApiError::BadData(message));
        }
        let selectors: Result<Vec<_>, ApiError> = texts
            .into_iter()
            .map(|text| super::query::parse_selector(text).map_err(ApiError::BadData))
            .collect();
        let selectors = selectors?;
        let asks = |matchers: &Vec<Matcher>| !matchers.iter().all(Matcher::matches_empty);
        if !selectors.iter().all(asks) {
            let message = "match[] must contain at least one non-empty matcher";
            return Err(ApiError::BadData(message.to_owned()));
        }
        Ok(selectors)
    }
}

/// A boolean in Go's notation.
pub(super) fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn read_time(text: &str) -> Result<Timestamp, String> {
    parse_time(text).ok_or_else(|| format!("cannot parse {text:?} to a valid timestamp"))
}

/// In milliseconds.
fn read_duration(text: &str) -> Result<i64, String> {
    parse_duration(text).ok_or_else(|| {
        let overflows = text.parse::<f64>().is_ok();
        let more = if overflows { ". It overflows int64" } else { "" };
        format!("cannot parse {text:?} to a valid duration{more}")
    })
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
        // Prometheus counts in nanoseconds.
        let fits = (seconds * 1e9).abs() < i64::MAX as f64;
        return fits.then_some((seconds * 1000.0) as i64);
    }
    promql::parse_duration(text).ok()
}

#[cfg(test)]
mod tests;
