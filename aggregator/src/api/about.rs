//! `/api/v1/status/{config,flags,runtimeinfo}`: how the aggregator is set up and how it is, for those
//! who run it.

use axum::{extract, response::Response};
use serde_json::json;
use tenancy::access::{Access, Scope};
use wire::time::rfc3339;

use super::answer::{ApiError, success};
use crate::{auth::Caller, state::State};

/// Paths, addresses and limits are no tenant's business.
fn require_operator(access: &Access) -> Result<(), ApiError> {
    Ok(access.require(&[Scope::Operator])?)
}

/// `GET /api/v1/status/config`: the settings in force, as YAML, without tokens.
pub(crate) async fn config(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    require_operator(&access)?;
    // JSON is YAML too.
    let yaml = serde_json::to_string_pretty(&state.settings)
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(success(json!({ "yaml": yaml })))
}

/// `GET /api/v1/status/flags`: the settings that Prometheus has as flags, under its names.
pub(crate) async fn flags(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    require_operator(&access)?;
    let settings = &state.settings;
    let query = &settings.query;
    Ok(success(json!({
        "query.lookback-delta": query.lookback.to_string(),
        "query.max-concurrency": query.concurrency.to_string(),
        "query.max-samples": query.samples_max.to_string(),
        "query.timeout": query.timeout.to_string(),
        "storage.tsdb.path": settings.data_dir.display().to_string(),
        "storage.tsdb.retention.time": settings.retention.to_string(),
        "web.enable-admin-api": settings.admin_api.to_string(),
        "web.enable-lifecycle": (settings.allow_reload && settings.allow_quit).to_string(),
        "web.enable-remote-write-receiver": "true",
        "web.listen-address": settings.listen.to_string(),
    })))
}

/// `GET /api/v1/status/runtimeinfo`
pub(crate) async fn runtime_info(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    require_operator(&access)?;
    let stats = state.store.stats();
    let directory = std::env::current_dir().unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let reloaded = state.metrics.reload_succeeded.get() == 1;
    Ok(success(json!({
        "startTime": rfc3339(state.started),
        "CWD": directory.display().to_string(),
        "hostname": rustix::system::uname().nodename().to_string_lossy(),
        "serverTime": rfc3339(daemon::clock::now()),
        "reloadConfigSuccess": reloaded,
        "lastConfigTime": rfc3339(state.front.configured()),
        "corruptionCount": stats.damaged_reads,
        "goroutineCount": 0,
        "GOMAXPROCS": threads,
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": state.settings.retention.to_string(),
    })))
}
