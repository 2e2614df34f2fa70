//! Tests of the call: too long, compressed, too many.

use axum::{
    body::Body,
    http::{Request, StatusCode},
    response::Response,
};
use daemon::stop::Stop;
use http_body_util::BodyExt;
use tower::ServiceExt;
use wire::envoy::PATH;

use super::{MESSAGE_BYTES_MAX, router};
use crate::{
    counting::{Counting, SourceStats},
    intake::tests::{by_code, counting, source},
};

/// An entry with code 204, by hand: fields 2, 1, 4, 1, 1.
const MESSAGE: &[u8] = &[0x12, 0x09, 0x0a, 0x07, 0x22, 0x05, 0x0a, 0x03, 0x08, 0xcc, 0x01];

fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("is short").to_be_bytes();
    [&[flag], &length[..], message].concat()
}

async fn call(counting: &Counting, streams: usize, body: Vec<u8>) -> (Option<String>, Vec<u8>) {
    let service = router(counting.intake(&source("")), streams, Stop::default());
    let request = Request::post(PATH).body(Body::from(body)).expect("is a request");
    let response: Response = service.oneshot(request).await.expect("answers");
    assert_eq!(response.status(), StatusCode::OK);
    let at_once = response.headers().get("grpc-status").cloned();
    let collected = response.into_body().collect().await.expect("has a body");
    let status = at_once.or(collected.trailers().and_then(|all| all.get("grpc-status").cloned()));
    let status = status.map(|status| status.to_str().expect("is text").to_owned());
    (status, collected.to_bytes().to_vec())
}

#[tokio::test]
async fn a_stream_is_counted_and_answered_at_its_end() {
    let counting = counting();
    let body = [
        frame(0, MESSAGE),
        frame(0, &vec![0; MESSAGE_BYTES_MAX + 1]),
        frame(0, b"\xff\xff"),
        frame(0, MESSAGE),
    ];
    let (status, answer) = call(&counting, 1, body.concat()).await;
    assert_eq!((status.as_deref(), answer), (Some("0"), vec![0; 5]));
    let expect = SourceStats { counted: 2, refused: 2, ..SourceStats::default() };
    assert_eq!(counting.stats()[0].1, expect);
    assert_eq!(by_code(&counting, "acme").into_iter().collect::<Vec<_>>(), [("204".to_owned(), 2)]);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    for (streams, body, status) in [
        (1, frame(1, MESSAGE), "12"),
        (0, frame(0, MESSAGE), "8"),
        (1, frame(0, MESSAGE)[..9].to_vec(), "0"),
    ] {
        let counting = counting();
        assert_eq!(call(&counting, streams, body).await.0.as_deref(), Some(status));
        let expect = SourceStats { refused: 1, ..SourceStats::default() };
        assert_eq!(counting.stats()[0].1, expect, "{status}");
    }
}
