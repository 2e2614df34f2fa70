//! `POST /api/v1/write`: remote write 1.0 and 2.0.

use axum::{
    body::Bytes,
    extract,
    http::{HeaderMap, header},
    response::Response,
};
use codec::inflate;
use tenancy::access::{Access, Scope};
use wire::remote_write::{self, Version};

use super::{Written, answer, batches::Batches, inflated_max, unavailable};
use crate::{api::answer::ApiError, auth::Caller, state::State};

pub(crate) async fn write(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = receive(&state, &access, &headers, body).await;
    answer(&state, result)
}

#[tracing::instrument(name = "remote_write", skip_all, fields(caller = access.name, bytes = body.len()))]
async fn receive(
    state: &State,
    access: &Access,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Written, ApiError> {
    access.require(&[Scope::MetricsWrite, Scope::Agent, Scope::Alerting])?;
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (version, compression) =
        remote_write::negotiate(text(header::CONTENT_TYPE), text(header::CONTENT_ENCODING))
            .map_err(|error| ApiError::UnsupportedMediaType(error.to_string()))?;
    let mut batches = Batches::of(access)?;
    let (store, node) = (state.store.clone(), access.node.clone());
    let permit = state.write_permit(access).await?;
    let now = daemon::clock::now();
    // Decoding and the wait for the disk both block, so neither happens on an async thread.
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut inflated = Vec::new();
        inflate::decompress(compression, &body, inflated_max(&body), &mut inflated)
            .map_err(|error| ApiError::BadData(error.to_string()))?;
        let options = batches.options(node.as_deref());
        let decoded = remote_write::decode(version, &inflated, &options, &mut batches)
            .map_err(|error| ApiError::BadData(error.to_string()))?;
        drop(inflated);
        let stored = batches.append(&store, now).map_err(|error| unavailable(&error))?;
        let (counted, is_shared) = (version == Version::V2, batches.is_shared());
        Ok(Written { counted, sequence: None, is_shared, decoded, stored })
    })
    .await
    .map_err(|error| ApiError::Internal(error.to_string()))?
}
