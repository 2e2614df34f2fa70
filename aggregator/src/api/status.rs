//! What the aggregator says about itself and about its caller.

use std::collections::BTreeMap;

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
    success(serde_json::json!({
        "version": "3.14.0",
        "revision": concat!("tidewatch-", env!("CARGO_PKG_VERSION")),
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

/// `GET /api/v1/metadata?metric=&limit=`
pub(crate) async fn metadata(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let limit = usize::try_from(params.number("limit")?.unwrap_or(0)).unwrap_or(0);
    let tenants = State::tenants(&access);
    Ok(success(state.store.metadata(&tenants, params.get("metric"), limit)))
}

/// `GET /api/v1/status/tsdb`: how much each of the caller's tenants has stored.
pub(crate) async fn tsdb(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let stats = state.store.stats();
    let own = stats.tenants.iter().filter(|share| access.tenants.contains(&share.tenant));
    let by_tenant: BTreeMap<&str, serde_json::Value> = own
        .map(|share| {
            let numbers = serde_json::json!({
                "activeSeries": share.series,
                "samplesAppended": share.samples_appended,
                "samplesRejected": share.rejected,
            });
            (share.tenant.as_str(), numbers)
        })
        .collect();
    let series: u64 = stats
        .tenants
        .iter()
        .filter(|share| access.tenants.contains(&share.tenant))
        .map(|share| share.series)
        .sum();
    Ok(success(serde_json::json!({
        "headStats": { "numSeries": series },
        "tenants": by_tenant,
    })))
}
