//! Requests in, series out. Requests are written in JSON, which becomes protobuf on the way.

use model::{labels::Labels, write::WriteBatch};
use serde_json::{Value, json};

use super::*;
use crate::skipped::SkipReason;

mod deltas;
mod hostile;

/// Nanoseconds of the data points, and the milliseconds they become.
const TIME: &str = "1700000001500999999";
const START: &str = "1700000000000000000";

fn request(resource: &Value, metrics: &Value) -> Value {
    json!({ "resourceMetrics": [{
        "resource": resource,
        "scopeMetrics": [{
            "schemaUrl": "https://schema",
            "scope": {
                "name": "lib", "version": "1.2",
                "attributes": [{ "key": "build.id", "value": { "intValue": "7" } }],
            },
            "metrics": metrics,
        }],
    }]})
}

fn attributes(pairs: &[(&str, &str)]) -> Value {
    let all =
        pairs.iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }));
    all.collect()
}

/// A metric with one data point that has a time.
fn metric(name: &str, unit: &str, kind: &str, mut data: Value, mut point: Value) -> Value {
    point["timeUnixNano"] = TIME.into();
    data["dataPoints"] = json!([point]);
    json!({ "name": name, "unit": unit, "description": "help", kind: data })
}

fn cumulative() -> Value {
    json!({ "aggregationTemporality": 2 })
}

fn translate(request: &Value, translation: &Translation) -> (WriteBatch, Decoded) {
    let body = from_json(request.to_string().as_bytes()).expect("is a request");
    let mut batch = WriteBatch::default();
    let decoded = decode(&body, translation, &DecodeOptions::default(), &mut batch, None);
    (batch, decoded.expect("decodes"))
}

/// Series as `labels value` with the start in brackets if there is one, and exemplars behind `#`.
fn show(batch: &WriteBatch) -> Vec<String> {
    let lines = batch.series().map(|series| {
        let mut line = Labels::from_bytes(series.labels).expect("is packed").to_string();
        for sample in series.samples {
            line += &format!(" {}", sample.value);
            if sample.start != 0 {
                line += &format!(" [{}]", sample.start);
            }
        }
        for sample in series.histograms {
            let h = &*sample.value;
            line += &format!(" schema {} count {} sum {}", h.schema, h.count, h.sum);
            line += &format!(" zero {}@{}", h.zero_count, h.zero_threshold);
            let spans = |spans: &[model::histogram::Span]| -> Vec<_> {
                spans.iter().map(|span| (span.offset, span.length)).collect()
            };
            line += &format!(" {:?} {:?}", spans(&h.positive_spans), h.positive_buckets);
            line += &format!(" {:?} {:?}", spans(&h.negative_spans), h.negative_buckets);
            line += &format!(" {:?}", h.custom_values);
        }
        for exemplar in series.exemplars {
            line += &format!(" # {} {}", exemplar.labels, exemplar.value);
        }
        line
    });
    lines.collect()
}

fn check(metrics: &Value, translation: &Translation, expected: &[&str]) {
    let (batch, decoded) = translate(&request(&json!({}), metrics), translation);
    assert_eq!(show(&batch), expected);
    assert_eq!(decoded.points_refused, 0);
    assert!(decoded.stats.skipped.is_empty(), "{}", decoded.stats.skipped);
    for series in batch.series() {
        assert!(series.samples.iter().all(|sample| sample.time == 1_700_000_001_500));
    }
}

#[test]
fn numbers_become_one_series_each() {
    let mut monotonic = cumulative();
    monotonic["isMonotonic"] = true.into();
    let counted = json!({
        "asInt": "5", "startTimeUnixNano": START,
        "attributes": attributes(&[("http.route", "/a"), ("http_route", "/b")]),
        "exemplars": [{ "asDouble": 1.5, "timeUnixNano": TIME, "spanId": "00000000000000ff",
            "traceId": "0102030405060708090a0b0c0d0e0f10",
            "filteredAttributes": attributes(&[("user", "x")]) }],
    });
    let gauge = json!({ "asDouble": "NaN", "startTimeUnixNano": START });
    check(
        &json!([
            metric("http.requests", "{req}", "sum", monotonic, counted),
            metric(
                "in.flight",
                "",
                "sum",
                cumulative(),
                json!({ "asInt": -3, "startTimeUnixNano": START })
            ),
            metric("used", "1", "gauge", json!({}), gauge),
            metric("gone", "", "gauge", json!({}), json!({ "flags": 1 })),
        ]),
        &Translation::default(),
        &[
            r#"http_requests_total{http_route="/a;/b"} 5 [1700000000000] # {span_id="00000000000000ff", trace_id="0102030405060708090a0b0c0d0e0f10", user="x"} 1.5"#,
            "in_flight -3",
            "used_ratio NaN",
            "gone NaN",
        ],
    );
}

#[test]
fn a_value_that_is_no_more_is_a_staleness_marker() {
    let buckets = json!({ "flags": 1, "sum": 1.0, "explicitBounds": [1], "bucketCounts": [0, 0] });
    let metrics = json!([
        metric("a", "", "gauge", json!({}), json!({ "flags": 1, "asInt": 4 })),
        metric("b", "", "histogram", cumulative(), buckets),
        metric("c", "", "exponentialHistogram", cumulative(), json!({ "flags": 1 })),
        metric("d", "", "summary", json!({}), json!({ "flags": 1 })),
    ]);
    let (batch, _) = translate(&request(&json!({}), &metrics), &Translation::default());
    assert_eq!(batch.sample_count(), 1 + 4 + 1 + 2);
    for series in batch.series() {
        assert!(series.samples.iter().all(|sample| model::columns::is_stale(sample.value)));
        assert!(series.histograms.iter().all(|sample| model::columns::is_stale(sample.value.sum)));
    }
}

fn explicit() -> Value {
    let point = json!({
        "startTimeUnixNano": START, "count": "12", "sum": 34.5,
        "explicitBounds": [0.005, 1, 10, 1e3], "bucketCounts": ["0", "4", "0", "6", "2"],
        "exemplars": [
            { "asDouble": 2000.0, "timeUnixNano": TIME }, { "asInt": "1", "timeUnixNano": TIME },
        ],
    });
    json!([metric("latency", "ms", "histogram", cumulative(), point)])
}

#[test]
fn explicit_buckets_become_classic_ones() {
    check(
        &explicit(),
        &Translation::default(),
        &[
            "latency_milliseconds_sum 34.5 [1700000000000]",
            "latency_milliseconds_count 12 [1700000000000]",
            r#"latency_milliseconds_bucket{le="0.005"} 0 [1700000000000]"#,
            r#"latency_milliseconds_bucket{le="1"} 4 [1700000000000] # {} 1"#,
            r#"latency_milliseconds_bucket{le="10"} 4 [1700000000000]"#,
            r#"latency_milliseconds_bucket{le="1000"} 10 [1700000000000]"#,
            r#"latency_milliseconds_bucket{le="+Inf"} 12 [1700000000000] # {} 2000"#,
        ],
    );
}

#[test]
fn explicit_buckets_become_custom_ones_when_asked() {
    let translation = Translation { convert_histograms_to_nhcb: true, ..Translation::default() };
    check(
        &explicit(),
        &translation,
        &["latency_milliseconds schema -53 count 12 sum 34.5 zero 0@0 [(1, 4)] \
           [4.0, 0.0, 6.0, 2.0] [] [] [0.005, 1.0, 10.0, 1000.0] # {} 1 # {} 2000"],
    );
}

#[test]
fn exponential_buckets_move_by_one_and_are_merged_when_too_fine() {
    let point = |scale: i32, offset: i32, counts: &[u64]| {
        json!({
            "count": "9", "sum": -2, "scale": scale, "zeroCount": "3",
            "positive": { "offset": offset, "bucketCounts": counts },
            "negative": { "offset": -1, "bucketCounts": ["1"] },
        })
    };
    for (scale, offset, counts, expected) in [
        (2, 0, &[1u64, 2, 3][..], "schema 2 count 9 sum -2 zero 3@0.0000 [(1, 3)] [1.0, 2.0, 3.0]"),
        // Two empty buckets are written, three are left out; ends are cut off.
        (
            0,
            -3,
            &[0, 1, 0, 0, 1, 0, 0, 0, 1, 0],
            "schema 0 count 9 sum -2 zero 3@0.0000 [(-1, 4), (3, 1)] [1.0, 0.0, 0.0, 1.0, 1.0]",
        ),
        // Two steps too fine: four buckets become one, aligned to multiples of four.
        (
            10,
            -1,
            &[1, 2, 3, 4, 5, 6],
            "schema 8 count 9 sum -2 zero 3@0.0000 [(0, 3)] [1.0, 14.0, 6.0]",
        ),
        (-4, 7, &[], "schema -4 count 9 sum -2 zero 3@0.0000 [] []"),
    ] {
        let metrics = json!([metric(
            "e",
            "",
            "exponentialHistogram",
            cumulative(),
            point(scale, offset, counts)
        )]);
        let (batch, _) = translate(&request(&json!({}), &metrics), &Translation::default());
        let threshold = 1e-128f64.to_string();
        let found = show(&batch).join("").replace(&threshold, "0.0000");
        assert_eq!(found, format!("e {expected} [(0, 1)] [1.0] []"), "scale {scale}");
    }
    let too_coarse =
        json!([metric("e", "", "exponentialHistogram", cumulative(), point(-5, 0, &[]))]);
    let (batch, decoded) = translate(&request(&json!({}), &too_coarse), &Translation::default());
    assert!(batch.is_empty());
    assert_eq!(
        decoded.stats.skipped.get(SkipReason::InvalidHistogram).map(|skip| skip.count),
        Some(1)
    );
    assert_eq!((decoded.points, decoded.points_refused), (1, 1));
}

#[test]
fn summaries_become_quantiles_a_sum_and_a_count() {
    let point = json!({
        "count": "4", "sum": 2, "attributes": attributes(&[("a", "b")]),
        "quantileValues": [{ "quantile": 0.5, "value": 1 }, { "quantile": 1, "value": 3 }],
    });
    check(
        &json!([metric("s", "s", "summary", json!({}), point)]),
        &Translation::default(),
        &[
            r#"s_seconds_sum{a="b"} 2"#,
            r#"s_seconds_count{a="b"} 4"#,
            r#"s_seconds{a="b", quantile="0.5"} 1"#,
            r#"s_seconds{a="b", quantile="1"} 3"#,
        ],
    );
}

#[test]
fn delta_is_refused_and_counted_unless_allowed() {
    let sum = json!({ "aggregationTemporality": 1, "isMonotonic": true });
    let unsaid = json!({ "isMonotonic": true });
    let metrics = json!([
        metric("d", "", "sum", sum, json!({ "asInt": 1 })),
        metric("u", "", "sum", unsaid, json!({ "asInt": 1 })),
    ]);
    let (batch, decoded) = translate(&request(&json!({}), &metrics), &Translation::default());
    assert!(batch.is_empty());
    assert_eq!((decoded.points, decoded.points_refused), (2, 2));
    let skipped = decoded.stats.skipped.get(SkipReason::Temporality).expect("is counted");
    assert_eq!((skipped.count, skipped.samples), (2, 2));
    let allowed = Translation { allow_delta_temporality: true, ..Translation::default() };
    let (batch, decoded) = translate(&request(&json!({}), &metrics), &allowed);
    assert_eq!(show(&batch), ["d_total 1"]);
    assert_eq!(decoded.points_refused, 1);
    assert_eq!(batch.metadata()[0].1.kind, model::metadata::MetricType::Unknown);
}

fn service() -> Value {
    json!({ "attributes": attributes(&[
        ("service.name", "shop"), ("service.namespace", "eu"), ("service.instance.id", "i-1"),
        ("k8s.pod", "p"), ("cloud.zone", "z"),
    ]) })
}

#[test]
fn resources_and_scopes_become_labels_as_configured() {
    let metrics = json!([metric(
        "m",
        "",
        "gauge",
        json!({}),
        json!({ "asInt": 1, "attributes": attributes(&[("job", "x")]) })
    ),]);
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let base = Translation::default();
    let target = r#"target_info{cloud_zone="z", instance="i-1", job="eu/shop", k8s_pod="p"} 1"#;
    for (translation, expected) in [
        (base.clone(), [r#"m{instance="i-1", job="eu/shop"} 1"#, target]),
        (
            Translation { promote: Promote::These(set(&["k8s.pod"])), ..base.clone() },
            [r#"m{instance="i-1", job="eu/shop", k8s_pod="p"} 1"#, target],
        ),
        (
            Translation {
                promote: Promote::AllBut(set(&["k8s.pod", "service.namespace"])),
                ..base.clone()
            },
            [
                r#"m{cloud_zone="z", instance="i-1", job="eu/shop", service_instance_id="i-1", service_name="shop"} 1"#,
                target,
            ],
        ),
        (
            Translation { promote_scope_metadata: true, ..base.clone() },
            [
                r#"m{instance="i-1", job="eu/shop", otel_scope_build_id="7", otel_scope_name="lib", otel_scope_schema_url="https://schema", otel_scope_version="1.2"} 1"#,
                target,
            ],
        ),
        (
            Translation {
                keep_identifying_resource_attributes: true,
                strategy: Strategy::NoTranslation,
                ..base
            },
            [
                r#"m{instance="i-1", job="eu/shop"} 1"#,
                r#"target_info{"cloud.zone"="z", instance="i-1", job="eu/shop", "k8s.pod"="p", "service.instance.id"="i-1", "service.name"="shop", "service.namespace"="eu"} 1"#,
            ],
        ),
    ] {
        let (batch, _) = translate(&request(&service(), &metrics), &translation);
        assert_eq!(show(&batch), expected, "{translation:?}");
    }
    // A resource that says nothing beyond who it is needs no description.
    let bare = json!({ "attributes": attributes(&[("service.name", "shop")]) });
    let (batch, _) = translate(&request(&bare, &metrics), &Translation::default());
    assert_eq!(show(&batch), [r#"m{job="shop"} 1"#]);
}

#[test]
fn target_info_reaches_from_the_first_to_the_last_sample() {
    let point = |seconds: u64| json!({ "timeUnixNano": seconds * 1_000_000_000, "asInt": 1 });
    for (last, expected) in [(1000, 1), (1001, 2), (1150, 2), (1400, 4), (u64::MAX >> 33, 257)] {
        let gauge = json!({ "dataPoints": [point(1000), point(last)] });
        let metrics = json!([{ "name": "m", "gauge": gauge }]);
        let (batch, _) = translate(&request(&service(), &metrics), &Translation::default());
        let info = batch.series().last().expect("is there");
        let times: Vec<i64> = info.samples.iter().map(|sample| sample.time).collect();
        assert_eq!((times[0], times[times.len() - 1]), (1_000_000, last as i64 * 1000));
        assert!(times.is_sorted_by(|a, b| a < b));
        let bound = if expected == 257 { 256..=258 } else { expected..=expected };
        assert!(bound.contains(&times.len()), "{last}: {}", times.len());
    }
}

#[test]
fn attributes_of_every_type_become_text() {
    let value = json!({ "kvlistValue": { "values": [
        { "key": "z", "value": { "arrayValue": { "values": [
            { "intValue": "-1" }, { "boolValue": true }, { "doubleValue": 0.5 }, {}, { "stringValue": "\"\n" },
        ] } } },
        { "key": "a", "value": { "bytesValue": "AQI=" } },
    ] } });
    for (value, expected) in [
        (json!({ "stringValue": "x" }), "x"),
        (json!({ "boolValue": false }), "false"),
        (json!({ "intValue": -9007199254740993i64 }), "-9007199254740993"),
        (json!({ "doubleValue": 1e21 }), "1e+21"),
        (json!({ "doubleValue": 1e-7 }), "1e-7"),
        (json!({ "bytesValue": "AQI=" }), "AQI="),
        (value, r#"{"a":"AQI=","z":[-1,true,0.5,null,"\"\n"]}"#),
    ] {
        let point = json!({ "asInt": 1, "attributes": [{ "key": "v", "value": value }] });
        let metrics = json!([metric("m", "", "gauge", json!({}), point)]);
        let (batch, _) = translate(&request(&json!({}), &metrics), &Translation::default());
        let labels = Labels::from_bytes(batch.series().next().expect("is there").labels);
        assert_eq!(labels.expect("is packed").get("v"), Some(expected));
    }
}

#[test]
fn metrics_are_described_once() {
    let mut metrics = explicit();
    metrics[0]["histogram"]["dataPoints"] = json!([metrics[0]["histogram"]["dataPoints"][0], { "timeUnixNano": TIME, "attributes": attributes(&[("a", "b")]) }]);
    let (batch, _) = translate(&request(&json!({}), &metrics), &Translation::default());
    let [(name, metadata)] = batch.metadata() else { panic!("one description") };
    assert_eq!(name, "latency_milliseconds");
    assert_eq!((metadata.help.as_str(), metadata.unit.as_str()), ("help", "milliseconds"));
    assert_eq!(metadata.kind, model::metadata::MetricType::Histogram);
}
