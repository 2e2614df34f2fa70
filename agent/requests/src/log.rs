//! Parsers of access-log lines: JSON as nginx and Envoy write it, and the combined format.
//!
//! A line is text that customers' clients have a say in. Nothing here panics, keeps more than the
//! line is long, or takes longer than one pass. Decode bytes with `String::from_utf8_lossy` first:
//! a client must not escape being counted by sending what is not UTF-8.

mod combined;
mod json;
pub mod syslog;

use std::borrow::Cow;

use crate::{entry::Entry, route::route_class};

/// Longer lines are refused.
pub const LINE_BYTES_MAX: usize = 32 << 10;

/// Why a line is not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the line is not a JSON object")]
    Json,
    #[error("the line is not in combined log format")]
    Combined,
    #[error("the line states no status code")]
    NoStatus,
}

/// What a line says of a request. Texts are empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// The host that the client asked for.
    pub authority: Cow<'a, str>,
    /// Envoy's cluster, such as `outbound|80||shop.acme.svc.cluster.local`.
    pub upstream_cluster: Cow<'a, str>,
    /// Envoy's name of the route.
    pub route_name: Cow<'a, str>,
    /// Envoy's reasons for a response that it made itself (`UH`, `UO`, …).
    pub response_flags: Cow<'a, str>,
    pub method: Cow<'a, str>,
    pub path: Cow<'a, str>,
    /// 0 for no response.
    pub code: u16,
    pub duration_micros: Option<u64>,
    pub request_bytes: Option<u64>,
    pub response_bytes: Option<u64>,
    /// Whether it is a connection rather than a request.
    pub connection: bool,
    /// What the fields that the caller named say ([`Fields`]); only JSON has names.
    pub named: [Cow<'a, str>; Fields::COUNT],
}

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON where a line begins with a brace, else combined.
    #[default]
    Auto,
    /// An object on each line, with nginx' or Envoy's names.
    Json,
    /// The common or combined log format, with a duration behind if there is one.
    Combined,
}

/// Names of JSON fields that say whose a request is. Empty for none; capitals do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    pub tenant: String,
    pub app: String,
    pub component: String,
    pub instance: String,
}

impl Fields {
    pub const COUNT: usize = 4;

    /// In the order of [`LogLine::named`].
    pub fn names(&self) -> [&str; Self::COUNT] {
        [&self.tenant, &self.app, &self.component, &self.instance]
    }
}

/// Whose request it was: found by the caller, from the authority or from where the log lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner<'a> {
    pub tenant: &'a str,
    pub app: &'a str,
    pub component: &'a str,
    pub instance: &'a str,
}

impl<'a> LogLine<'a> {
    /// Parses a line.
    pub fn parse(line: &'a str, format: Format, fields: &Fields) -> Result<Self, LogError> {
        if line.len() > LINE_BYTES_MAX {
            return Err(LogError::TooLong);
        }
        let line = line.trim();
        match format {
            Format::Json => json::parse(line, &fields.names()),
            Format::Auto if line.starts_with('{') => json::parse(line, &fields.names()),
            Format::Auto | Format::Combined => combined::parse(line),
        }
    }

    /// The route's name where the proxy gave one, else the class of the path, which is written
    /// over what `class` held.
    pub fn route<'r>(&'r self, class: &'r mut String) -> &'r str {
        match &*self.route_name {
            "" | "default" => {
                route_class(&self.path, class);
                class
            }
            name => name,
        }
    }

    /// As the recorder wants it; `route` is what [`Self::route`] gave.
    pub fn entry<'e>(&'e self, owner: Owner<'e>, route: &'e str) -> Entry<'e> {
        Entry {
            tenant: owner.tenant,
            app: owner.app,
            component: owner.component,
            instance: owner.instance,
            route,
            method: &self.method,
            code: self.code,
            duration_micros: self.duration_micros,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            connection: self.connection,
        }
    }
}

/// A decimal number times `10^digits`; digits beyond are cut off. `None` when it is none, or
/// negative, or too large.
fn scaled(text: &str, digits: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        return None;
    }
    let factor = 10u64.checked_pow(digits)?;
    let mut value = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let mut unit = factor;
    for digit in fraction.bytes() {
        unit /= 10;
        value = value.checked_add(u64::from(digit - b'0') * unit)?;
    }
    Some(value)
}

/// A status code; `-` and `0` mean that there was no response.
fn status(text: &str) -> Option<u16> {
    if text == "-" { Some(0) } else { text.parse().ok() }
}

/// The method and the path of `GET /path HTTP/1.1`. What is not such a line has neither.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    token.then_some((method, path))
}

#[cfg(test)]
mod tests;
