//! Tests that the document describes what is served, and that answers are as it says.

mod schema;

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use super::{OPERATIONS, Version, document, yaml};
use crate::api::{
    self,
    routes::Served,
    tests::{ACME, Api, OPERATOR},
};

/// Paths with methods in lower case.
fn served() -> BTreeSet<(String, String)> {
    let (early, rest) = (api::early_routes(), api::routes());
    let mut all: Vec<Served> = early.served().iter().chain(rest.served()).cloned().collect();
    all.extend(daemon::admin::ROUTES.map(|(path, methods)| {
        let method = |name: &&str| Method::from_bytes(name.to_uppercase().as_bytes()).unwrap();
        Served { path: path.to_owned(), methods: methods.iter().map(method).collect() }
    }));
    let each = all.into_iter().flat_map(|one| {
        one.methods
            .into_iter()
            .map(move |method| (one.path.clone(), method.as_str().to_lowercase()))
    });
    each.collect()
}

#[test]
fn every_route_is_described_and_every_description_is_of_a_route() {
    let described: Vec<(String, String)> = OPERATIONS
        .iter()
        .flat_map(|one| {
            one.methods.iter().map(|method| (one.path.to_owned(), (*method).to_owned()))
        })
        .collect();
    let set: BTreeSet<_> = described.iter().cloned().collect();
    assert_eq!(set.len(), described.len(), "an operation is described twice");
    let served = served();
    let missing: Vec<_> = served.difference(&set).collect();
    assert!(missing.is_empty(), "without a description: {missing:?}");
    let stale: Vec<_> = set.difference(&served).collect();
    assert!(stale.is_empty(), "described and not served: {stale:?}");
}

#[test]
fn names_in_paths_are_described_and_operations_have_names_of_their_own() {
    let mut ids = BTreeSet::new();
    for one in OPERATIONS {
        let in_path: Vec<&str> = one
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let described = one.params.iter().filter(|param| param.place == super::Place::Path);
        let described: Vec<&str> = described.map(|param| param.name).collect();
        assert_eq!(in_path, described, "{}", one.path);
        for method in one.methods {
            assert!(ids.insert(format!("{method}{}", one.id)), "{}", one.id);
        }
        assert!(one.summary.ends_with('.'), "{}", one.path);
    }
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_resolves_and_every_schema_is_used() {
    for version in [Version::V31, Version::V32] {
        let document = document(version);
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        // Data of streams is described in the later version only.
        if version == Version::V31 {
            continue;
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            let reference = format!("#/components/schemas/{name}");
            assert!(found.contains(&reference.as_str()), "{name} is not used");
        }
    }
}

#[test]
fn who_may_write_and_what_a_reload_answers_is_told() {
    let document = document(Version::V31);
    let write = &document["paths"]["/write"]["post"]["description"];
    assert_eq!(write, "Needs the scope metrics-write or agent or alerting.");
    let reload = &document["paths"]["/-/reload"]["post"]["responses"];
    for status in ["200", "202"] {
        assert!(reload[status]["content"]["text/plain"].is_object(), "{reload}");
    }
}

#[test]
fn the_text_is_the_document() {
    for version in [Version::V31, Version::V32] {
        let document = document(version);
        let text = yaml::write(&document);
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back, document);
    }
}

#[test]
fn odd_values_survive_as_text() {
    let odd = json!({
        "on": [[], {}, [[1, -2.5]], null, true, ""], "200": "a: b\n# \"c\" \u{1f600}", "- x": {"y": {"z": []}},
        "e": "1", "null": "null", "$ref": "#/x", "a b": [{"c": 1, "d": [{"e": 2}]}],
    });
    let back: Value = serde_saphyr::from_str(&yaml::write(&odd)).unwrap();
    assert_eq!(back, odd);
}

#[tokio::test]
async fn versions_are_served_without_a_token() {
    let api = Api::new();
    for (version, expected) in
        [("", "3.1.0"), ("?openapi_version=3.2", "3.2.0"), ("?openapi_version=2", "3.1.0")]
    {
        let got = api.get("", &format!("/api/v1/openapi.yaml{version}")).await;
        assert_eq!(
            (got.status, got.headers["content-type"].as_bytes()),
            (200, &b"application/yaml; charset=utf-8"[..])
        );
        let document: Value = serde_saphyr::from_str(&got.text).unwrap();
        assert_eq!(document["openapi"], expected);
        let live = &document["paths"]["/notifications/live"]["get"]["responses"]["200"]["content"];
        let has_items = live["text/event-stream"].get("itemSchema").is_some();
        assert_eq!(has_items, expected == "3.2.0");
    }
}

/// Paths whose real answers are compared with their descriptions.
const ANSWERS: &[&str] = &[
    "/query?query=m",
    "/query?query=1&stats=all",
    "/query?query=%22x%22",
    "/query?query=m%5B1m%5D",
    "/query?query=nothing",
    "/labels",
    "/series?match%5B%5D=m",
    "/series?match%5B%5D=m&limit=1",
    "/metadata",
    "/format_query?query=m",
    "/parse_query?query=sum(m)",
    "/query_exemplars?query=m",
    "/me",
    "/usage",
    "/features",
    "/events",
    "/notifications",
    "/status/tsdb",
    "/status/tsdb/blocks",
    "/status/walreplay",
    "/status/buildinfo",
    "/status/runtimeinfo",
    "/status/config",
    "/status/flags",
    "/status/self_metrics",
    "/targets",
    "/targets/metadata",
    "/scrape_pools",
    "/rules",
    "/alerts",
    "/alertmanagers",
    "/query?query=(",
    "/query",
    "/status/tsdb?limit=0",
    "/metadata?limit=x",
];

#[tokio::test]
async fn answers_are_as_described() {
    let api = Api::new();
    api.store("acme", "m", &["a", "b"]);
    api.state
        .front
        .notifications
        .raise(crate::notifications::Condition::DiskFull, model::time::Timestamp(0));
    let document = document(Version::V31);
    for token in [OPERATOR, ACME] {
        for asked in ANSWERS {
            let got = api.get(token, &format!("/api/v1{asked}")).await;
            let path = asked.split('?').next().unwrap();
            let mut answer = &document["paths"][path]["get"]["responses"][got.status.to_string()];
            assert!(answer.is_object(), "{asked}: {} is not described", got.status);
            if let Some(reference) = answer["$ref"].as_str() {
                answer = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
            }
            let schema = &answer["content"]["application/json"]["schema"];
            let checked = schema::check(&document, schema, &got.json());
            assert_eq!(checked, Ok(()), "{asked}: {}", got.text);
        }
    }
}

#[test]
fn histograms_are_as_described() {
    let document = document(Version::V31);
    let schema = super::schemas::envelope(&super::schemas::reference("QueryData"));
    let histogram = json!({"count": "6", "sum": "9.5", "buckets": [[0, "0.5", "1", "2"]]});
    let answer = |result: Value, kind: &str| json!({"status": "success", "data": {"resultType": kind, "result": result}});
    let vector = answer(json!([{"metric": {"a": "b"}, "histogram": [1.5, histogram]}]), "vector");
    let matrix = answer(
        json!([{"metric": {}, "values": [[1, "2"]], "histograms": [[1.5, histogram]]}]),
        "matrix",
    );
    for good in [&vector, &matrix] {
        assert_eq!(schema::check(&document, &schema, good), Ok(()));
    }
    let mut bad = vector.clone();
    bad["data"]["result"][0]["histogram"][1]["buckets"][0][0] = 4.into();
    assert!(schema::check(&document, &schema, &bad).is_err());
    bad = vector.clone();
    bad["data"]["resultType"] = "matrix".into();
    assert!(schema::check(&document, &schema, &bad).is_err());
    bad = vector;
    bad["more"] = 1.into();
    assert!(schema::check(&document, &schema, &bad).is_err());
}
