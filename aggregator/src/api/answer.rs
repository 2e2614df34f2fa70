//! How the API answers: Prometheus' envelope for values and for errors.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use model::query::QueryError;
use serde::Serialize;

/// What went wrong, in the classes of Prometheus' HTTP API.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{0}")]
    BadData(String),
    #[error("{0}")]
    Unauthorized(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Execution(String),
    #[error("{0}")]
    Timeout(String),
    #[error("{0}")]
    Canceled(String),
    #[error("{0}")]
    TooManyRequests(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    UnsupportedMediaType(String),
    #[error("{0}")]
    Unavailable(String),
    /// Not served, as configured. Unlike what is unavailable, trying again is of no use.
    #[error("{0}")]
    SwitchedOff(String),
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    pub(crate) fn parameter(name: &str, message: impl std::fmt::Display) -> Self {
        Self::BadData(format!("invalid parameter {name:?}: {message}"))
    }

    fn class(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadData(_) => (StatusCode::BAD_REQUEST, "bad_data"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Execution(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
            Self::Timeout(_) => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
            // 499 is nginx' code for a client that left, as Prometheus uses it.
            Self::Canceled(_) => {
                (StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST), "canceled")
            }
            Self::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "bad_data"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_data"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            // As Prometheus has it.
            Self::SwitchedOff(_) => (StatusCode::INTERNAL_SERVER_ERROR, "unavailable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// Does what takes long, or waits for files, away from the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    status: &'static str,
    error_type: &'static str,
    error: &'a str,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error_type) = self.class();
        let error = self.to_string();
        if matches!(self, Self::Internal(_)) {
            tracing::warn!(%status, error, "request failed");
        }
        let body = ErrorBody { status: "error", error_type, error: &error };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized(_) => {
                headers
                    .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
            }
            Self::TooManyRequests(_) | Self::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Cancelled => Self::Canceled(error.to_string()),
            QueryError::Limit { .. } => Self::Execution(error.to_string()),
            QueryError::Damaged(_) | QueryError::Storage(_) => Self::Internal(error.to_string()),
        }
    }
}

/// `{"status":"success","data":…}`
#[derive(Serialize)]
struct Success<T: Serialize> {
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A value in the success envelope.
pub(crate) fn success<T: Serialize>(data: T) -> Response {
    success_with(data, Vec::new())
}

pub(crate) fn success_with<T: Serialize>(data: T, warnings: Vec<String>) -> Response {
    axum::Json(Success { status: "success", data, warnings }).into_response()
}

/// A body that is JSON already.
pub(crate) fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
