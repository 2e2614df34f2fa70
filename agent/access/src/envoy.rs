//! `envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs`: one endless call of each Envoy
//! thread, which is read as fast as it comes and answered when it ends.

use std::{convert::Infallible, future::ready, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::post,
};
use daemon::stop::Stop;
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use wire::{
    envoy::PATH,
    grpc::{Messages, Piece},
};

use crate::intake::Intake;

/// Streams read at the same time; an Envoy has one for each of its threads.
pub(crate) const STREAMS_MAX: usize = 1024;
/// Longer messages are passed over. Envoy sends what it gathered of 16 KiB, unless told otherwise.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 20;

const CONTENT_TYPE: &str = "application/grpc";
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// `StreamAccessLogsResponse`, which has no fields, behind its length.
const RESPONSE: &[u8] = &[0; 5];

/// Codes of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok = 0,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14,
}

#[derive(Clone, Debug)]
struct Service {
    intake: Arc<Intake>,
    streams: Arc<Semaphore>,
    stop: Stop,
}

/// Serves the call.
pub(crate) fn router(intake: Intake, streams_max: usize, stop: Stop) -> Router {
    let (intake, streams) = (Arc::new(intake), Arc::new(Semaphore::new(streams_max)));
    Router::new().route(PATH, post(call)).with_state(Service { intake, streams, stop })
}

async fn call(State(service): State<Service>, body: Body) -> Response {
    let Ok(_permit) = service.streams.try_acquire() else {
        service.intake.refused();
        return answer(Status::ResourceExhausted);
    };
    let status = tokio::select! {
        status = receive(&service.intake, body) => status,
        () = service.stop.stopped() => Status::Unavailable,
    };
    answer(status)
}

/// Counts all messages of a stream until it ends.
async fn receive(intake: &Intake, mut body: Body) -> Status {
    let mut messages = Messages::new(MESSAGE_BYTES_MAX);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { break };
        let Ok(data) = frame.into_data() else { continue };
        let mut compressed = false;
        messages.push(&data, |piece| match piece {
            Piece::Message(message, false) => intake.envoy(message),
            Piece::Message(_, true) => compressed = true,
            Piece::TooLong(_) => intake.refused(),
        });
        if compressed {
            intake.refused();
            return Status::Unimplemented;
        }
    }
    if !messages.is_between() {
        intake.refused();
    }
    Status::Ok
}

fn answer(status: Status) -> Response {
    let code = HeaderValue::from(status as u16);
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    if status != Status::Ok {
        return ([content_type, (STATUS, code)], ()).into_response();
    }
    let trailers = HeaderMap::from_iter([(STATUS, code)]);
    // A stream has no known length, so clients do not take the message's end for the answer's.
    let message = stream::iter([Ok::<_, Infallible>(Bytes::from_static(RESPONSE))]);
    let body = Body::from_stream(message);
    let body = body.with_trailers(ready(Some(Ok(trailers))));
    ([content_type], Body::new(body)).into_response()
}

#[cfg(test)]
mod tests;
