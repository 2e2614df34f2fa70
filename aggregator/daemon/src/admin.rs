//! The endpoints that every daemon has: `/metrics`, `/-/healthy`, `/-/ready`, `/-/reload`,
//! `/-/quit`.

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use tokio::sync::watch;

use crate::{
    metrics,
    metrics::{Metrics, text},
    stop::Stop,
};

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

/// The paths of [`router`] with their methods.
pub const ROUTES: [(&str, &[&str]); 5] = [
    ("/metrics", &["get"]),
    ("/-/healthy", &["get"]),
    ("/-/ready", &["get"]),
    ("/-/reload", &["post", "put"]),
    ("/-/quit", &["post", "put"]),
];

/// Says that a daemon that is not ready is not about to stop either. The name is what clients of
/// Prometheus look for.
pub const STARTING: (HeaderName, HeaderValue) = stopping("false");

const fn stopping(value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static("x-prometheus-stopping"), HeaderValue::from_static(value))
}

/// Longest wait for a reload, which is put off while a daemon starts.
const RELOAD_MAX: Duration = Duration::from_secs(10);

/// What whoever reaches the port may do to the daemon; nothing unless told otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lifecycle {
    pub reload: bool,
    pub quit: bool,
}

/// The admin routes, to be merged into a daemon's own.
pub fn router(metrics: Metrics, readiness: Readiness, stop: Stop, lifecycle: Lifecycle) -> Router {
    let reload = match lifecycle.reload {
        true => post(reload).put(reload),
        false => post(no_reload).put(no_reload),
    };
    let quit = match lifecycle.quit {
        true => post(quit).put(quit),
        false => post(no_quit).put(no_quit),
    };
    Router::new()
        .route("/metrics", get(serve_metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", reload.get(wrong_method))
        .route("/-/quit", quit.get(wrong_method))
        .with_state(Admin { metrics, readiness, stop })
}

async fn serve_metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    match admin.metrics.encode() {
        Ok(open) if text::wants_open_metrics(accept) => {
            ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], open).into_response()
        }
        Ok(open) => {
            let headers = [(header::CONTENT_TYPE, text::CONTENT_TYPE)];
            (headers, text::from_open_metrics(&open)).into_response()
        }
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
            let is_stopping = if admin.stop.is_stopping() { stopping("true") } else { STARTING };
            let told = format!("Not ready: {reason}.\n");
            (StatusCode::SERVICE_UNAVAILABLE, [is_stopping], told).into_response()
        }
    }
}

async fn reload(State(admin): State<Admin>) -> Response {
    let number = admin.stop.reload();
    tokio::select! {
        reloaded = admin.stop.reloaded(number) => match reloaded {
            Ok(()) => "Reloaded.\n".into_response(),
            Err(error) => {
                let told = format!("failed to reload config: {error}\n");
                (StatusCode::INTERNAL_SERVER_ERROR, told).into_response()
            }
        },
        () = admin.stop.stopped() => (StatusCode::SERVICE_UNAVAILABLE, "Stopping.\n").into_response(),
        () = tokio::time::sleep(RELOAD_MAX) => {
            (StatusCode::ACCEPTED, "Reload requested; it is not done yet.\n").into_response()
        }
    }
}

async fn quit(State(admin): State<Admin>) -> &'static str {
    if admin.stop.is_stopping() {
        return "Stopping already.\n";
    }
    admin.stop.stop();
    "Stopping.\n"
}

async fn wrong_method() -> Response {
    let allow = (header::ALLOW, "POST, PUT");
    (StatusCode::METHOD_NOT_ALLOWED, [allow], "Only POST or PUT requests allowed\n").into_response()
}

async fn no_quit() -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, "Stopping by HTTP is off; send SIGTERM instead.\n")
}

async fn no_reload() -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, "Reload by HTTP is off; send SIGHUP instead.\n")
}
