//! OTLP metrics go in as exporters send them and come out of queries.

use codec::inflate::{Compression, compress};
use e2e::{
    peers,
    process::run,
    server::{ACME, AGENT, GLOBEX, OPERATOR, Server},
    write::now,
};
use reqwest::{StatusCode, blocking::Response};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/otlp/v1/metrics";

fn nanos(millis: i64) -> String {
    format!("{millis}000000")
}

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }))
        .collect()
}

fn request(metrics: &Value) -> Value {
    let resource = attributes(&[("service.name", "shop"), ("host.name", "h1")]);
    json!({ "resourceMetrics": [{
        "resource": { "attributes": resource },
        "scopeMetrics": [{ "scope": { "name": "lib" }, "metrics": metrics }],
    }]})
}

fn sum(name: &str, temporality: u64, time: i64, value: i64) -> Value {
    json!({ "name": name, "unit": "By", "description": "Bytes sent", "sum": {
        "isMonotonic": true, "aggregationTemporality": temporality,
        "dataPoints": [{ "timeUnixNano": nanos(time), "startTimeUnixNano": nanos(time - 60_000),
            "asInt": value.to_string(), "attributes": attributes(&[("net.peer", "a")]) }],
    }})
}

fn histograms(time: i64) -> [Value; 2] {
    let explicit = json!({ "timeUnixNano": nanos(time), "count": "4", "sum": 5,
        "explicitBounds": [1, 2], "bucketCounts": ["1", "2", "1"] });
    let exponential = json!({ "timeUnixNano": nanos(time), "count": "4", "sum": 5, "scale": 1,
        "positive": { "offset": 0, "bucketCounts": ["1", "3"] } });
    [
        json!({ "name": "rpc.time", "unit": "s", "histogram": {
            "aggregationTemporality": 2, "dataPoints": [explicit] } }),
        json!({ "name": "rpc.size", "exponentialHistogram": {
            "aggregationTemporality": 2, "dataPoints": [exponential] } }),
    ]
}

fn export_json(server: &Server, token: &str, request: &Value) -> Response {
    server.post(token, PATH).json(request).send().expect("answers")
}

/// In protobuf, compressed with gzip, as exporters do by default.
fn export(server: &Server, token: &str, request: &Value) -> Response {
    let plain = wire::otlp::from_json(request.to_string().as_bytes()).expect("is a request");
    let mut body = Vec::new();
    compress(Compression::Gzip, &plain, &mut body).expect("compresses");
    server
        .post(token, PATH)
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "gzip")
        .body(body)
        .send()
        .expect("answers")
}

#[test]
fn metrics_of_every_kind_can_be_queried() {
    let server = Server::start();
    let time = now();
    let [explicit, exponential] = histograms(time);
    let metrics = json!([sum("net.io", 2, time, 42), explicit, exponential]);
    let answer = export(&server, ACME, &request(&metrics));
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/x-protobuf");
    assert!(answer.bytes().expect("has a body").is_empty());
    // The same again does no harm, in the other encoding.
    let answer = export_json(&server, ACME, &request(&metrics));
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().expect("has a body"), "{}");
    for (query, expected) in [
        ("net_io_bytes_total{job=\"shop\",net_peer=\"a\"}", "42"),
        ("rpc_time_seconds_bucket{le=\"2\"}", "3"),
        ("rpc_time_seconds_count", "4"),
        ("histogram_quantile(0.5, rpc_time_seconds_bucket)", "1.5"),
        ("histogram_count(rpc_size)", "4"),
        ("histogram_sum(rpc_size)", "5"),
        ("target_info{host_name=\"h1\",job=\"shop\"}", "1"),
        (
            "net_io_bytes_total * on (job) group_left (host_name) target_info{host_name=\"h1\"}",
            "42",
        ),
    ] {
        assert_eq!(server.value(ACME, query).as_deref(), Some(expected), "{query}");
        assert_eq!(server.value(GLOBEX, query), None, "{query} of another tenant");
    }
    let metadata = server.data(ACME, "/api/v1/metadata", &[("metric", "net_io_bytes_total")]);
    assert_eq!(
        metadata["net_io_bytes_total"],
        json!([{ "type": "counter", "help": "Bytes sent", "unit": "bytes" }])
    );
}

#[test]
fn what_is_refused_is_counted_in_the_answer() {
    let server = Server::start();
    let time = now();
    let mixed = request(&json!([sum("good", 2, time, 1), sum("delta", 1, time, 1)]));
    let answer = export_json(&server, ACME, &mixed);
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().expect("is JSON");
    assert_eq!(body["partialSuccess"]["rejectedDataPoints"], "1");
    let message = body["partialSuccess"]["errorMessage"].as_str().expect("is text");
    assert!(message.contains("1 temporality (e.g. metric \"delta\")"), "{message}");
    let answer = export(&server, ACME, &mixed);
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.bytes().expect("has a body");
    assert_eq!((body[0], &body[2..4]), (0x0a, &[0x08, 1][..]), "partial_success of one point");

    // Nothing that could be stored: an error.
    let old = request(&json!([sum("old", 2, 1000, 1)]));
    let answer = export_json(&server, ACME, &old);
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let body: Value = answer.json().expect("is JSON");
    assert_eq!(body["code"], 3);
    assert!(body["message"].as_str().expect("is text").contains("too_old"), "{body}");
}

#[test]
fn hostile_requests_are_refused_with_the_reason() {
    let server = Server::start();
    let good = request(&json!([sum("m", 2, now(), 1)]));
    let plain = wire::otlp::from_json(good.to_string().as_bytes()).expect("is a request");
    let post = |content_type: &str, body: &[u8]| {
        let request = server.post(ACME, PATH).header("content-type", content_type);
        let answer = request.body(body.to_vec()).send().expect("answers");
        (answer.status(), answer.text().expect("has a body"))
    };
    let protobuf = "application/x-protobuf";
    for (content_type, body, status, expected) in [
        (
            "text/plain",
            &plain[..],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported content type: text/plain",
        ),
        (protobuf, &plain[..plain.len() - 3], StatusCode::BAD_REQUEST, "corrupt message at byte"),
        (protobuf, &[0xff; 40], StatusCode::BAD_REQUEST, "corrupt message at byte 0"),
        (
            "application/json",
            b"{\"resourceMetrics\":3}",
            StatusCode::BAD_REQUEST,
            "should be an object",
        ),
        ("application/json; charset=utf-8", b"nonsense", StatusCode::BAD_REQUEST, "invalid JSON"),
    ] {
        let (found, text) = post(content_type, body);
        assert_eq!(found, status, "{text}");
        assert!(text.contains(expected), "{text:?} should say {expected:?}");
    }
    let answer = server.post(ACME, PATH).header("content-encoding", "br").json(&good).send();
    assert_eq!(answer.expect("answers").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let answer = server.post(ACME, PATH).header("content-encoding", "gzip").json(&good).send();
    assert_eq!(answer.expect("answers").status(), StatusCode::BAD_REQUEST, "is not gzip");
    assert_eq!(export(&server, "wrong", &good).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(export(&server, OPERATOR, &good).status(), StatusCode::FORBIDDEN);
    assert_eq!(post("application/x-protobuf", b"").0, StatusCode::OK, "an empty request is one");
}

/// Calls the service with curl and returns its output: headers and trailers, and the body's bytes.
fn call(server: &Server, token: &str, headers: &[&str], body: &[u8]) -> (String, Vec<u8>) {
    let dir = tempfile::tempdir().expect("is created");
    let (sent, got) = (dir.path().join("sent"), dir.path().join("got"));
    std::fs::write(&sent, body).expect("is written");
    let service = "opentelemetry.proto.collector.metrics.v1.MetricsService";
    let mut curl = std::process::Command::new("curl");
    curl.args(["--silent", "--verbose", "--http2-prior-knowledge", "--max-time", "30"]);
    curl.args(["-H", "content-type: application/grpc", "-H", "te: trailers"]);
    curl.arg("-H").arg(format!("authorization: Bearer {token}"));
    curl.args(headers.iter().flat_map(|header| ["-H", header]));
    curl.arg("--data-binary").arg(format!("@{}", sent.display())).arg("--output").arg(&got);
    let output = curl.arg(server.url(&format!("/{service}/Export"))).output().expect("curl runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    (told, std::fs::read(&got).unwrap_or_default())
}

#[test]
fn metrics_come_over_grpc_too() {
    if peers::left_out("curl: gRPC") {
        return;
    }
    let server = Server::start();
    let time = now();
    let frame = |compressed: u8, message: &[u8]| {
        let length = u32::try_from(message.len()).expect("fits").to_be_bytes();
        [&[compressed], &length[..], message].concat()
    };
    let message = |metrics: &Value| {
        wire::otlp::from_json(request(metrics).to_string().as_bytes()).expect("is a request")
    };
    let plain = message(&json!([sum("plain", 2, time, 1)]));
    let (told, body) = call(&server, ACME, &[], &frame(0, &plain));
    assert!(told.contains("HTTP/2 200") && told.contains("< grpc-status: 0"), "{told}");
    assert_eq!(body, [0; 5]);
    assert_eq!(server.value(ACME, "plain_bytes_total").as_deref(), Some("1"));
    assert_eq!(server.value(GLOBEX, "plain_bytes_total"), None);

    let mixed = message(&json!([sum("packed", 2, time, 2), sum("delta", 1, time, 2)]));
    let mut packed = Vec::new();
    compress(Compression::Gzip, &mixed, &mut packed).expect("compresses");
    let (told, body) = call(&server, ACME, &["grpc-encoding: gzip"], &frame(1, &packed));
    assert!(told.contains("< grpc-status: 0"), "{told}");
    assert_eq!((body[0], body[5], &body[7..9]), (0, 0x0a, &[0x08, 1][..]), "one point refused");
    assert_eq!(server.value(ACME, "packed_bytes_total").as_deref(), Some("2"));

    for (token, body, status, expected) in [
        ("wrong", frame(0, &plain), 16, "grpc-message: "),
        (OPERATOR, frame(0, &plain), 7, "grpc-message: "),
        (ACME, plain.clone(), 3, "not one whole message"),
        (ACME, frame(1, &plain), 3, "grpc-encoding does not say how"),
        (ACME, frame(0, &[0xff; 9]), 3, "corrupt message at byte 0"),
    ] {
        let (told, _) = call(&server, token, &[], &body);
        assert!(told.contains(&format!("< grpc-status: {status}")), "{told}");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn an_agents_attributes_name_the_tenant() {
    let server = Server::start();
    let mut metric = sum("m", 2, now(), 7);
    let own = attributes(&[("tenant", "globex")]);
    metric["sum"]["dataPoints"][0]["attributes"] = own;
    let mut wanted = request(&json!([metric]));
    wanted["resourceMetrics"][0]["resource"] = json!({});
    assert_eq!(export(&server, AGENT, &wanted).status(), StatusCode::OK);
    assert_eq!(server.value(GLOBEX, "m_bytes_total").as_deref(), Some("7"));
    assert_eq!(server.value(ACME, "m_bytes_total"), None);
}

#[test]
fn translation_follows_the_configuration() {
    let server = Server::start_with(
        "[aggregator.otlp]\ntranslation_strategy = \"NoTranslation\"\n\
         convert_histograms_to_nhcb = true\npromote_scope_metadata = true\n\
         promote_resource_attributes = [\"host.name\"]\nallow_delta_temporality = true\n",
    );
    let time = now();
    let [explicit, _] = histograms(time);
    let metrics = json!([sum("net.io", 1, time, 42), explicit]);
    assert_eq!(export(&server, ACME, &request(&metrics)).status(), StatusCode::OK);
    let labels = "\"host.name\"=\"h1\",otel_scope_name=\"lib\"";
    for (query, expected) in [
        (format!("{{\"net.io\",{labels}}}"), "42"),
        (format!("histogram_quantile(0.5, {{\"rpc.time\",{labels}}})"), "1.5"),
    ] {
        assert_eq!(server.value(ACME, &query).as_deref(), Some(expected), "{query}");
    }
}

#[test]
fn deltas_add_up_where_the_configuration_says_so() {
    let server =
        Server::start_with("[aggregator.otlp]\ndelta = \"cumulative\"\ndelta_streams_max = 2");
    let start = now() - 60_000;
    let send = |name: &str, after: i64, value: i64| {
        let request = request(&json!([sum(name, 1, start + after, value)]));
        let body: Value = export_json(&server, ACME, &request).json().expect("is JSON");
        body["partialSuccess"]["errorMessage"].as_str().unwrap_or_default().to_owned()
            + body["message"].as_str().unwrap_or_default()
    };
    for (after, value) in [(0, 5), (10_000, 2), (10_000, 2), (20_000, 3)] {
        assert_eq!(send("jobs", after, value), "");
    }
    let jobs = "{__name__=~\"jobs.*\"}";
    assert_eq!(server.value(ACME, jobs).as_deref(), Some("10"));
    let late = send("jobs", 15_000, 1);
    assert!(late.contains("delta out of order"), "{late}");
    assert_eq!(send("more", 0, 1), "");
    let over = send("over", 0, 1);
    assert!(over.contains("delta streams"), "{over}");
    assert_eq!(server.value(ACME, jobs).as_deref(), Some("10"));
    let metrics = server.get(ACME, "/metrics", &[]).text().expect("is text");
    for line in [
        "aggregator_otlp_delta_streams 2",
        "aggregator_otlp_delta_points_total{outcome=\"Added\"} 4",
        "aggregator_otlp_delta_points_total{outcome=\"Repeated\"} 1",
        "aggregator_otlp_delta_points_total{outcome=\"OutOfOrder\"} 1",
        "aggregator_otlp_delta_points_total{outcome=\"OverLimit\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    for (lines, expected) in [
        ("translation_strategy = \"Underscores\"", "NoUTF8EscapingWithSuffixes"),
        ("ignore_resource_attributes = [\"a\"]", "needs promote_all_resource_attributes"),
        (
            "promote_all_resource_attributes = true\npromote_resource_attributes = [\"a\"]",
            "exclude each other",
        ),
        ("allow_delta_temporality = true\ndelta = \"cumulative\"", "exclude each other"),
        ("delta = \"keep\"", "`reject` or `cumulative`"),
    ] {
        let file = tempfile::NamedTempFile::with_suffix(".toml").expect("is created");
        std::fs::write(file.path(), format!("[aggregator.otlp]\n{lines}\n")).expect("is written");
        let output = run(&["check", "config", &file.path().to_string_lossy()]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}
