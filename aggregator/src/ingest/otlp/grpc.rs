//! `opentelemetry.proto.collector.metrics.v1.MetricsService/Export` over gRPC.
//!
//! A unary call is a POST over HTTP/2 whose body is one message behind a byte that says whether it
//! is compressed and its length in four bytes, big-endian. The answer is the same, with the status
//! in trailers; an answer without a message has it in its headers.
//! Source: "gRPC over HTTP2" of the gRPC documentation.

use std::{convert::Infallible, fmt::Write};

use axum::{
    body::{Body, Bytes},
    extract,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use codec::inflate::Compression;
use futures_util::stream;
use http_body_util::BodyExt;
use wire::otlp::Status;

use super::{Encoding, receive, status_of, unreadable};
use crate::{api::answer::ApiError, auth::Caller, encoding::compression_in, state::State};

/// Where the call is routed.
pub(crate) const PATH: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

const CONTENT_TYPE: &str = "application/grpc";
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Longest error message in a header.
const MESSAGE_BYTES_MAX: usize = 1024;

pub(crate) async fn export(
    extract::State(state): extract::State<State>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match call(&state, caller, &headers, &body).await {
        Ok(message) => succeed(&message),
        Err(error) => fail(&error),
    }
}

async fn call(
    state: &State,
    caller: Result<Caller, ApiError>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Vec<u8>, ApiError> {
    let Caller(access) = caller?;
    let (compression, message) = read(headers, body).map_err(|error| unreadable(state, error))?;
    let partial = receive(state, &access, Encoding::Protobuf, compression, message).await?;
    Ok(partial.map(|partial| partial.encode(Encoding::Protobuf)).unwrap_or_default())
}

/// The message of a body and how it is compressed.
fn read(headers: &HeaderMap, body: &Bytes) -> Result<(Option<Compression>, Bytes), ApiError> {
    let bad = |what: &str| ApiError::BadData(what.to_owned());
    let (compressed, message) =
        unframe(body).ok_or_else(|| bad("the body is not one whole message"))?;
    if !compressed {
        return Ok((None, message));
    }
    let compression = compression_in(headers, ENCODING)?
        .ok_or_else(|| bad("the message is compressed, but grpc-encoding does not say how"))?;
    Ok((Some(compression), message))
}

/// The one message of a body, and whether it is compressed.
fn unframe(body: &Bytes) -> Option<(bool, Bytes)> {
    let (&[compressed, a, b, c, d], message) = body.split_first_chunk::<5>()?;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    (compressed <= 1 && message.len() == length).then(|| (compressed == 1, body.slice(5..)))
}

fn succeed(message: &[u8]) -> Response {
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(message);
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from(0))]);
    // A stream has no known length, so clients do not take the message's end for the answer's.
    let frame = stream::iter([Ok::<_, Infallible>(Bytes::from(frame))]);
    let body = Body::from_stream(frame).with_trailers(std::future::ready(Some(Ok(trailers))));
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], Body::new(body)).into_response()
}

fn fail(error: &ApiError) -> Response {
    let code = match status_of(error) {
        // Exporters retry this one without being told when.
        Status::ResourceExhausted => Status::Unavailable,
        other => other,
    };
    let mut message = String::new();
    for byte in error.to_string().into_bytes().into_iter().take(MESSAGE_BYTES_MAX) {
        match byte {
            b' '..=b'~' if byte != b'%' => message.push(byte.into()),
            // Writing to a string cannot fail.
            _ => write!(message, "%{byte:02X}").unwrap_or_default(),
        }
    }
    let mut response = ([(header::CONTENT_TYPE, CONTENT_TYPE)], ()).into_response();
    response.headers_mut().insert(STATUS, HeaderValue::from(code as u16));
    if let Ok(message) = HeaderValue::try_from(message) {
        response.headers_mut().insert(MESSAGE, message);
    }
    response
}

#[cfg(test)]
mod tests;
