//! The web page: embedded files under a strict content security policy.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::state::State;

pub(crate) fn router() -> Router<State> {
    Router::new()
        .route("/", get(serve))
        .route("/icon.svg", get(serve))
        .route("/favicon.ico", get(|headers: HeaderMap| async move { file("/icon.svg", &headers) }))
        .route("/assets/{*path}", get(serve))
}

async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    file(uri.path(), &headers)
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = dashboards::asset(path) else {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    };
    let takes_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    let compressed = asset.gzip.filter(|_| takes_gzip);
    let mut response = compressed.unwrap_or(asset.body).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    if compressed.is_some() {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let policy = HeaderValue::from_static(dashboards::content_security_policy());
    out.insert(header::CONTENT_SECURITY_POLICY, policy);
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
