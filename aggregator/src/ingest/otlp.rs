//! `POST /api/v1/otlp/v1/metrics`: metrics of OpenTelemetry exporters; [`grpc`] takes the same by
//! another way.
//!
//! Whose they are follows from the token, as in remote write. Data points that were refused for
//! good are counted in the answer and not to be sent again, as the protocol has it; where a later
//! attempt may do better, or nothing was stored, the whole answer is an error.

mod delta;
pub(crate) mod grpc;

use axum::{
    body::Bytes,
    extract,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use codec::inflate::{Compression, decompress};
use tenancy::access::{Access, Scope};
use tsdb::outcome::Appended;
use wire::otlp::{self, CONTENT_TYPE_JSON, CONTENT_TYPE_PROTOBUF, Decoded, Deltas, Status};

pub(crate) use delta::DeltaStreams;
use delta::OfRequest;

use super::{batches::Batches, complaint, inflated_max, unavailable};
use crate::{
    api::answer::ApiError,
    auth::Caller,
    encoding::compression_of,
    metrics::{WriteLabels, WriteOutcome},
    state::State,
};

/// How messages are written; answers are written as requests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

pub(crate) async fn metrics(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let encoding = encoding_of(&headers);
    let received = match (&encoding, compression_of(&headers)) {
        (Ok(encoding), Ok(compression)) => {
            receive(&state, &access, *encoding, compression, body).await
        }
        (Err(error), _) => Err(unreadable(&state, error.clone())),
        (_, Err(error)) => Err(unreadable(&state, error)),
    };
    let encoding = encoding.unwrap_or(Encoding::Protobuf);
    match received {
        Ok(None) => answer(encoding, StatusCode::OK, Vec::new()),
        Ok(Some(partial)) => answer(encoding, StatusCode::OK, partial.encode(encoding)),
        Err(error) => refuse(error, encoding),
    }
}

/// Counts a request that was refused before anything of it was read.
fn unreadable(state: &State, error: ApiError) -> ApiError {
    state.metrics.writes.get_or_create(&WriteLabels { outcome: WriteOutcome::Refused }).inc();
    error
}

fn encoding_of(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = given.and_then(|given| given.split(';').next()).unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case(CONTENT_TYPE_PROTOBUF) {
        Ok(Encoding::Protobuf)
    } else if media_type.eq_ignore_ascii_case(CONTENT_TYPE_JSON) {
        Ok(Encoding::Json)
    } else {
        Err(ApiError::UnsupportedMediaType(format!(
            "unsupported content type: {media_type}, supported: [{CONTENT_TYPE_JSON}, \
             {CONTENT_TYPE_PROTOBUF}]"
        )))
    }
}

/// Stores a request and counts how it ended. An error means that nothing was stored, or that it
/// is to be sent again.
#[tracing::instrument(name = "otlp", skip_all, fields(caller = access.name, bytes = body.len()))]
async fn receive(
    state: &State,
    access: &Access,
    encoding: Encoding,
    compression: Option<Compression>,
    body: Bytes,
) -> Result<Option<Partial>, ApiError> {
    let stored = store(state, access, encoding, compression, body).await;
    let outcome = match &stored {
        Ok(written) if written.refused().is_none() => WriteOutcome::Stored,
        Ok(_) => WriteOutcome::Partial,
        Err(ApiError::Unavailable(_) | ApiError::Internal(_)) => WriteOutcome::Unavailable,
        Err(_) => WriteOutcome::Refused,
    };
    state.metrics.writes.get_or_create(&WriteLabels { outcome }).inc();
    stored?.verdict()
}

async fn store(
    state: &State,
    access: &Access,
    encoding: Encoding,
    compression: Option<Compression>,
    body: Bytes,
) -> Result<Written, ApiError> {
    access.require(&[Scope::MetricsWrite, Scope::Agent])?;
    let mut batches = Batches::of(access)?;
    let owners = Batches::of(access)?;
    let (store, node) = (state.store.clone(), access.node.clone());
    let (deltas, metrics) = (state.deltas.clone(), state.metrics.deltas.clone());
    let settings = &state.settings;
    let translation = settings.otlp.translation(settings.query.lookback.0);
    let permit = state.write_permit(access).await?;
    let now = daemon::clock::now();
    // Decoding and the wait for the disk both block, so neither happens on an async thread.
    let written = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut inflated = Vec::new();
        let plain = match compression {
            None => body.as_ref(),
            Some(compression) => {
                decompress(compression, &body, inflated_max(&body), &mut inflated)
                    .map_err(|error| ApiError::BadData(error.to_string()))?;
                &inflated
            }
        };
        let transcoded;
        let message = match encoding {
            Encoding::Protobuf => plain,
            Encoding::Json => {
                transcoded =
                    otlp::from_json(plain).map_err(|error| ApiError::BadData(error.to_string()))?;
                &transcoded
            }
        };
        let options = batches.options(node.as_deref());
        let mut deltas =
            deltas.as_deref().map(|streams| OfRequest::new(streams, owners, now, &metrics));
        let deltas = deltas.as_mut().map(|deltas| deltas as &mut dyn Deltas);
        let decoded = otlp::decode(message, &translation, &options, &mut batches, deltas)
            .map_err(|error| ApiError::BadData(error.to_string()))?;
        let stored = batches.append(&store, now).map_err(|error| unavailable(&error))?;
        Ok::<_, ApiError>(Written { decoded, stored, is_shared: batches.is_shared() })
    })
    .await
    .map_err(|error| ApiError::Internal(error.to_string()))??;
    let lost = written.decoded.stats.skipped.samples() + written.stored.rejected_count();
    state.metrics.samples_skipped.inc_by(lost);
    Ok(written)
}

/// What became of a request.
struct Written {
    decoded: Decoded,
    stored: Appended,
    /// Whether several tenants' samples are in the request.
    is_shared: bool,
}

impl Written {
    fn refused(&self) -> Option<ApiError> {
        complaint(&self.decoded.stats, &self.stored, self.is_shared)
    }

    fn verdict(self) -> Result<Option<Partial>, ApiError> {
        let nothing = self.stored.samples + self.stored.histograms == 0;
        match self.refused() {
            None => Ok(None),
            Some(ApiError::BadData(message)) if !nothing => {
                // The store counts samples, of which a data point may be several.
                let refused = self.decoded.points_refused + self.stored.rejected_count();
                Ok(Some(Partial { refused: refused.min(self.decoded.points), message }))
            }
            Some(error) => Err(error),
        }
    }
}

/// A request that was stored but for some data points, which are not to be sent again.
struct Partial {
    refused: u64,
    message: String,
}

impl Partial {
    fn encode(&self, encoding: Encoding) -> Vec<u8> {
        let Self { refused, message } = self;
        match encoding {
            Encoding::Protobuf => {
                let mut body = Vec::new();
                otlp::put_partial_success(&mut body, *refused, message);
                body
            }
            Encoding::Json => {
                let partial = serde_json::json!({ "partialSuccess": {
                    "rejectedDataPoints": refused.to_string(), "errorMessage": message,
                }});
                partial.to_string().into_bytes()
            }
        }
    }
}

fn answer(encoding: Encoding, status: StatusCode, mut body: Vec<u8>) -> Response {
    let content_type = match encoding {
        Encoding::Protobuf => CONTENT_TYPE_PROTOBUF,
        Encoding::Json => {
            if body.is_empty() {
                body.extend_from_slice(b"{}");
            }
            CONTENT_TYPE_JSON
        }
    };
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// An error in the protocol's own form, with the status and headers that it has everywhere.
fn refuse(error: ApiError, encoding: Encoding) -> Response {
    let (message, code) = (error.to_string(), status_of(&error));
    let body = match encoding {
        Encoding::Protobuf => {
            let mut body = Vec::new();
            otlp::put_status(&mut body, code, &message);
            body
        }
        Encoding::Json => {
            let status = serde_json::json!({ "code": code as u32, "message": message });
            status.to_string().into_bytes()
        }
    };
    let like = error.into_response();
    let mut response = answer(encoding, like.status(), body);
    if let Some(retry) = like.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, retry.clone());
    }
    response
}

/// The code of an error in the protocol's own terms.
fn status_of(error: &ApiError) -> Status {
    match error {
        ApiError::TooManyRequests(_) => Status::ResourceExhausted,
        ApiError::Unavailable(_) => Status::Unavailable,
        ApiError::Internal(_) => Status::Internal,
        ApiError::Forbidden(_) => Status::PermissionDenied,
        ApiError::Unauthorized(_) => Status::Unauthenticated,
        _ => Status::InvalidArgument,
    }
}
