//! Shapes that Prometheus has not: tokens, usage, events and commands.

use serde_json::{Value, json};

use super::{flag, integer, list, map, number, object, reference, text, whole};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut all = events();
    let limits = whole(json!({
        "activeSeries": integer(), "newSeriesPerSecond": number(), "samplesPerSecond": number(),
        "bytesPerSecond": number(), "labelsPerSeries": integer(), "labelBytesPerSeries": integer(),
        "retentionSeconds": integer(),
    }));
    let usage = whole(json!({
        "tenant": text(), "activeSeries": integer(), "samplesAppended": integer(),
        "samplesRejected": map(integer()), "memoryBytes": integer(), "limits": limits,
    }));
    let me = whole(json!({
        "name": text(), "operator": flag(), "scopes": list(text()), "tenants": list(text()),
    }));
    let failed = whole(json!({"error": text()}));
    let result = json!({"oneOf": [reference("QueryData"), failed]});
    all.extend([
        ("Nothing", json!({"type": "null"})),
        ("Me", me),
        ("Usages", list(usage)),
        ("LiveSample", whole(json!({"time": number(), "results": list(result)}))),
    ]);
    all
}

fn events() -> Vec<(&'static str, Value)> {
    let millis = || json!({"type": "integer", "description": "Milliseconds since the Unix epoch."});
    let target = object(
        &["tenant", "app", "instance", "node"],
        json!({
            "tenant": text(), "app": text(), "component": text(), "instance": text(), "node": text(),
        }),
    );
    let event = object(
        &["time", "kind", "target", "reason"],
        json!({
            "id": integer(), "time": millis(), "kind": text(), "target": reference("Target"),
            "reason": text(), "incident": text(), "details": map(text()),
        }),
    );
    let command = object(
        &["action", "target", "incident", "run", "reason", "expires"],
        json!({
            "id": integer(), "action": text(), "target": reference("Target"), "incident": text(),
            "run": integer(), "reason": text(), "expires": millis(),
        }),
    );
    vec![
        ("Target", target),
        ("Event", event),
        ("Events", list(reference("Event"))),
        ("EventPage", whole(json!({"events": reference("Events"), "last": integer()}))),
        ("Command", command),
        ("Commands", list(reference("Command"))),
        ("Id", whole(json!({"id": integer()}))),
        ("Ids", whole(json!({"ids": list(integer())}))),
        ("Resume", whole(json!({"target": reference("Target")}))),
    ]
}
