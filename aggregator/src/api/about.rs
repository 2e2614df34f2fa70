//! `/api/v1/status/{config,flags,runtimeinfo,walreplay}` and `/api/v1/notifications`: how the
//! aggregator is set up and how it is, for those who run it.

use axum::{extract, response::Response};
use jiff::Timestamp;
use serde_json::json;
use tenancy::access::{Access, Scope};

use super::answer::{ApiError, success};
use crate::{auth::Caller, config::Settings, state::State};

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
    let Settings { listen, data_dir, retention, allow_reload, body_mib_max, query, limits, tokens } =
        &state.settings;
    let yaml = format!(
        "listen: {listen:?}\ndata_dir: {data_dir:?}\nretention: {retention}\n\
         allow_reload: {allow_reload}\nbody_mib_max: {body_mib_max}\n\
         query:\n  timeout: {}\n  lookback: {}\n  samples_max: {}\n  concurrency: {}\n  \
         concurrency_per_caller: {}\n\
         limits:\n  active_series: {}\n  tenants: {}\n\
         tokens: {} # not shown\n",
        query.timeout,
        query.lookback,
        query.samples_max,
        query.concurrency,
        query.concurrency_per_caller,
        limits.active_series,
        limits.tenants,
        tokens.len(),
    );
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
        "web.enable-lifecycle": settings.allow_reload.to_string(),
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
        "lastConfigTime": rfc3339(state.started),
        "corruptionCount": stats.damaged_reads,
        "goroutineCount": 0,
        "GOMAXPROCS": threads,
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": state.settings.retention.to_string(),
    })))
}

fn rfc3339(time: model::time::Timestamp) -> String {
    Timestamp::from_millisecond(time.millis()).unwrap_or_default().to_string()
}
