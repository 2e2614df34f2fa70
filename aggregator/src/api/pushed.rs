//! What a Prometheus has and this aggregator has none of: it pulls from no targets (agents do, and push
//! what they find), and evaluates no rules. Clients that ask get the shapes they expect, empty.

use axum::response::Response;
use serde_json::json;

use super::answer::success;
use crate::auth::Caller;

/// `GET /api/v1/targets`
pub(crate) async fn targets(Caller(_access): Caller) -> Response {
    success(json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}}))
}

/// `GET /api/v1/targets/metadata`
pub(crate) async fn target_metadata(Caller(_access): Caller) -> Response {
    success(json!([]))
}

/// `GET /api/v1/scrape_pools`
pub(crate) async fn scrape_pools(Caller(_access): Caller) -> Response {
    success(json!({"scrapePools": []}))
}

/// `GET /api/v1/alertmanagers`
pub(crate) async fn alertmanagers(Caller(_access): Caller) -> Response {
    success(json!({"activeAlertmanagers": [], "droppedAlertmanagers": []}))
}

/// `GET /api/v1/rules`
pub(crate) async fn rules(Caller(_access): Caller) -> Response {
    success(json!({"groups": []}))
}

/// `GET /api/v1/alerts`
pub(crate) async fn alerts(Caller(_access): Caller) -> Response {
    success(json!({"alerts": []}))
}
