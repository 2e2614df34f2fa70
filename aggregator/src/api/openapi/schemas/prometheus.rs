//! Shapes of Prometheus' HTTP API.

use serde_json::{Value, json};

use super::{flag, integer, list, map, number, object, reference, text, tuple, whole};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut all = basics();
    all.extend(queries());
    all.extend(status());
    all.extend(tsdb());
    all
}

fn basics() -> Vec<(&'static str, Value)> {
    let error = object(
        &["status", "errorType", "error"],
        json!({
            "status": {"const": "error"},
            "errorType": {
                "type": "string",
                "description": "Among them bad_data, execution, canceled, timeout, internal, unavailable, \
                                not_found, unauthorized, forbidden, conflict, too_many_requests.",
            },
            "error": text(),
        }),
    );
    vec![
        ("Text", text()),
        ("Texts", list(text())),
        ("Object", json!({"type": "object"})),
        (
            "Time",
            json!({
                "description": "Seconds since the Unix epoch, or RFC 3339.",
                "oneOf": [number(), {"type": "string", "format": "date-time"}],
            }),
        ),
        (
            "Duration",
            json!({
                "description": "Seconds, or a number with a unit such as 5m.",
                "oneOf": [number(), text()],
            }),
        ),
        ("Labels", map(text())),
        ("LabelSets", list(reference("Labels"))),
        ("Error", error),
    ]
}

fn queries() -> Vec<(&'static str, Value)> {
    let seconds = || json!({"type": "number", "description": "Seconds since the Unix epoch."});
    let value = || json!({"type": "string", "description": "A number, NaN, +Inf or -Inf."});
    let data = |kind: &str, result: Value| {
        object(
            &["resultType", "result"],
            json!({
                "resultType": {"const": kind}, "result": result, "stats": reference("QueryStats"),
            }),
        )
    };
    let vector = object(
        &["metric"],
        json!({
            "metric": reference("Labels"),
            "value": reference("Sample"),
            "histogram": reference("HistogramSample"),
        }),
    );
    let matrix = object(
        &["metric"],
        json!({
            "metric": reference("Labels"),
            "values": list(reference("Sample")),
            "histograms": list(reference("HistogramSample")),
        }),
    );
    let bucket =
        tuple(&[json!({"type": "integer", "minimum": 0, "maximum": 3}), value(), value(), value()]);
    let histogram = object(
        &["count", "sum"],
        json!({
            "count": value(), "sum": value(), "buckets": list(bucket),
        }),
    );
    let exemplar =
        whole(json!({"labels": reference("Labels"), "value": value(), "timestamp": seconds()}));
    let exemplars =
        whole(json!({"seriesLabels": reference("Labels"), "exemplars": list(exemplar)}));
    let metadata = whole(json!({"type": text(), "help": text(), "unit": text()}));
    let node = json!({
        "type": "object", "required": ["type"], "properties": {"type": text()},
        "description": "A node of the syntax tree; what else it has depends on its type.",
    });
    vec![
        ("Sample", tuple(&[seconds(), value()])),
        ("HistogramSample", tuple(&[seconds(), reference("Histogram")])),
        ("Histogram", histogram),
        (
            "QueryData",
            json!({"oneOf": [
                data("vector", list(vector)),
                data("matrix", list(matrix)),
                data("scalar", reference("Sample")),
                data("string", tuple(&[seconds(), text()])),
            ]}),
        ),
        ("QueryStats", query_stats()),
        ("Exemplars", list(exemplars)),
        ("Metadata", map(list(metadata))),
        ("Node", node),
    ]
}

fn query_stats() -> Value {
    let timings = [
        "evalTotalTime",
        "resultSortTime",
        "queryPreparationTime",
        "innerEvalTime",
        "execQueueTime",
        "execTotalTime",
    ];
    let timings: serde_json::Map<String, Value> =
        timings.into_iter().map(|name| (name.to_owned(), number())).collect();
    let samples = whole(json!({
        "totalQueryableSamples": integer(), "samplesRead": integer(), "peakSamples": integer(),
    }));
    whole(json!({"timings": whole(timings.into()), "samples": samples}))
}

fn status() -> Vec<(&'static str, Value)> {
    let build = ["version", "revision", "branch", "buildUser", "buildDate", "goVersion"];
    let texts = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| ((*name).to_owned(), text()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut runtime = texts(&[
        "startTime",
        "CWD",
        "hostname",
        "serverTime",
        "lastConfigTime",
        "GOGC",
        "GODEBUG",
        "storageRetention",
    ]);
    for name in ["corruptionCount", "goroutineCount", "GOMAXPROCS", "GOMEMLIMIT"] {
        runtime[name] = integer();
    }
    runtime["reloadConfigSuccess"] = flag();
    let family = object(
        &["name", "type", "metric"],
        json!({
            "name": text(), "help": text(), "type": text(), "unit": text(),
            "metric": list(json!({"type": "object"})),
        }),
    );
    let notification = whole(json!({
        "text": text(), "date": {"type": "string", "format": "date-time"}, "active": flag(),
    }));
    let states = json!({"type": "string", "enum": ["waiting", "in progress", "done"]});
    vec![
        ("BuildInfo", whole(texts(&build))),
        ("RuntimeInfo", whole(runtime)),
        ("Config", whole(json!({"yaml": text()}))),
        ("Flags", map(text())),
        ("Features", map(map(flag()))),
        ("SelfMetrics", list(family)),
        (
            "WalReplay",
            whole(json!({
                "min": integer(), "max": integer(), "current": integer(), "state": states,
            })),
        ),
        ("Notification", notification),
        ("Notifications", list(reference("Notification"))),
        ("Snapshot", whole(json!({"name": text()}))),
    ]
}

fn tsdb() -> [(&'static str, Value); 2] {
    let counted = || list(whole(json!({"name": text(), "value": integer()})));
    let head = whole(json!({
        "numSeries": integer(), "numLabelPairs": integer(), "chunkCount": integer(),
        "minTime": integer(), "maxTime": integer(),
    }));
    let share = whole(json!({
        "activeSeries": integer(), "samplesAppended": integer(), "samplesRejected": integer(),
    }));
    let tsdb = whole(json!({
        "headStats": head,
        "seriesCountByMetricName": counted(),
        "labelValueCountByLabelName": counted(),
        "memoryInBytesByLabelName": counted(),
        "seriesCountByLabelValuePair": counted(),
        "tenants": map(share),
    }));
    let block = whole(json!({
        "ulid": text(), "minTime": integer(), "maxTime": integer(), "version": integer(),
        "stats": whole(json!({"numSamples": integer(), "numSeries": integer()})),
        "compaction": object(&["level"], json!({"level": integer(), "sources": list(text())})),
    }));
    [("TsdbStatus", tsdb), ("TsdbBlocks", whole(json!({"blocks": list(block)})))]
}
