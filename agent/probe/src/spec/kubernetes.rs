//! The JSON form of a probe in a Kubernetes pod, with the defaults of the kubelet.
//!
//! Source: `Probe` in kubernetes/api core/v1/types.go. Fields of our own extend it to below one
//! second and to expected answers; without them a probe behaves as the kubelet's, so there are no
//! rechecks within the period.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Check, Connection, Draft, HttpGet, InvalidSpec, Purpose, Spec};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Probe {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_get: Option<HttpGetAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<TcpSocketAction>,
    pub initial_delay_seconds: u32,
    /// 10 when zero.
    pub period_seconds: u32,
    /// 1 when zero.
    pub timeout_seconds: u32,
    /// 3 when zero.
    pub failure_threshold: u32,
    /// 1 when zero.
    pub success_threshold: u32,
    /// How long stopping may take; for the one who restarts, not for the prober.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<u64>,

    /// Ours: replaces `periodSeconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_milliseconds: Option<u64>,
    /// Ours: replaces `timeoutSeconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_milliseconds: Option<u64>,
    /// Ours: ask again so soon after a failure that does not decide yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recheck_milliseconds: Option<u64>,
    /// Ours: keep the connection, and make a fresh one every so many probes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_every: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpGetAction {
    /// A number. A name is the discovery's to resolve.
    pub port: u16,
    #[serde(default = "root_path")]
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `HTTP`, also when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http_headers: Vec<HttpHeader>,
    /// Ours: `200`, or `200-299`; 200 to 399 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_status: Option<String>,
    /// Ours: a text that the body must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpHeader {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpSocketAction {
    pub port: u16,
    /// Only for compatibility: the prober connects to its target's address and to no other, so
    /// anything but an absent host is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

fn root_path() -> String {
    "/".to_owned()
}

impl Probe {
    /// Fills in defaults and checks. In `httpGet` the host is a header only: the connection always
    /// goes to the target's own address.
    pub fn into_spec(self, purpose: Purpose) -> Result<Spec, InvalidSpec> {
        let or = |value: u32, default: u32| if value == 0 { default } else { value };
        let millis = |own: Option<u64>, seconds: u32| {
            own.map_or(Duration::from_secs(seconds.into()), Duration::from_millis)
        };
        let check = match (self.http_get, self.tcp_socket) {
            (Some(get), None) => Check::Http(get.into_get()?),
            (None, Some(TcpSocketAction { host: Some(_), .. })) => {
                return Err(InvalidSpec::Unsupported("a host in tcpSocket"));
            }
            (None, Some(tcp)) => Check::Tcp { port: tcp.port },
            _ => return Err(InvalidSpec::OneCheck),
        };
        Spec::new(Draft {
            suffix: String::new(),
            purpose,
            check,
            connection: self
                .fresh_every
                .map_or(Connection::Fresh, |fresh_every| Connection::Kept { fresh_every }),
            period: millis(self.period_milliseconds, or(self.period_seconds, 10)),
            timeout: millis(self.timeout_milliseconds, or(self.timeout_seconds, 1)),
            initial_delay: Duration::from_secs(self.initial_delay_seconds.into()),
            failure_threshold: or(self.failure_threshold, 3),
            success_threshold: or(self.success_threshold, 1),
            recheck: self.recheck_milliseconds.map(Duration::from_millis),
        })
    }
}

impl HttpGetAction {
    fn into_get(self) -> Result<HttpGet, InvalidSpec> {
        if self.scheme.as_deref().is_some_and(|scheme| !scheme.eq_ignore_ascii_case("http")) {
            return Err(InvalidSpec::Unsupported("a scheme other than HTTP"));
        }
        let mut host = self.host;
        let mut headers = Vec::with_capacity(self.http_headers.len());
        for HttpHeader { name, value } in self.http_headers {
            if name.eq_ignore_ascii_case("host") {
                host = Some(value);
            } else {
                headers.push((name, value));
            }
        }
        let status = match &self.expect_status {
            None => 200..=399,
            Some(text) => parse_status(text).ok_or_else(|| InvalidSpec::OutOfRange {
                field: "expectStatus",
                allowed: "like 200 or 200-299".to_owned(),
            })?,
        };
        let path = if self.path.is_empty() { root_path() } else { self.path };
        let body_contains = self.body_contains;
        Ok(HttpGet { port: self.port, path, host, headers, status, body_contains })
    }
}

fn parse_status(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    Some(low.trim().parse().ok()?..=high.trim().parse().ok()?)
}
