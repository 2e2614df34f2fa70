//! Taking samples in: from an authenticated body to durable samples in the right partition.
//!
//! A tenant's own token writes into that tenant's partition, whatever labels it sends. An agent's
//! token writes for many tenants: each series names its own in the label `tenant`, which is taken
//! out and becomes the partition. Samples are acknowledged once they are durable, those of all
//! tenants of a request with one sync.
//!
//! Status codes are those of the remote write specifications: 400 for what a retry cannot mend
//! (the rest of the request is stored), 429 and 503 with `Retry-After` for what it can. An agent's
//! request has many tenants in it, so there what exceeds one tenant's rate is lost with 400.

mod batches;
pub(crate) mod frames;
pub(crate) mod otlp;
pub(crate) mod remote_write;
mod sessions;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use tsdb::outcome::{AppendError, Appended, Rejected};
use wire::remote_write::{
    DecodeStats, HEADER_EXEMPLARS_WRITTEN, HEADER_HISTOGRAMS_WRITTEN, HEADER_SAMPLES_WRITTEN,
};

use crate::{
    api::answer::ApiError,
    metrics::{WriteLabels, WriteOutcome},
    state::State,
};

pub(crate) use sessions::Sessions;

/// A body may be this many times larger once decompressed, and no larger than
/// [`INFLATED_BYTES_MAX`].
const INFLATION_MAX: usize = 64;
const INFLATED_BYTES_MAX: usize = 256 << 20;

/// [`wire::frames::HEADER_SEQUENCE`], as HTTP libraries want it.
const SEQUENCE: HeaderName = HeaderName::from_static("x-tidewatch-frames-sequence");

/// A small body may become so large in any case: a few series that repeat themselves compress better
/// than many that do not.
const INFLATED_BYTES_MIN: usize = 1 << 20;

/// How large a body may become.
fn inflated_max(body: &[u8]) -> usize {
    body.len().saturating_mul(INFLATION_MAX).clamp(INFLATED_BYTES_MIN, INFLATED_BYTES_MAX)
}

/// Nothing of a request is known to be stored.
fn unavailable(error: &AppendError) -> ApiError {
    match error {
        AppendError::DiskFull | AppendError::Closed | AppendError::Io(_) => {
            ApiError::Unavailable(error.to_string())
        }
    }
}

/// What to tell a writer whose samples were not all stored. Whoever exceeds a rate is told to try again
/// later, but not an agent: all its tenants would wait for the one, who loses the excess instead.
fn complaint(decoded: &DecodeStats, stored: &Appended, is_shared: bool) -> Option<ApiError> {
    let mut complaints = Vec::new();
    if !decoded.skipped.is_empty() {
        complaints.push(decoded.skipped.to_string());
    }
    for rejected in &stored.rejected {
        let Rejected { reason, count, example } = rejected;
        complaints.push(format!("{count} samples: {reason} (e.g. {example})"));
    }
    if complaints.is_empty() {
        return None;
    }
    let message = format!("partly stored; refused: {}", complaints.join("; "));
    let later = !is_shared && stored.rejected.iter().any(|rejected| rejected.reason.is_temporary());
    Some(if later { ApiError::TooManyRequests(message) } else { ApiError::BadData(message) })
}

/// Counts a request by how it ended, and answers it.
fn answer(state: &State, result: Result<Written, ApiError>) -> Response {
    let (outcome, response) = match result {
        Ok(written) => {
            state.metrics.samples_skipped.inc_by(written.lost());
            written.respond()
        }
        Err(error @ (ApiError::Unavailable(_) | ApiError::Internal(_))) => {
            (WriteOutcome::Unavailable, error.into_response())
        }
        Err(error) => (WriteOutcome::Refused, error.into_response()),
    };
    state.metrics.writes.get_or_create(&WriteLabels { outcome }).inc();
    response
}

/// What became of a request.
#[derive(Clone, Debug)]
struct Written {
    /// Whether to say how much was stored, as remote write 2.0 does.
    counted: bool,
    /// Of a body of frames.
    sequence: Option<u64>,
    /// Whether several tenants' samples are in the request.
    is_shared: bool,
    decoded: DecodeStats,
    stored: Appended,
}

impl Written {
    /// Samples, histograms and exemplars that came and were not stored.
    fn lost(&self) -> u64 {
        self.decoded.skipped.samples() + self.stored.rejected_count()
    }

    fn respond(self) -> (WriteOutcome, Response) {
        let complaint = complaint(&self.decoded, &self.stored, self.is_shared);
        let (outcome, mut response) = match complaint {
            None => (WriteOutcome::Stored, StatusCode::NO_CONTENT.into_response()),
            Some(error) => (WriteOutcome::Partial, error.into_response()),
        };
        let headers = response.headers_mut();
        if let Some(sequence) = self.sequence {
            headers.insert(SEQUENCE, HeaderValue::from(sequence));
        }
        if self.counted {
            for (name, count) in [
                (HEADER_SAMPLES_WRITTEN, self.stored.samples),
                (HEADER_HISTOGRAMS_WRITTEN, self.stored.histograms),
                (HEADER_EXEMPLARS_WRITTEN, self.stored.exemplars),
            ] {
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    headers.insert(name, HeaderValue::from(count));
                }
            }
        }
        (outcome, response)
    }
}
