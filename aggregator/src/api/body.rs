//! JSON bodies, whose faults are answered in the API's own envelope.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use super::answer::ApiError;
use crate::encoding;

/// A body of JSON. What is wrong with it is said with line and column.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| ApiError::TooLarge(format!("cannot read the body: {error}")))?;
        let bytes = encoding::document(&headers, bytes).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::BadData(format!("invalid JSON body: {error}")))
    }
}
