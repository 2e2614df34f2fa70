//! A real Prometheus reads from us; both forms of answer hold the same samples; nobody reads
//! another's. Debian's Prometheus asks for samples only and knows no histograms in them, so the
//! stream and its histograms are read by our own decoder here.

use std::{path::Path, sync::Arc};

use codec::{
    checksum::crc32c,
    inflate::{Compression, compress, decompress},
    varint::{put_u64, take_u64},
    xor::{self, Encoding},
};
use e2e::{
    peers,
    process::{Process, free_port, wait_until},
    server::{ACME, GLOBEX, OPERATOR, Server, client},
    write::{now, send},
};
use model::{
    columns::Columns,
    histogram::{Histogram, Span},
    write::{HistogramSample, Sample, WriteBatch},
};
use reqwest::{StatusCode, blocking::Response};
use serde_json::Value;
use wire::remote_write::Version;

const SAMPLES: i64 = 500;

fn field(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_u64(out, number << 3 | 2);
    put_u64(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// A request for one metric over all time. `kind` is the matcher's.
fn request(kind: u64, metric: &str, response: u64) -> Vec<u8> {
    let (mut matcher, mut query, mut body) = (vec![0x08, kind as u8], Vec::new(), Vec::new());
    field(&mut matcher, 2, b"__name__");
    field(&mut matcher, 3, metric.as_bytes());
    query.extend([0x08, 0, 0x10]);
    put_u64(&mut query, i64::MAX as u64);
    field(&mut query, 3, &matcher);
    field(&mut body, 1, &query);
    body.extend([0x10, response as u8]);
    body
}

fn read(server: &Server, token: &str, plain: &[u8]) -> Response {
    let mut body = Vec::new();
    compress(Compression::Snappy, plain, &mut body).expect("compresses");
    server
        .post(token, "/api/v1/read")
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy")
        .header("x-prometheus-remote-read-version", "0.1.0")
        .body(body)
        .send()
        .expect("answers")
}

/// The length-delimited and varint fields of a message.
fn fields(mut message: &[u8]) -> Vec<(u64, u64, &[u8])> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = take_u64(&mut message).expect("has a tag");
        let number = take_u64(&mut message).expect("has a number");
        let content = if tag & 7 == 2 {
            let (content, rest) = message.split_at(number as usize);
            message = rest;
            content
        } else {
            &[]
        };
        found.push((tag >> 3, number, content));
    }
    found
}

/// Series and samples of a stream.
fn streamed(mut body: &[u8]) -> Vec<(String, Columns)> {
    let mut series: Vec<(String, Columns)> = Vec::new();
    while !body.is_empty() {
        let length = take_u64(&mut body).expect("has a length") as usize;
        let (checksum, rest) = body.split_first_chunk::<4>().expect("has a checksum");
        let (message, rest) = rest.split_at(length);
        assert_eq!(u32::from_be_bytes(*checksum), crc32c(message));
        body = rest;
        for (_, _, chunked) in fields(message).into_iter().filter(|field| field.0 == 1) {
            let parts = fields(chunked);
            let labels = parts.iter().filter(|part| part.0 == 1).flat_map(|part| fields(part.2));
            let labels: Vec<_> = labels.map(|part| String::from_utf8_lossy(part.2)).collect();
            let labels = labels.join(" ");
            if series.last().is_none_or(|last| last.0 != labels) {
                series.push((labels, Columns::default()));
            }
            let columns = &mut series.last_mut().expect("is there").1;
            for part in parts.iter().filter(|part| part.0 == 2) {
                let chunk = fields(part.2);
                let number = |wanted| chunk.iter().find(|part| part.0 == wanted).expect("is there");
                let before = columns.len();
                let encoding = Encoding::of(number(3).1).expect("is known");
                xor::decode(encoding, number(4).2, columns).expect("decodes");
                assert_eq!(columns.times[before] as u64, number(1).1);
                assert_eq!(columns.times[columns.len() - 1] as u64, number(2).1);
            }
        }
    }
    series
}

/// Ten minutes of floats and of histograms in acme's partition; returns the time of the last.
fn seed(server: &Server) -> i64 {
    let end = now();
    let mut batch = WriteBatch::default();
    let mut open = |labels: &mut [(&str, &str)]| batch.begin_series(labels).expect("is valid");
    open(&mut [("__name__", "read_floats"), ("job", "a")]);
    let times = (1..=SAMPLES).map(|n| (n, end - (SAMPLES - n) * 1000));
    for (n, time) in times.clone() {
        batch.push_sample(Sample { time, value: (n as f64).sqrt(), start: 0 });
    }
    for (job, factor) in [("whole", 1.0), ("fraction", 0.5)] {
        batch.begin_series(&mut [("__name__", "read_histograms"), ("job", job)]).expect("is valid");
        for (n, time) in times.clone() {
            let n = n as f64 * factor;
            let value = Histogram {
                schema: 1,
                zero_threshold: 0.001,
                count: n * 6.0,
                sum: n * 10.0,
                positive_spans: vec![Span { offset: -1, length: 2 }, Span { offset: 2, length: 1 }],
                positive_buckets: vec![n, n * 2.0, n * 2.0],
                negative_spans: vec![Span { offset: 0, length: 1 }],
                negative_buckets: vec![n],
                ..Histogram::default()
            };
            batch.push_histogram(HistogramSample { time, value: Arc::new(value), start: 0 });
        }
    }
    assert_eq!(send(server, ACME, Version::V2, &batch).status(), StatusCode::NO_CONTENT);
    end
}

fn prometheus(dir: &Path, port: u16, server: &Server, token: &str) -> Process {
    let config = format!(
        "remote_read:\n- url: {read}\n  read_recent: true\n  authorization: {{credentials: '{token}'}}\n",
        read = server.url("/api/v1/read"),
    );
    peers::prometheus(dir, port, &config)
}

#[test]
fn a_real_prometheus_answers_queries_over_our_samples() {
    if peers::left_out("Prometheus: remote read") {
        return;
    }
    let server = Server::start();
    let time = (seed(&server) as f64 / 1000.0).to_string();
    let client = client();
    let ask = |port: u16, query: &str| -> Option<Value> {
        let mut url = reqwest::Url::parse(&format!("http://127.0.0.1:{port}/api/v1/query")).ok()?;
        url.query_pairs_mut().extend_pairs([("query", query), ("time", &time)]);
        let body: Value = client.get(url).send().ok()?.json().ok()?;
        (body["status"] == "success").then(|| body["data"]["result"].clone())
    };
    let (ours, theirs) =
        (tempfile::tempdir().expect("is made"), tempfile::tempdir().expect("is made"));
    let (acme, globex) = (free_port(), free_port());
    let _acme = prometheus(ours.path(), acme, &server, ACME);
    let _globex = prometheus(theirs.path(), globex, &server, GLOBEX);
    for query in [
        "sum by (job) (sum_over_time(read_floats[10m]))",
        "count_over_time({__name__=~\"read_f.*\",job!=\"x\"}[10m])",
        "rate(read_floats{job=~\"a|b\"}[10m])",
        "read_nothing",
    ] {
        let found = wait_until("Prometheus to answer", || ask(acme, query)).expect("answers");
        let expected = &server.data(ACME, "/api/v1/query", &[("query", query), ("time", &time)]);
        assert_eq!(found, expected["result"], "{query}");
        assert!(query == "read_nothing" || found.get(0).is_some(), "{query}: {found}");
        let others = wait_until("Prometheus to answer", || ask(globex, query)).expect("answers");
        assert_eq!(others, Value::Array(Vec::new()), "{query} with another tenant's token");
    }
}

#[test]
fn a_stream_of_chunks_holds_every_sample_and_nobody_elses() {
    let server = Server::start();
    let end = seed(&server);
    let answer = read(&server, ACME, &request(2, "read_.*", 1));
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers()["content-type"],
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    );
    let series = streamed(&answer.bytes().expect("has a body"));
    let names: Vec<&str> = series.iter().map(|(labels, _)| labels.as_str()).collect();
    assert_eq!(
        names,
        [
            "__name__ read_floats job a",
            "__name__ read_histograms job fraction",
            "__name__ read_histograms job whole",
        ]
    );
    for (labels, columns) in &series {
        assert_eq!(columns.len(), SAMPLES as usize, "{labels}");
        assert_eq!(columns.times.last(), Some(&end), "{labels}");
    }
    assert_eq!(series[0].1.values.last(), Some(&(SAMPLES as f64).sqrt()));
    let last = &series[2].1.histograms.last().expect("is there").1;
    assert_eq!((last.count, last.positive_buckets[1]), (3000.0, 1000.0));

    let others = read(&server, GLOBEX, &request(2, "read_.*", 1));
    assert_eq!(others.status(), StatusCode::OK);
    assert!(others.bytes().expect("has a body").is_empty());
    let operators = read(&server, OPERATOR, &request(0, "read_floats", 1));
    let series = streamed(&operators.bytes().expect("has a body"));
    assert_eq!(series[0].0, "__name__ read_floats job a tenant acme");

    // The other form holds as many series.
    let answer = read(&server, ACME, &request(2, "read_.*", 0));
    assert_eq!(answer.headers()["content-encoding"], "snappy");
    let mut plain = Vec::new();
    decompress(Compression::Snappy, &answer.bytes().expect("has a body"), 1 << 20, &mut plain)
        .expect("decompresses");
    let result = fields(&plain);
    assert_eq!(result.len(), 1);
    assert_eq!(fields(result[0].2).len(), 3);
}

#[test]
fn hostile_requests_are_refused_with_the_reason() {
    let server = Server::start();
    seed(&server);
    let refused = |plain: &[u8], status: StatusCode, expected: &str| {
        let answer = read(&server, ACME, plain);
        assert_eq!(answer.status(), status);
        let text = answer.text().expect("has a body");
        assert!(text.contains(expected), "{text}");
    };
    let whole = request(0, "read_floats", 1);
    for cut in 1..whole.len() - 2 {
        let status = read(&server, ACME, &whole[..cut]).status();
        assert_eq!(status, StatusCode::BAD_REQUEST, "cut at {cut}");
    }
    refused(&request(2, "(", 1), StatusCode::BAD_REQUEST, "invalid regular expression");
    refused(&request(9, "a", 1), StatusCode::BAD_REQUEST, "invalid matcher type 9");
    refused(&request(0, "a", 5), StatusCode::BAD_REQUEST, "requested response types: [5]");
    let many: Vec<u8> = [0x0a, 0].repeat(1000);
    refused(&many, StatusCode::BAD_REQUEST, "limit of 64 queries");
    refused(&vec![0; 8 << 20], StatusCode::BAD_REQUEST, "exceeds the limit");
    let post = || server.post(ACME, "/api/v1/read");
    let answer = post().body(whole.clone()).send().expect("answers");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "not compressed");
    let answer = post().header("content-encoding", "br").body("x").send().expect("answers");
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let answer = read(&server, "wrong", &whole);
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = read(&server, e2e::server::AGENT, &whole);
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}
