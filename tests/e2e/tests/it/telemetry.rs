//! What the daemons say about themselves: metrics, health, and traces by OTLP when asked for.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    time::Duration,
};

use e2e::{
    process::PATIENCE,
    server::{ACME, Server},
};

#[test]
fn metrics_and_health_need_no_token_and_name_no_tenant() {
    let server = Server::start();
    assert_eq!(server.value(ACME, "vector(1)").as_deref(), Some("1"));
    let client = e2e::server::client();
    let text = |path: &str| {
        let answer = client.get(server.url(path)).send().expect("answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().expect("has a body")
    };
    assert_eq!(text("/-/healthy"), "Tidewatch is healthy.\n");
    assert_eq!(text("/-/ready"), "Tidewatch is ready.\n");
    let metrics = text("/metrics");
    for name in ["process_cpu_seconds_total", "aggregator_queries_total 1", "tsdb_wal_bytes"] {
        assert!(metrics.contains(name), "{name} is missing:\n{metrics}");
    }
    let reload = client.post(server.url("/-/reload")).send().expect("answers");
    assert_eq!(reload.status(), 403, "reload by HTTP is off unless configured");
}

#[test]
fn spans_are_exported_by_otlp() {
    let receiver = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = format!("http://{}", receiver.local_addr().expect("has an address"));
    let (bodies, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in receiver.incoming().map_while(Result::ok) {
            drop(bodies.send(answer(stream)));
        }
    });
    let server = Server::start_with(&format!("[telemetry]\notlp_endpoint = {endpoint:?}"));
    assert_eq!(server.value(ACME, "vector(1)").as_deref(), Some("1"));
    let request = received.recv_timeout(PATIENCE).expect("spans arrive");
    let text = String::from_utf8_lossy(&request);
    assert!(text.starts_with("POST /v1/traces HTTP/1.1"), "{text}");
    assert!(text.contains("tidewatch-aggregator") && text.contains("query"), "{text}");
}

/// Reads one request and accepts it.
fn answer(mut stream: std::net::TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    stream.set_read_timeout(Some(Duration::from_millis(500))).expect("is set");
    while let Ok(count @ 1..) = stream.read(&mut part) {
        request.extend_from_slice(&part[..count]);
    }
    drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
    request
}
