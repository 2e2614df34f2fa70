//! What the aggregator says about itself and about its caller.

use axum::{extract, response::Response};
use serde::Serialize;
use tenancy::access::{Scope, Tenants};

use super::{
    answer::{ApiError, success},
    params::Params,
};
use crate::{auth::Caller, state::State};

#[derive(Serialize)]
struct Me {
    name: String,
    operator: bool,
    scopes: Vec<&'static str>,
    /// The tenants that the caller sees; for one that sees all, those with series at the moment.
    tenants: Vec<String>,
}

/// `GET /api/v1/me`: what the caller's token permits.
pub(crate) async fn me(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Response {
    let tenants = match &access.tenants {
        Tenants::One(one) => vec![one.to_string()],
        Tenants::Some(some) => some.iter().map(ToString::to_string).collect(),
        // An agent writes for all tenants and has no business knowing who they are.
        Tenants::All if access.require(&[Scope::MetricsRead]).is_err() => Vec::new(),
        Tenants::All => {
            state.store.stats().tenants.iter().map(|share| share.tenant.to_string()).collect()
        }
    };
    success(Me {
        name: access.name.clone(),
        operator: access.scopes.contains(&Scope::Operator),
        scopes: access.scopes.iter().map(|scope| scope.as_str()).collect(),
        tenants,
    })
}

/// `GET /api/v1/status/buildinfo`, by which Grafana tells what it talks to: no `features`, and a
/// version of Prometheus whose API this is.
pub(crate) async fn build_info(Caller(_access): Caller) -> Response {
    success(build())
}

/// `GET /version`: the same for those who have no token.
pub(crate) async fn version() -> axum::Json<serde_json::Value> {
    axum::Json(build())
}

fn build() -> serde_json::Value {
    serde_json::json!({
        "version": "3.14.0",
        "revision": concat!("tidewatch-", env!("CARGO_PKG_VERSION")),
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    })
}

/// `GET /api/v1/metadata?metric=&limit=&limit_per_metric=`
pub(crate) async fn metadata(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let number = |name: &str| match params.get(name).map(str::parse::<i64>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(usize::try_from(number).ok()),
        Some(Err(_)) => Err(ApiError::BadData(format!("{name} must be a number"))),
    };
    // Here, unlike elsewhere, zero is no result.
    let (limit, per_metric) = (number("limit")?, number("limit_per_metric")?.unwrap_or(0));
    let tenants = State::tenants(&access);
    let mut found = state.store.metadata(&tenants, params.get("metric"), limit.unwrap_or(0));
    if limit == Some(0) {
        found.clear();
    }
    if per_metric > 0 {
        found.values_mut().for_each(|all| all.truncate(per_metric));
    }
    Ok(success(found))
}
