//! From a request's headers to what its caller may do.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::tenant::{TENANT_HEADER, TenantId};
use tenancy::access::{Access, Forbidden};

use crate::{api::answer::ApiError, front::Front};

/// An authenticated caller. A handler that takes this cannot be reached without a valid token.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Arc<Access>);

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Front: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let front = Front::from_ref(state);
        let token = token_of(&parts.headers);
        let access =
            front.tokens().authenticate(token.as_deref(), daemon::clock::now()).cloned().map_err(
                |error| {
                    front.unauthorized.inc();
                    ApiError::Unauthorized(error.to_string())
                },
            )?;
        Ok(Self(Arc::new(bound(access, &parts.headers)?)))
    }
}

impl From<Forbidden> for ApiError {
    fn from(error: Forbidden) -> Self {
        Self::Forbidden(error.to_string())
    }
}

/// The caller's rights, for one tenant only where the request says so.
fn bound(access: Access, headers: &HeaderMap) -> Result<Access, ApiError> {
    let mut named = headers.get_all(TENANT_HEADER).iter();
    let Some(name) = named.next() else { return Ok(access) };
    if named.next().is_some() {
        return Err(ApiError::BadData(format!("the header {TENANT_HEADER} is given twice")));
    }
    let tenant = TenantId::new(&String::from_utf8_lossy(name.as_bytes()))
        .map_err(|error| ApiError::BadData(error.to_string()))?;
    Ok(access.bound_to(&tenant)?)
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
