//! What agents and rulers tell, as it comes over HTTP.

use axum::{
    body::Body,
    http::{Method, Request},
};
use codec::inflate::{Compression, compress};
use serde_json::{Value, json};

use super::{ACME, Api, Got, OPERATOR, SENDER};

async fn put(api: &Api, path: &str, encoding: Option<&str>, body: Vec<u8>) -> Got {
    let request = Request::builder().method(Method::PUT).uri(path);
    let mut request = request.header("authorization", format!("Bearer {SENDER}"));
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    api.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn reports_are_compressed_like_any_other_body() {
    let api = Api::new();
    let report = json!({ "pools": [{ "name": "p", "tenant": "acme" }] }).to_string().into_bytes();
    let mut gzip = Vec::new();
    compress(Compression::Gzip, &report, &mut gzip).unwrap();
    for (encoding, body, expected) in [
        (None, &report, 204),
        (Some(""), &report, 204),
        (Some("Identity"), &report, 204),
        (Some("gzip"), &gzip, 204),
        (Some("GZIP"), &gzip, 204),
        (Some("x-gzip"), &gzip, 204),
        (Some("br"), &gzip, 415),
        (None, &gzip, 400),
    ] {
        let got = put(&api, "/api/v1/nodes/n/targets", encoding, body.clone()).await;
        assert_eq!(got.status, expected, "{encoding:?}: {}", got.text);
    }
    assert_eq!(api.data(ACME, "/api/v1/scrape_pools").await["scrapePools"], json!(["p"]));
}

/// A hundred bytes of memory for each of text.
#[tokio::test]
async fn a_report_that_takes_too_much_memory_is_refused() {
    let api = Api::new();
    let rules = vec![json!({}); 1000];
    let pool = json!({ "name": "p", "tenant": "acme", "rules": rules });
    let report =
        |pools: usize| json!({ "pools": vec![pool.clone(); pools] }).to_string().into_bytes();
    let got = put(&api, "/api/v1/nodes/n/targets", None, report(1)).await;
    assert_eq!(got.status, 204, "{}", got.text);
    let got = put(&api, "/api/v1/nodes/n/targets", None, report(1000)).await;
    assert_eq!(got.status, 400);
    assert!(got.text.contains("it takes too much memory"), "{}", got.text);
}

#[tokio::test]
async fn a_ruler_has_a_name_and_a_share() {
    let api = Api::new();
    let told = json!({ "groups": [] }).to_string().into_bytes();
    let of = |name: &str| format!("/api/v1/rulers/{name}/rules");
    assert_eq!(put(&api, &of(&"n".repeat(129)), None, told.clone()).await.status, 400);
    for number in 0..64 {
        assert_eq!(put(&api, &of(&number.to_string()), None, told.clone()).await.status, 200);
    }
    let refused = put(&api, &of("one-more"), None, told.clone()).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(put(&api, &of("63"), None, told).await.status, 200);
    let groups: Value = api.data(OPERATOR, "/api/v1/rules").await;
    assert_eq!(groups["groups"], json!([]));
}
