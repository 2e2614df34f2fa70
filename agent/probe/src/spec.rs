//! What to ask, how often, and what counts as an answer.

use std::{ops::Deref, ops::RangeInclusive, time::Duration};

pub mod app_platform;
pub mod kubernetes;

/// Periods below this are refused.
pub const PERIOD_MIN: Duration = Duration::from_millis(100);
/// Periods and delays above this are refused.
pub const PERIOD_MAX: Duration = Duration::from_hours(24);
pub const TIMEOUT_MAX: Duration = Duration::from_mins(5);
pub const THRESHOLD_MAX: u32 = 1000;
pub const NAME_BYTES_MAX: usize = 64;
pub const PATH_BYTES_MAX: usize = 2048;
pub const HEADERS_MAX: usize = 32;
pub const HEADER_BYTES_MAX: usize = 1024;
/// Longest text looked for in a body.
pub const NEEDLE_BYTES_MAX: usize = 1024;
/// The wait before asking again after a first failure, where adaptive probing is on.
pub const RECHECK: Duration = Duration::from_millis(250);

/// What a failure means, as in Kubernetes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// It must be restarted.
    #[default]
    Liveness,
    /// It must not be sent requests.
    Readiness,
    /// Until this succeeds once in a run, the other probes of the target wait.
    Startup,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
            Self::Startup => "startup",
        }
    }
}

/// The question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    Http(HttpGet),
    /// A connection is answer enough.
    Tcp {
        port: u16,
    },
}

impl Check {
    pub fn port(&self) -> u16 {
        match self {
            Self::Http(get) => get.port,
            Self::Tcp { port } => *port,
        }
    }
}

/// A GET request and what is expected of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGet {
    pub port: u16,
    /// With query, starting with `/`.
    pub path: String,
    /// The `Host` header; the address and port where absent.
    pub host: Option<String>,
    /// Further headers; `User-Agent` and `Accept` replace the defaults.
    pub headers: Vec<(String, String)>,
    /// 200 to 399 in Kubernetes.
    pub status: RangeInclusive<u16>,
    /// Must appear in the first 10 KiB of the body.
    pub body_contains: Option<String>,
}

impl HttpGet {
    /// `GET path`, any status from 200 to 399.
    pub fn new(port: u16, path: &str) -> Self {
        Self {
            port,
            path: path.to_owned(),
            host: None,
            headers: Vec::new(),
            status: 200..=399,
            body_contains: None,
        }
    }
}

/// How connections are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// A new one each time: what a user meets.
    #[default]
    Fresh,
    /// One is kept and used again: cheaper. Every so many probes, and always after a failure, a
    /// new one is made, because a kept connection does not show that new ones are accepted.
    Kept { fresh_every: u32 },
}

/// The parts of a [`Spec`], not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Tells the probes of one instance apart: empty, or what follows `purpose/` in its name.
    pub suffix: String,
    pub purpose: Purpose,
    pub check: Check,
    pub connection: Connection,
    pub period: Duration,
    /// For the whole probe: resolving, connecting, sending and reading.
    pub timeout: Duration,
    /// No probes in the first part of a run.
    pub initial_delay: Duration,
    /// Failures in a row until the target counts as failing.
    pub failure_threshold: u32,
    /// Successes in a row until it counts as recovered. 1 for liveness and startup.
    pub success_threshold: u32,
    /// After a failure that does not decide yet, ask again so soon; `None` waits for the period.
    pub recheck: Option<Duration>,
}

impl Draft {
    /// Defaults for everything but the question: each second, 500 ms to answer, three failures
    /// with quick rechecks.
    pub fn new(purpose: Purpose, check: Check) -> Self {
        Self {
            suffix: String::new(),
            purpose,
            check,
            connection: Connection::Fresh,
            period: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
            initial_delay: Duration::ZERO,
            failure_threshold: 3,
            success_threshold: 1,
            recheck: Some(RECHECK),
        }
    }
}

/// A probe that can be run: a [`Draft`] that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec(Draft);

impl Deref for Spec {
    type Target = Draft;
    fn deref(&self) -> &Draft {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    #[error("{field} must be {allowed}")]
    OutOfRange { field: &'static str, allowed: String },
    #[error("{field} has a character that is not allowed there")]
    Character { field: &'static str },
    #[error("the success threshold of a {0} probe must be 1")]
    SuccessThreshold(&'static str),
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    #[error("give exactly one of httpGet and tcpSocket")]
    OneCheck,
}

impl Spec {
    pub fn new(draft: Draft) -> Result<Self, InvalidSpec> {
        check_times(&draft)?;
        check_text("suffix", &draft.suffix, NAME_BYTES_MAX, |byte| {
            byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
        })?;
        let threshold = |field, value: u32| {
            in_range(field, (1..=THRESHOLD_MAX).contains(&value), format!("1 to {THRESHOLD_MAX}"))
        };
        threshold("failure_threshold", draft.failure_threshold)?;
        threshold("success_threshold", draft.success_threshold)?;
        if draft.success_threshold != 1 && draft.purpose != Purpose::Readiness {
            return Err(InvalidSpec::SuccessThreshold(draft.purpose.as_str()));
        }
        if let Connection::Kept { fresh_every } = draft.connection {
            in_range("fresh_every", fresh_every > 0, "at least 1".to_owned())?;
        }
        in_range("port", draft.check.port() > 0, "1 to 65535".to_owned())?;
        if let Check::Http(get) = &draft.check {
            check_http(get)?;
        }
        Ok(Self(draft))
    }

    /// The probe's name within its instance: `liveness`, or `liveness/suffix`.
    pub fn name(&self) -> String {
        if self.suffix.is_empty() {
            self.purpose.as_str().to_owned()
        } else {
            format!("{}/{}", self.purpose.as_str(), self.suffix)
        }
    }
}

fn check_times(draft: &Draft) -> Result<(), InvalidSpec> {
    in_range(
        "period",
        (PERIOD_MIN..=PERIOD_MAX).contains(&draft.period),
        format!("{PERIOD_MIN:?} to {PERIOD_MAX:?}"),
    )?;
    in_range(
        "timeout",
        !draft.timeout.is_zero() && draft.timeout <= TIMEOUT_MAX,
        format!("above zero and at most {TIMEOUT_MAX:?}"),
    )?;
    in_range(
        "initial_delay",
        draft.initial_delay <= PERIOD_MAX,
        format!("at most {PERIOD_MAX:?}"),
    )?;
    let recheck = draft.recheck.unwrap_or(PERIOD_MIN);
    in_range(
        "recheck",
        (PERIOD_MIN..=PERIOD_MAX).contains(&recheck),
        format!("{PERIOD_MIN:?} to {PERIOD_MAX:?}"),
    )
}

fn check_http(get: &HttpGet) -> Result<(), InvalidSpec> {
    let visible = |byte: u8| byte.is_ascii_graphic() || byte >= 0x80;
    in_range("path", get.path.starts_with('/'), "start with /".to_owned())?;
    check_text("path", &get.path, PATH_BYTES_MAX, |byte| visible(byte) && byte != b'#')?;
    if let Some(host) = &get.host {
        in_range("host", !host.is_empty(), "not empty".to_owned())?;
        check_text("host", host, HEADER_BYTES_MAX, |byte| {
            byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte)
        })?;
    }
    in_range("headers", get.headers.len() <= HEADERS_MAX, format!("at most {HEADERS_MAX}"))?;
    for (name, value) in &get.headers {
        in_range("header name", !name.is_empty(), "not empty".to_owned())?;
        check_text("header name", name, HEADER_BYTES_MAX, |byte| {
            byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
        })?;
        check_text("header value", value, HEADER_BYTES_MAX, |byte| {
            visible(byte) || byte == b' ' || byte == b'\t'
        })?;
        // These frame the request; they are not the caller's to choose.
        let framing = ["connection", "content-length", "transfer-encoding", "upgrade", "expect"];
        if framing.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            return Err(InvalidSpec::Unsupported("a header that frames the request"));
        }
    }
    let status = (100..=599).contains(get.status.start())
        && (100..=599).contains(get.status.end())
        && !get.status.is_empty();
    in_range("status", status, "a range within 100 to 599".to_owned())?;
    if let Some(needle) = &get.body_contains {
        let length = (1..=NEEDLE_BYTES_MAX).contains(&needle.len());
        in_range("body_contains", length, format!("1 to {NEEDLE_BYTES_MAX} bytes"))?;
    }
    Ok(())
}

fn in_range(field: &'static str, fits: bool, allowed: String) -> Result<(), InvalidSpec> {
    if fits { Ok(()) } else { Err(InvalidSpec::OutOfRange { field, allowed }) }
}

fn check_text(
    field: &'static str,
    text: &str,
    bytes_max: usize,
    allowed: impl Fn(u8) -> bool,
) -> Result<(), InvalidSpec> {
    in_range(field, text.len() <= bytes_max, format!("at most {bytes_max} bytes"))?;
    if text.bytes().all(allowed) { Ok(()) } else { Err(InvalidSpec::Character { field }) }
}

#[cfg(test)]
mod tests;
