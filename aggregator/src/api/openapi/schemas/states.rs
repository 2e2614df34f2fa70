//! How targets, rules and alerts are, as Prometheus tells it.

use serde_json::{Value, json};

use super::{flag, integer, list, map, number, object, reference, text, whole};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let mut all = targets();
    all.extend(rules());
    all
}

fn labels() -> Value {
    map(text())
}

fn nullable(schema: &Value) -> Value {
    json!({"oneOf": [schema, {"type": "null"}]})
}

fn targets() -> Vec<(&'static str, Value)> {
    let active = whole(json!({
        "discoveredLabels": labels(), "labels": labels(), "scrapePool": text(),
        "scrapeUrl": text(), "globalUrl": text(), "lastError": text(), "lastScrape": text(),
        "lastScrapeDuration": number(), "health": {"enum": ["up", "down", "unknown"]},
        "scrapeInterval": text(), "scrapeTimeout": text(),
    }));
    let dropped = whole(json!({"discoveredLabels": labels(), "scrapePool": text()}));
    let described = object(
        &["target", "type", "help", "unit"],
        json!({
            "target": labels(), "metric": text(), "type": text(), "help": text(), "unit": text(),
        }),
    );
    let step = whole(json!({"rule": {"type": "object"}, "output": labels(), "keep": flag()}));
    vec![
        (
            "Targets",
            whole(json!({
                "activeTargets": list(active), "droppedTargets": list(dropped),
                "droppedTargetCounts": nullable(&map(integer())),
            })),
        ),
        ("TargetMetadata", list(described)),
        ("ScrapePools", whole(json!({"scrapePools": list(text())}))),
        ("Yaml", whole(json!({"yaml": text()}))),
        ("RelabelSteps", whole(json!({"steps": list(step)}))),
    ]
}

fn rules() -> Vec<(&'static str, Value)> {
    let state = || json!({"enum": ["inactive", "pending", "firing"]});
    let alert = object(
        &["labels", "annotations", "state", "activeAt", "value"],
        json!({
            "labels": labels(), "annotations": labels(), "state": state(), "activeAt": text(),
            "keepFiringSince": text(), "value": text(),
        }),
    );
    let rule = object(
        &["name", "query", "labels", "health", "evaluationTime", "lastEvaluation", "type"],
        json!({
            "name": text(), "query": text(), "labels": labels(), "state": state(),
            "duration": number(), "keepFiringFor": number(), "annotations": labels(),
            "alerts": nullable(&list(reference("Alert"))), "health": {"enum": ["ok", "err", "unknown"]},
            "lastError": text(), "evaluationTime": number(), "lastEvaluation": text(),
            "type": {"enum": ["alerting", "recording"]},
        }),
    );
    let group = object(
        &["name", "file", "rules", "interval", "limit", "evaluationTime", "lastEvaluation"],
        json!({
            "name": text(), "file": text(), "tenant": text(), "rules": list(rule),
            "interval": number(), "limit": integer(), "evaluationTime": number(),
            "lastEvaluation": text(),
        }),
    );
    vec![
        ("Alert", alert),
        ("Alerts", whole(json!({"alerts": list(reference("Alert"))}))),
        ("Rules", object(&["groups"], json!({"groups": list(group), "groupNextToken": text()}))),
    ]
}
