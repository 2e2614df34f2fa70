//! Who is told of alerts. The aggregator itself tells nobody; rulers do, and report whom.

use axum::{extract, response::Response};
use serde_json::{Value, json};
use tenancy::access::Scope;

use super::answer::success;
use crate::{auth::Caller, state::State};

/// `GET /api/v1/alertmanagers`: empty for callers that do not see all tenants.
pub(crate) async fn alertmanagers(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Response {
    let active: Vec<Value> = if access.require(&[Scope::MetricsRead]).is_ok() {
        let urls = state.rulers.alertmanagers(&access, daemon::clock::now());
        urls.into_iter().map(|url| json!({"url": url})).collect()
    } else {
        Vec::new()
    };
    success(json!({"activeAlertmanagers": active, "droppedAlertmanagers": []}))
}
