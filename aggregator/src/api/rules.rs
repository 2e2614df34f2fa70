//! `/api/v1/rules` and `/api/v1/alerts`, from what rulers tell with
//! `PUT /api/v1/rulers/{name}/rules`.

mod filter;
mod shape;

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{self, Path},
    response::Response,
};
use model::{
    budget,
    ruler::{REPORT_MEMORY_MAX, RulerReport},
};
use tenancy::access::{Access, Scope};

use super::{
    answer::{ApiError, blocking, json, success},
    params::Params,
    series::look_up,
};
use crate::{auth::Caller, rulers::Refused, state::State};
use filter::Filter;

/// `PUT /api/v1/rulers/{name}/rules`
pub(crate) async fn report(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    access.require(&[Scope::Alerting])?;
    let permit = state.write_permit(&access).await?;
    blocking(move || {
        let _permit = permit;
        let (report, bytes) =
            budget::within(REPORT_MEMORY_MAX, body.len(), || serde_json::from_slice(&body))
                .map_err(|error| ApiError::BadData(format!("invalid JSON body: {error}")))?;
        let put = state.rulers.put(&access, &name, report, bytes, daemon::clock::now());
        put.map_err(|refused| match refused {
            Refused::Forbidden(error) => error.into(),
            Refused::Alertmanagers(_) => ApiError::TooLarge(refused.to_string()),
            Refused::Name => ApiError::BadData(refused.to_string()),
            Refused::Rulers | Refused::Bytes | Refused::BytesOfAll => {
                ApiError::TooManyRequests(refused.to_string())
            }
        })
    })
    .await?;
    Ok(success(()))
}

/// `GET /api/v1/rules`
pub(crate) async fn rules(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let filter = Filter::of(&params)?;
    answer(state, access, move |reports, access| {
        let groups = shape::visible(reports, access);
        let warnings = shape::left_out(&groups);
        shape::encode(&filter.rules(&groups, access)?, warnings)
    })
    .await
}

/// `GET /api/v1/alerts`
pub(crate) async fn alerts(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    answer(state, access, |reports, access| {
        let groups = shape::visible(reports, access);
        shape::encode(&shape::alerts(&groups, access), shape::left_out(&groups))
    })
    .await
}

/// Answers from what is known now. A list may be long, so it takes a query's place, away from the
/// async threads.
async fn answer(
    state: State,
    access: Arc<Access>,
    write: impl FnOnce(&[Arc<RulerReport>], &Access) -> Result<Vec<u8>, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let (shared, caller) = (state.clone(), Arc::clone(&access));
    let body = look_up(&state, &access, move |view| {
        let body = write(&shared.rulers.reports(daemon::clock::now()), &caller)?;
        view.check()?;
        Ok(body)
    });
    Ok(json(body.await?))
}
