//! What is reported of a request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use model::event::Target;
use tokio::time::Instant;

use super::Shared;

/// Longest path reported, in bytes; what follows is cut.
pub const PATH_BYTES_MAX: usize = 256;
/// Segments of a route class; what follows becomes `...`.
const ROUTE_SEGMENTS_MAX: usize = 6;
/// Longer segments are identifiers.
const ROUTE_SEGMENT_BYTES_MAX: usize = 32;

/// Why the proxy and not the instance answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// All instances are out of rotation: 503.
    NoInstance,
    /// No connection: 502.
    Connect,
    /// The connection broke before the response was complete: 502, unless it had begun.
    Reset,
    /// No complete response in time: 504, unless it had begun.
    Timeout,
    /// The client went away first: 499, unless the response had begun.
    ClientGone,
}

impl Failure {
    pub(super) fn code(self) -> u16 {
        match self {
            Self::NoInstance => 503,
            Self::Connect | Self::Reset => 502,
            Self::Timeout => 504,
            Self::ClientGone => 499,
        }
    }
}

/// A finished request, as the proxy saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// The instance that was asked; its name is empty when there was none to ask.
    pub target: Arc<Target>,
    pub method: String,
    /// As the instance saw it, without the query; at most [`PATH_BYTES_MAX`] bytes.
    pub path: String,
    /// The path with identifiers replaced: `/items/{id}`.
    pub route: String,
    /// The status code sent, or that of the failure when none was.
    pub code: u16,
    /// From the request's head to the last byte of the response.
    pub duration: Duration,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the response's body.
    pub bytes_out: u64,
    pub failure: Option<Failure>,
}

/// Replaces segments that look like identifiers, so that routes stay few.
pub(super) fn route_class(path: &str) -> String {
    let mut route = String::with_capacity(path.len());
    for (index, segment) in path.split('/').skip(1).enumerate() {
        route.push('/');
        if index == ROUTE_SEGMENTS_MAX {
            route.push_str("...");
            break;
        }
        let identifier = segment.len() > ROUTE_SEGMENT_BYTES_MAX
            || segment.bytes().any(|byte| byte.is_ascii_digit());
        route.push_str(if identifier { "{id}" } else { segment });
    }
    if route.is_empty() { "/".to_owned() } else { route }
}

/// Cuts at a character's boundary.
pub(super) fn shorten(path: &str) -> String {
    let mut end = path.len().min(PATH_BYTES_MAX);
    while !path.is_char_boundary(end) {
        end -= 1;
    }
    path.get(..end).unwrap_or_default().to_owned()
}

/// A request on its way, reported when this is dropped, whatever became of it.
pub(super) struct Account {
    pub(super) entry: AccessEntry,
    pub(super) bytes_in: Arc<AtomicU64>,
    /// The response is complete.
    pub(super) complete: bool,
    began: Instant,
    shared: Arc<Shared>,
}

impl Account {
    pub(super) fn new(shared: Arc<Shared>, target: Arc<Target>, method: &str, path: &str) -> Self {
        let entry = AccessEntry {
            target,
            method: method.to_owned(),
            path: shorten(path),
            route: route_class(path),
            code: Failure::ClientGone.code(),
            duration: Duration::ZERO,
            bytes_in: 0,
            bytes_out: 0,
            failure: None,
        };
        let bytes_in = Arc::default();
        Self { entry, bytes_in, complete: false, began: Instant::now(), shared }
    }

    /// The proxy answers for the instance.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.entry.failure = Some(failure);
        self.entry.code = failure.code();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.entry.duration = self.began.elapsed();
        self.entry.bytes_in = self.bytes_in.load(Ordering::Relaxed);
        if !self.complete && self.entry.failure.is_none() {
            self.entry.failure = Some(Failure::ClientGone);
        }
        (self.shared.sink)(&self.entry);
        self.shared.reported.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
