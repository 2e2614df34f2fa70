//! From a request's headers to what its caller may do.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use tenancy::access::{Access, Forbidden};

use crate::{api::answer::ApiError, state::State};

/// An authenticated caller. A handler that takes this cannot be reached without a valid token.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Arc<Access>);

impl FromRequestParts<State> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, ApiError> {
        let token = token_of(&parts.headers);
        let access = state
            .tokens()
            .authenticate(token.as_deref(), daemon::clock::now())
            .map(|access| Arc::new(access.clone()))
            .map_err(|error| {
                state.metrics.unauthorized.inc();
                ApiError::Unauthorized(error.to_string())
            })?;
        Ok(Self(access))
    }
}

impl From<Forbidden> for ApiError {
    fn from(error: Forbidden) -> Self {
        Self::Forbidden(error.to_string())
    }
}

/// The token of `Authorization: Bearer <token>`, or the password of `Authorization: Basic …`, which
/// is all that some clients know how to send.
fn token_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => {
            let decoded = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
            decoded.split_once(':').map(|(_user, password)| password.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
