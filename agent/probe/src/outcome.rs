//! What one probe found.

use std::{fmt, net::IpAddr, time::Duration};

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing listens there.
    Refused,
    /// The connection was broken off.
    Reset,
    /// The host does not answer on its network.
    Unreachable,
    Timeout,
    Tls,
    /// The answer is not HTTP.
    Protocol,
    /// The status is not an expected one.
    Status,
    /// The body lacks what it must have.
    Body,
    /// The prober's own: resources, routes, name resolution, stalls, a forbidden address.
    Local,
}

impl Class {
    pub const ALL: [Self; 9] = [
        Self::Refused,
        Self::Reset,
        Self::Unreachable,
        Self::Timeout,
        Self::Tls,
        Self::Protocol,
        Self::Status,
        Self::Body,
        Self::Local,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Body => "body",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a probe says of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Success,
    Failure(Class),
    /// Nothing: the prober could not ask properly. Never counts against the target.
    Unknown,
}

/// How long the parts of a probe took; zero for what did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    pub resolve: Duration,
    pub connect: Duration,
    /// From sending the request to the first byte of the answer.
    pub processing: Duration,
    /// From the first byte of the answer to its end.
    pub transfer: Duration,
}

/// The result of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    /// Why it is not a success, in a few words; empty for a success.
    pub message: String,
    pub duration: Duration,
    pub phases: Phases,
    /// Status of the last HTTP answer.
    pub status: Option<u16>,
    /// Bytes of the body that were read, at most 10 KiB.
    pub body_bytes: usize,
    pub redirects: u32,
    /// The address that was connected to.
    pub address: Option<IpAddr>,
    /// Over a connection made for it.
    pub fresh: bool,
}

/// A failure on the way, before it is known how long everything took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) class: Class,
    pub(crate) message: String,
}

impl Failed {
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }
}
