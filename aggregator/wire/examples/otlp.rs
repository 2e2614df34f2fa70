//! How fast OTLP metrics become series: a request of 5,000 counters with 8 attributes each, then one
//! of 500 histograms with 10 bounds, the best of several rounds, on one core.
//!
//! `cargo run --release -p wire --example otlp`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and reports")]

use std::time::Instant;

use model::write::WriteBatch;
use serde_json::{Value, json};
use wire::{
    decode::DecodeOptions,
    otlp::{Strategy, Translation, decode, from_json},
};

const COUNTERS: usize = 5_000;
const HISTOGRAMS: usize = 500;
const ROUNDS: usize = 30;
const TIME: &str = "1700000000000000000";

fn attributes(number: usize) -> Value {
    let text = |value: String| json!({ "stringValue": value });
    json!([
        { "key": "http.request.method", "value": text("GET".to_owned()) },
        { "key": "http.response.status_code", "value": { "intValue": "200" } },
        { "key": "http.route", "value": text(format!("/api/v{}/orders", number % 7)) },
        { "key": "url.scheme", "value": text("https".to_owned()) },
        { "key": "server.address", "value": text(format!("10.0.{}.{}", number / 250, number % 250)) },
        { "key": "k8s.pod.name", "value": text(format!("web-{number:08x}")) },
        { "key": "deployment.environment", "value": text("production".to_owned()) },
        { "key": "region", "value": text("fra1".to_owned()) },
    ])
}

fn request(metric: &Value) -> Vec<u8> {
    let resource = json!([
        { "key": "service.name", "value": { "stringValue": "shop" } },
        { "key": "host.name", "value": { "stringValue": "h1" } },
    ]);
    let request = json!({ "resourceMetrics": [{
        "resource": { "attributes": resource }, "scopeMetrics": [{ "metrics": [metric] }],
    }]});
    from_json(request.to_string().as_bytes()).expect("is a request")
}

fn counters() -> Vec<u8> {
    let point = |n: usize| json!({ "timeUnixNano": TIME, "asInt": n.to_string(), "attributes": attributes(n) });
    let points: Vec<Value> = (0..COUNTERS).map(point).collect();
    request(&json!({ "name": "http.server.requests", "unit": "{request}", "sum": {
        "isMonotonic": true, "aggregationTemporality": 2, "dataPoints": points } }))
}

fn histograms() -> Vec<u8> {
    let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let point = |n: usize| {
        json!({ "timeUnixNano": TIME, "count": "55", "sum": 12.5, "attributes": attributes(n),
            "explicitBounds": bounds, "bucketCounts": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] })
    };
    let points: Vec<Value> = (0..HISTOGRAMS).map(point).collect();
    request(&json!({ "name": "http.server.request.duration", "unit": "s", "histogram": {
        "aggregationTemporality": 2, "dataPoints": points } }))
}

fn main() {
    for (what, body) in [("counters", counters()), ("histograms", histograms())] {
        for strategy in [Strategy::UnderscoreEscapingWithSuffixes, Strategy::NoTranslation] {
            let translation = Translation { strategy, ..Translation::default() };
            let mut batch = WriteBatch::default();
            let rounds = (0..ROUNDS).map(|_| {
                batch.clear();
                let started = Instant::now();
                decode(&body, &translation, &DecodeOptions::default(), &mut batch, None)
                    .expect("decodes");
                started.elapsed()
            });
            let best = rounds.min().unwrap_or_default();
            let samples = batch.sample_count();
            println!(
                "{what:<12} {strategy:?}: {:.2} M samples/s ({samples} samples of {} bytes)",
                samples as f64 / best.as_secs_f64() / 1e6,
                body.len(),
            );
        }
    }
}
