//! What a Prometheus has and this aggregator has none of: it notifies nobody. Clients that ask get the
//! shape they expect, empty.

use axum::response::Response;
use serde_json::json;

use super::answer::success;
use crate::auth::Caller;

/// `GET /api/v1/alertmanagers`
pub(crate) async fn alertmanagers(Caller(_access): Caller) -> Response {
    success(json!({"activeAlertmanagers": [], "droppedAlertmanagers": []}))
}
