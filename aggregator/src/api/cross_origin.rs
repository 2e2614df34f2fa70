//! Scripts of other sites: any may call the API, as no browser adds a token by itself.
//!
//! Source: the Fetch standard, "CORS protocol"; headers as Prometheus sends them.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

const ALLOWED: [(header::HeaderName, &str); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
];

/// Answers what a browser asks before it calls, and marks the answers of the API.
pub(crate) async fn allow(request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/v1/") {
        return next.run(request).await;
    }
    let has_origin = request.headers().contains_key(header::ORIGIN);
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    mark(response.headers_mut(), has_origin);
    response
}

fn mark(headers: &mut HeaderMap, has_origin: bool) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if has_origin {
        headers.extend(ALLOWED.map(|(name, value)| (name, HeaderValue::from_static(value))));
    }
}
