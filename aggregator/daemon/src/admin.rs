//! The endpoints that every daemon has: `/metrics`, `/-/healthy`, `/-/ready`, `/-/reload`.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use tokio::sync::watch;

use crate::{metrics, metrics::Metrics, stop::Stop};

/// Whether the daemon can serve, with the reason why not yet. Clones are the same.
#[derive(Clone, Debug)]
pub struct Readiness {
    waiting_for: watch::Sender<Option<String>>,
}

impl Readiness {
    /// Not ready, for the reason given.
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self { waiting_for: watch::Sender::new(Some(reason.into())) }
    }

    pub fn wait(&self, reason: impl Into<String>) {
        self.waiting_for.send_replace(Some(reason.into()));
    }

    pub fn ready(&self) {
        self.waiting_for.send_replace(None);
    }

    /// Why the daemon is not ready; `None` when it is.
    pub fn reason(&self) -> Option<String> {
        self.waiting_for.borrow().clone()
    }

    /// Returns once the daemon is ready.
    pub async fn until_ready(&self) {
        let mut waiting_for = self.waiting_for.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        if waiting_for.wait_for(Option::is_none).await.is_err() {
            tracing::error!("the readiness signal was lost");
        }
    }
}

#[derive(Clone, Debug)]
struct Admin {
    metrics: Metrics,
    readiness: Readiness,
    stop: Stop,
}

/// The admin routes, to be merged into a daemon's own. `/-/reload` is served only when
/// `allow_reload` is set: whoever reaches the port could otherwise call it.
pub fn router(metrics: Metrics, readiness: Readiness, stop: Stop, allow_reload: bool) -> Router {
    let reload =
        if allow_reload { post(reload).put(reload) } else { post(forbidden).put(forbidden) };
    Router::new()
        .route("/metrics", get(serve_metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", reload)
        .with_state(Admin { metrics, readiness, stop })
}

async fn serve_metrics(State(admin): State<Admin>) -> Response {
    match admin.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn healthy() -> &'static str {
    "Tidewatch is healthy.\n"
}

async fn ready(State(admin): State<Admin>) -> Response {
    match admin.readiness.reason() {
        None => "Tidewatch is ready.\n".into_response(),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("Not ready: {reason}.\n")).into_response()
        }
    }
}

async fn reload(State(admin): State<Admin>) -> &'static str {
    admin.stop.reload();
    "Reload requested.\n"
}

async fn forbidden() -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, "Reload by HTTP is off; send SIGHUP instead.\n")
}
