//! The Prometheus HTTP API as its clients use it, and how it refuses.

use std::io::{BufRead, BufReader};

use e2e::{
    server::{ACME, AGENT, ALERTING, OPERATOR, Server},
    write::{batch, now, send},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use wire::remote_write::Version;

fn seeded() -> (Server, i64) {
    let server = Server::start();
    let start = now() / 1000 * 1000 - 300_000;
    for instance in ["a", "b"] {
        let labels = [("__name__", "hits_total"), ("instance", instance)];
        let samples: Vec<(i64, f64)> =
            (0..300).map(|n| (start + n * 1000, (n * 2) as f64)).collect();
        let answer = send(&server, ACME, Version::V2, &batch(&labels, &samples));
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()["x-prometheus-remote-write-samples-written"], "300");
    }
    (server, start)
}

#[test]
fn queries_answer_in_prometheus_shapes() {
    let (server, start) = seeded();
    let time = (start / 1000 + 299).to_string();
    let data = server.data(
        ACME,
        "/api/v1/query",
        &[("query", "sum(rate(hits_total[1m]))"), ("time", &time)],
    );
    assert_eq!(
        data,
        json!({"resultType": "vector", "result": [
            {"metric": {}, "value": [start / 1000 + 299, "4"]},
        ]})
    );
    let begin = (start / 1000 + 100).to_string();
    let end = (start / 1000 + 120).to_string();
    let data = server.data(
        ACME,
        "/api/v1/query_range",
        &[
            ("query", "hits_total{instance=\"a\"}"),
            ("start", &begin),
            ("end", &end),
            ("step", "10"),
        ],
    );
    assert_eq!(data["resultType"], "matrix");
    let values = &data["result"][0]["values"];
    assert_eq!(
        values,
        &json!([
            [start / 1000 + 100, "200"],
            [start / 1000 + 110, "220"],
            [start / 1000 + 120, "240"],
        ])
    );
    let posted: Value = server
        .post(ACME, "/api/v1/query")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("query=1%2B1&time=4")
        .send()
        .expect("answers")
        .json()
        .expect("is JSON");
    assert_eq!(posted["data"], json!({"resultType": "scalar", "result": [4, "2"]}));
    let values = server.data(ACME, "/api/v1/label/instance/values", &[]);
    assert_eq!(values, json!(["a", "b"]));
    let series = server.data(ACME, "/api/v1/series", &[("match[]", "hits_total{instance=\"b\"}")]);
    assert_eq!(series, json!([{"__name__": "hits_total", "instance": "b"}]));
    let info = server.data(ACME, "/api/v1/status/buildinfo", &[]);
    assert!(info.get("features").is_none(), "Grafana would take us for Mimir");
}

#[test]
fn operators_see_whose_it_is() {
    let (server, _start) = seeded();
    let data =
        server.data(OPERATOR, "/api/v1/query", &[("query", "count by (tenant) (hits_total)")]);
    assert_eq!(data["result"][0]["metric"], json!({"tenant": "acme"}));
}

#[test]
fn bad_requests_say_what_is_wrong() {
    let (server, _start) = seeded();
    let check = |path: &str, query: &[(&str, &str)], status: u16, kind: &str, text: &str| {
        let answer = server.get(ACME, path, query);
        assert_eq!(answer.status().as_u16(), status, "{path} {query:?}");
        let body: Value = answer.json().expect("is JSON");
        assert_eq!(body["status"], "error", "{body}");
        assert_eq!(body["errorType"], kind, "{body}");
        assert!(body["error"].as_str().is_some_and(|error| error.contains(text)), "{body}");
    };
    let deep = "(".repeat(10_000);
    check("/api/v1/query", &[("query", "sum(")], 400, "bad_data", "parse error");
    check("/api/v1/query", &[("query", &deep)], 400, "bad_data", "query");
    check("/api/v1/query", &[], 400, "bad_data", "invalid parameter \"query\"");
    check("/api/v1/query", &[("query", "1"), ("time", "soon")], 400, "bad_data", "\"time\"");
    check("/api/v1/query", &[("query", "hits_total * on() hits_total")], 422, "execution", "");
    let range = |start, end, step| [("query", "1"), ("start", start), ("end", end), ("step", step)];
    check("/api/v1/query_range", &range("0", "1", "0"), 400, "bad_data", "zero or negative");
    check("/api/v1/query_range", &range("1", "0", "1"), 400, "bad_data", "end timestamp");
    check("/api/v1/query_range", &range("0", "20000", "1"), 400, "bad_data", "11,000 points");
    let ranges = [("query", "up[1m]"), ("start", "0"), ("end", "1"), ("step", "1")];
    check("/api/v1/query_range", &ranges, 400, "bad_data", "\"query\": invalid expression type");
    check("/api/v1/query", &[("query", "up[1m - 1m]")], 400, "bad_data", "greater than 0");
    check("/api/v1/series", &[], 400, "bad_data", "match[]");
    check("/api/v1/nothing", &[], 404, "not_found", "/api/v1/nothing");
}

#[test]
fn bad_bodies_say_what_is_wrong() {
    let server = Server::start();
    let post = |path: &str, body: String| {
        let answer = server.post(AGENT, path).body(body).send().expect("answers");
        let status = answer.status().as_u16();
        let body: Value = answer.json().expect("is JSON");
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    };
    let (status, error) = post("/api/v1/events", "[{]".to_owned());
    assert_eq!(status, 400);
    assert!(error.contains("line 1 column 3"), "{error}");
    let event = r#"{"time":1,"kind":"exploded","target":{"tenant":"a","app":"a","instance":"i","node":"n1"},"reason":""}"#;
    let (status, error) = post("/api/v1/events", format!("[{event}]"));
    assert_eq!(status, 400);
    assert!(error.contains("unknown variant `exploded`"), "{error}");
    let good = event.replace("exploded", "exited");
    let (status, error) = post("/api/v1/events", format!("[{}]", vec![good; 1001].join(",")));
    assert_eq!((status, error.as_str()), (400, "at most 1000 events in one request"));
}

#[test]
fn bad_writes_say_what_is_wrong_and_the_rest_is_stored() {
    let server = Server::start();
    let write = |content_type: &str, encoding: &str, body: Vec<u8>| {
        let request = server.post(ACME, "/api/v1/write");
        let request =
            request.header("content-type", content_type).header("content-encoding", encoding);
        request.body(body).send().expect("answers")
    };
    assert_eq!(write("text/plain", "snappy", vec![]).status(), 415);
    assert_eq!(write("application/x-protobuf", "br", vec![]).status(), 415);
    assert_eq!(write("application/x-protobuf", "snappy", vec![0xff; 100]).status(), 400);
    // A bomb: a header that claims 4 GiB.
    assert_eq!(
        write("application/x-protobuf", "snappy", vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0]).status(),
        400
    );
    let mut mixed = batch(&[("__name__", "good")], &[(now(), 1.0)]);
    mixed.begin_series(&mut [("__name__", "late")]).expect("is valid");
    mixed.push_sample(model::write::Sample { time: 1000, value: 1.0, start: 0 });
    mixed.push_sample(model::write::Sample { time: now() + 3_600_000, value: 1.0, start: 0 });
    let answer = send(&server, ACME, Version::V2, &mixed);
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers()["x-prometheus-remote-write-samples-written"], "1");
    let text = answer.text().expect("has a body");
    assert!(text.contains("too_old") && text.contains("late"), "{text}");
    assert_eq!(server.value(ACME, "good").as_deref(), Some("1"));
}

#[test]
fn a_tenant_over_its_limit_loses_only_the_excess() {
    let server = Server::start_with("[aggregator.limits]\nactive_series = 2");
    let write = |number: usize| {
        let number = number.to_string();
        let labels = [("__name__", "m"), ("number", number.as_str())];
        send(&server, ACME, Version::V2, &batch(&labels, &[(now(), 1.0)]))
    };
    assert_eq!(write(1).status(), StatusCode::NO_CONTENT);
    assert_eq!(write(2).status(), StatusCode::NO_CONTENT);
    let refused = write(3);
    assert!(refused.status().is_client_error());
    let text = refused.text().expect("has a body");
    assert!(text.contains("series_limit"), "{text}");
    assert_eq!(write(1).status(), StatusCode::NO_CONTENT);
    assert_eq!(server.value(ACME, "count(m)").as_deref(), Some("2"));
}

#[test]
fn live_queries_and_events_arrive_as_they_happen() {
    let (server, _start) = seeded();
    let live = server.get(
        ACME,
        "/api/v1/query_live",
        &[("query", "count(hits_total)"), ("query", "sum("), ("interval", "0.25")],
    );
    assert_eq!(live.status(), StatusCode::BAD_REQUEST, "a query that cannot be parsed is refused");
    let live = server.get(
        ACME,
        "/api/v1/query_live",
        &[
            ("query", "count(hits_total)"),
            ("query", "hits_total * on() hits_total"),
            ("interval", "0.25"),
        ],
    );
    let samples: Vec<Value> = BufReader::new(live)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .take(2)
        .collect();
    assert_eq!(samples.len(), 2);
    assert_eq!(samples[0]["results"][0]["result"][0]["value"][1], "2");
    assert!(samples[0]["results"][1]["error"].is_string(), "{}", samples[0]);

    let follow = server.get(ACME, "/api/v1/events/stream", &[("after", "0")]);
    let event = json!([{
        "time": now(), "kind": "exited", "reason": "exit code 1",
        "target": {"tenant": "acme", "app": "a", "instance": "a-0", "node": "n1"},
    }]);
    let posted = server.post(AGENT, "/api/v1/events").json(&event).send().expect("answers");
    assert_eq!(posted.status(), StatusCode::OK);
    let seen = BufReader::new(follow)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    assert_eq!(seen.expect("arrives")["reason"], "exit code 1");
}

#[test]
fn commands_reach_their_node_and_no_other() {
    let server = Server::start();
    let command = json!({
        "action": "restart", "run": 1, "incident": "i", "reason": "why", "expires": now() + 30_000,
        "target": {"tenant": "acme", "app": "a", "instance": "a-0", "node": "n1"},
    });
    let push = |token, node: &str| {
        let path = format!("/api/v1/nodes/{node}/commands");
        server.post(token, &path).json(&command).send().expect("answers").status()
    };
    assert_eq!(push(ALERTING, "n2"), StatusCode::BAD_REQUEST);
    assert_eq!(push(AGENT, "n1"), StatusCode::FORBIDDEN);
    assert_eq!(push(ALERTING, "n1"), StatusCode::OK);
    let taken = server.data(AGENT, "/api/v1/nodes/n1/commands", &[("wait", "5")]);
    assert_eq!(taken[0]["target"]["instance"], "a-0", "{taken}");
    let after = taken[0]["id"].to_string();
    let rest = server.data(AGENT, "/api/v1/nodes/n1/commands", &[("after", &after)]);
    assert_eq!(rest, json!([]));
}

#[test]
fn a_caller_has_so_many_live_streams_and_others_have_theirs() {
    let server = Server::start();
    let open = |token| server.get(token, "/api/v1/events/stream", &[]);
    let streams: Vec<_> = (0..100).map(|_| open(ACME)).collect();
    assert!(streams.iter().all(|stream| stream.status() == StatusCode::OK));
    assert_eq!(open(ACME).status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(open(OPERATOR).status(), StatusCode::OK);
}
