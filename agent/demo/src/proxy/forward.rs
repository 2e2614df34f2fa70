//! One request: routed, sent on, answered.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{
        CONNECTION, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
        TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
    http::request::Parts,
};
use tokio::time::Instant;

use super::{
    Shared,
    body::{RequestBody, ResponseBody},
    entry::{Account, Failure},
    table::App,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What belongs to one connection only (RFC 9110, section 7.6.1), besides what `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Answers every request with something.
pub(super) async fn forward(
    shared: Arc<Shared>,
    client: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let routed =
        if head.method == Method::CONNECT { None } else { shared.table.route(&path, host) };
    let Some((app, path)) = routed else {
        shared.unrouted.fetch_add(1, Ordering::Relaxed);
        return Ok(own(StatusCode::NOT_FOUND, "no such app\n", None));
    };
    if let Some(query) = head.uri.query() {
        head.uri = format!("{path}?{query}").parse().unwrap_or_else(|_| Uri::from_static("/"));
    } else {
        head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    }
    prepare(&mut head, client);
    Ok(send(&shared, app, path, head, body).await)
}

async fn send(
    shared: &Arc<Shared>,
    app: &App,
    path: &str,
    head: Parts,
    body: Incoming,
) -> Response<ResponseBody> {
    let began = Instant::now();
    let instance = app.next();
    let target = instance.as_ref().map_or(&app.nobody, |instance| &instance.target);
    let mut account =
        Account::new(Arc::clone(shared), Arc::clone(target), head.method.as_str(), path);
    let Some(instance) = instance else { return failed(account, Failure::NoInstance) };
    let body = RequestBody::new(body, Arc::clone(&account.bytes_in));
    let deadline = began + shared.timeouts.response;
    let request = Request::from_parts(head, body);
    match instance.pool.send(request, shared.timeouts.connect, deadline).await {
        Err(failure) => failed(account, failure),
        Ok((response, sender)) => {
            let (mut head, body) = response.into_parts();
            remove_hop_by_hop(&mut head.headers);
            account.entry.code = head.status.as_u16();
            let deadline = began + shared.timeouts.total;
            let body = ResponseBody::from_instance(body, sender, instance, account, deadline);
            Response::from_parts(head, body)
        }
    }
}

fn failed(mut account: Account, failure: Failure) -> Response<ResponseBody> {
    account.fail(failure);
    let status = StatusCode::from_u16(failure.code()).unwrap_or(StatusCode::BAD_GATEWAY);
    let text = match failure {
        Failure::NoInstance => "no instance is up\n",
        Failure::Timeout => "the app did not answer in time\n",
        _ => "the app cannot be reached\n",
    };
    own(status, text, Some(account))
}

fn own(status: StatusCode, text: &'static str, account: Option<Account>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::own(text, account));
    *response.status_mut() = status;
    response
}

/// Makes the head one of the proxy's own request.
fn prepare(head: &mut Parts, client: SocketAddr) {
    remove_hop_by_hop(&mut head.headers);
    if let Ok(client) = HeaderValue::from_str(&client.ip().to_string()) {
        head.headers.append(FORWARDED_FOR, client);
    }
    if !head.headers.contains_key(HOST) {
        head.headers.insert(HOST, HeaderValue::from_static("localhost"));
    }
    head.version = hyper::Version::HTTP_11;
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}
