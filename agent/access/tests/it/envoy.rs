//! Envoy's access-log service over a real HTTP/2 connection, with curl for a client.

#![expect(clippy::disallowed_methods, reason = "a real client reads real files")]

use std::{collections::BTreeMap, net::TcpListener, process::Command};

use access::{config::SourceSettings, counting::Counting, sources};
use daemon::stop::Stop;
use requests::recorder::{Options, Recorder};

/// A message behind its length: one entry with code 204 (fields 2, 1, 4, 1, 1).
const FRAME: &[u8] =
    &[0, 0, 0, 0, 11, 0x12, 0x09, 0x0a, 0x07, 0x22, 0x05, 0x0a, 0x03, 0x08, 0xcc, 0x01];
const PATH: &str = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const MESSAGES: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_over_http_2_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("has an address");
    drop(listener);
    let source: SourceSettings = serde_json::from_value(serde_json::json!({
        "name": "envoy", "envoy": address, "owner": { "tenants": ["acme"], "app": "shop" },
    }))
    .expect("is a source");
    let counting = Counting::new(Recorder::new(Options::default()).expect("are valid options"));
    let stop = Stop::default();
    let tasks = sources::start(&[source], &counting, BTreeMap::new(), &stop).await.expect("starts");

    let dir = tempfile::tempdir().expect("is made");
    let (body, headers) = (dir.path().join("body"), dir.path().join("headers"));
    std::fs::write(&body, FRAME.repeat(MESSAGES)).expect("is written");
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--http2-prior-knowledge", "--max-time", "30"])
        .args(["--header", "content-type: application/grpc", "--header", "te: trailers"])
        .arg("--data-binary")
        .arg(format!("@{}", body.display()))
        .arg("--dump-header")
        .arg(&headers)
        .arg(format!("http://{address}{PATH}"))
        .output()
        .expect("curl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, [0; 5], "an empty message");
    let headers = std::fs::read_to_string(headers).expect("is readable");
    assert!(headers.starts_with("HTTP/2 200") && headers.contains("grpc-status: 0"), "{headers}");
    assert_eq!(counting.stats()[0].1.counted, MESSAGES as u64);

    stop.stop();
    for task in tasks {
        task.await.expect("ends");
    }
}
