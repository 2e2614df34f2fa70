//! What a Prometheus has and this aggregator has none of: it evaluates no rules. Clients that ask get
//! the shapes they expect, empty.

use axum::response::Response;
use serde_json::json;

use super::answer::success;
use crate::auth::Caller;

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
