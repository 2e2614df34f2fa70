//! Every call that Grafana's Prometheus data source makes, as it makes it, with what it reads from
//! the answer.

use codec::inflate::{Compression, decompress};
use e2e::{
    server::{ACME, GLOBEX, OPERATOR, Server},
    write::{now, send},
};
use model::{
    exemplar::Exemplar,
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use reqwest::blocking::Response;
use serde_json::{Value, json};
use wire::remote_write::Version;

/// A counter with help and exemplars, and a series with names that need escaping. Returns the time
/// of the newest samples.
fn seeded() -> (Server, i64) {
    let server = Server::start();
    let newest = now() / 15_000 * 15_000;
    let mut batch = WriteBatch::default();
    batch.begin_series(&mut [("__name__", "hits_total"), ("app", "shop")]).expect("is valid");
    for n in 0..40 {
        batch.push_sample(Sample { time: newest - (39 - n) * 15_000, value: n as f64, start: 0 });
    }
    let labels = Labels::new([("trace_id", "4bf92f")]).expect("is valid");
    batch.push_exemplar(Exemplar { labels, value: 0.25, time: Timestamp(newest) });
    batch.begin_series(&mut [("__name__", "disk.used"), ("host name", "a b")]).expect("is valid");
    batch.push_sample(Sample { time: newest - 15_000, value: 1.0, start: 0 });
    batch.push_sample(Sample { time: newest, value: 1.0, start: 0 });
    let (help, unit) = ("Requests served".to_owned(), String::new());
    let metadata = Metadata { kind: MetricType::Counter, help, unit };
    batch.push_metadata("hits_total".to_owned(), metadata);
    assert_eq!(send(&server, ACME, Version::V2, &batch).status(), 204);
    (server, newest)
}

/// A form, as the data source posts it.
fn form(server: &Server, path: &str, fields: &[(&str, &str)]) -> Response {
    let mut url = reqwest::Url::parse("http://form").expect("is valid");
    url.query_pairs_mut().extend_pairs(fields);
    server
        .post(ACME, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-scope-orgid", "somebody-else")
        .header("x-grafana-user", "admin")
        .body(url.query().unwrap_or_default().to_owned())
        .send()
        .expect("answers")
}

fn data(answer: Response) -> Value {
    let status = answer.status();
    let mut body: Value = answer.json().expect("is JSON");
    assert_eq!((status.as_u16(), &body["status"]), (200, &json!("success")), "{body}");
    body["data"].take()
}

#[test]
fn save_and_test_finds_a_prometheus() {
    let (server, _) = seeded();
    let answer = data(form(&server, "/api/v1/query", &[("query", "1+1"), ("time", "4")]));
    assert_eq!(answer, json!({"resultType": "scalar", "result": [4, "2"]}));
    let info = server.data(ACME, "/api/v1/status/buildinfo", &[]);
    assert!(info.get("features").is_none(), "it would take us for Mimir");
    let version: Vec<u32> = info["version"]
        .as_str()
        .expect("is a string")
        .split('.')
        .map(|part| part.parse().expect("is a number"))
        .collect();
    assert!(version >= vec![2, 24, 0], "it asks label values with matchers from 2.24 on");
    // Where the flags answer, the alerting pages ask whether this is Thanos or Mimir.
    assert_eq!(server.get(ACME, "/rules/test/test", &[]).status(), 404);
}

#[test]
fn panels_are_drawn() {
    let (server, newest) = seeded();
    let (start, end) = ((newest - 300_000) as f64 / 1000.0, newest as f64 / 1000.0);
    let (start, end) = (format!("{start:.3}"), format!("{end:.3}"));
    let range = [("start", start.as_str()), ("end", end.as_str()), ("step", "15")];
    let mut fields = vec![("query", "rate(hits_total{app=\"shop\"}[1m])"), ("timeout", "60s")];
    fields.extend(range);
    let drawn = data(form(&server, "/api/v1/query_range", &fields));
    assert_eq!(drawn["resultType"], "matrix");
    assert_eq!(drawn["result"][0]["metric"], json!({"app": "shop"}));
    assert_eq!(drawn["result"][0]["values"].as_array().map(Vec::len), Some(21));
    assert!(drawn.get("stats").is_none());
    fields.push(("stats", "all"));
    let drawn = data(form(&server, "/api/v1/query_range", &fields));
    assert!(drawn["stats"]["timings"]["evalTotalTime"].as_f64().is_some_and(|time| time > 0.0));
    assert!(drawn["stats"]["samples"]["totalQueryableSamples"].as_u64() > Some(0));
    // Notices are shown beside the panel.
    let body: Value = form(&server, "/api/v1/query", &[("query", "rate(disk.used[5m])")])
        .json()
        .expect("is JSON");
    assert_eq!(body["errorType"], "bad_data");
    let body: Value = form(&server, "/api/v1/query", &[("query", "rate({\"disk.used\"}[5m])")])
        .json()
        .expect("is JSON");
    let notice = body["infos"][0].as_str().expect("has a notice");
    assert!(notice.contains("might not be a counter"), "{notice}");
}

#[test]
fn exemplars_are_shown() {
    let (server, newest) = seeded();
    // It asks whether exemplars are known with times in milliseconds, where seconds are meant.
    let probe = [("query", "test"), ("start", "1690000000000"), ("end", "1690000300000")];
    assert_eq!(data(form(&server, "/api/v1/query_exemplars", &probe)), json!([]));
    let (start, end) = ((newest / 1000 - 300).to_string(), (newest / 1000 + 1).to_string());
    let query = [("query", "rate(hits_total[5m])"), ("start", &*start), ("end", &*end)];
    assert_eq!(
        data(form(&server, "/api/v1/query_exemplars", &query)),
        json!([{
            "seriesLabels": {"__name__": "hits_total", "app": "shop"},
            "exemplars": [
                {"labels": {"trace_id": "4bf92f"}, "value": "0.25", "timestamp": newest / 1000},
            ],
        }])
    );
    assert_eq!(form(&server, "/api/v1/query_exemplars", &[("query", "1")]).status(), 204);
    let foreign = server.data(GLOBEX, "/api/v1/query_exemplars", &query);
    assert_eq!(foreign, json!([]), "another tenant's exemplars");
}

#[test]
fn the_query_builder_is_filled() {
    let (server, newest) = seeded();
    let (start, end) = ((newest / 1000 - 3600).to_string(), (newest / 1000).to_string());
    let within = [("start", start.as_str()), ("end", end.as_str())];
    let mut fields = vec![("match[]", "{__name__=\"hits_total\"}"), ("limit", "40000")];
    fields.extend(within);
    let labels = data(form(&server, "/api/v1/labels", &fields));
    assert_eq!(labels, json!(["__name__", "app"]));
    let values = server.data(ACME, "/api/v1/label/__name__/values", &within);
    assert_eq!(values, json!(["disk.used", "hits_total"]));
    let values = server.data(ACME, "/api/v1/label/U__host_20_name/values", &[("limit", "0")]);
    assert_eq!(values, json!(["a b"]));
    let series = data(form(&server, "/api/v1/series", &[("match[]", "{app=~\"s.*\"}")]));
    assert_eq!(series, json!([{"__name__": "hits_total", "app": "shop"}]));
    let metadata = server.data(ACME, "/api/v1/metadata", &[("limit", "10")]);
    assert_eq!(
        metadata,
        json!({"hits_total": [{"type": "counter", "help": "Requests served", "unit": ""}]})
    );
    let formatted = server.data(ACME, "/api/v1/format_query", &[("query", "sum( up )by(job)")]);
    assert_eq!(formatted, "sum by (job) (up)");
    let tree = server.data(ACME, "/api/v1/parse_query", &[("query", "up")]);
    assert_eq!((&tree["type"], &tree["name"]), (&json!("vectorSelector"), &json!("up")));
}

#[test]
fn rules_and_alerts_are_listed() {
    let (server, _) = seeded();
    assert_eq!(server.data(ACME, "/api/v1/rules", &[]), json!({"groups": []}));
    assert_eq!(server.data(ACME, "/api/v1/alerts", &[]), json!({"alerts": []}));
}

#[test]
fn answers_are_compressed_for_those_who_ask() {
    let (server, _) = seeded();
    let answer = server
        .post(ACME, "/api/v1/query")
        .header("accept-encoding", "gzip")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("query=%7Bapp%3D%22shop%22%7D%5B10m%5D")
        .send()
        .expect("answers");
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let compressed = answer.bytes().expect("has a body");
    let mut text = Vec::new();
    decompress(Compression::Gzip, &compressed, 1 << 20, &mut text).expect("is gzip");
    assert!(text.starts_with(b"{\"status\":\"success\""), "{}", text.escape_ascii());
}

#[test]
fn names_are_searched() {
    let (server, _) = seeded();
    let search = |path: &str, query: &[(&str, &str)]| -> Vec<Value> {
        let answer = server.get(ACME, path, query);
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson; charset=utf-8");
        let text = answer.text().expect("has a body");
        text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
    };
    let found = search(
        "/api/v1/search/metric_names",
        &[("search[]", "hit"), ("include_metadata", "true"), ("include_score", "true")],
    );
    let result = json!({
        "name": "hits_total", "score": 1.0, "type": "counter", "help": "Requests served", "unit": "",
    });
    assert_eq!(
        found,
        [json!({"results": [result]}), json!({"status": "success", "has_more": false}),]
    );
    let found = search(
        "/api/v1/search/label_names",
        &[("sort_by", "alpha"), ("sort_dir", "dsc"), ("limit", "2"), ("batch_size", "1")],
    );
    assert_eq!(
        found,
        [
            json!({"results": [{"name": "host name"}]}),
            json!({"results": [{"name": "app"}]}),
            json!({"status": "success", "has_more": true}),
        ]
    );
    let found = search("/api/v1/search/label_values", &[("label", "app"), ("search[]", "zzz")]);
    assert_eq!(found[0], json!({"results": []}));
    let refused = server.get(ACME, "/api/v1/search/label_values", &[]);
    assert_eq!(refused.status(), 400);
}

#[test]
fn only_operators_see_how_the_server_is_set_up() {
    let (server, _) = seeded();
    for path in ["config", "flags", "runtimeinfo"] {
        let path = format!("/api/v1/status/{path}");
        assert_eq!(server.get(ACME, &path, &[]).status(), 403, "{path}");
        assert!(server.data(OPERATOR, &path, &[]).is_object(), "{path}");
    }
    let config = server.data(OPERATOR, "/api/v1/status/config", &[]);
    let yaml = config["yaml"].as_str().expect("is text");
    assert!(yaml.contains("\"retention\": \"15d\"") && !yaml.contains(ACME), "{yaml}");
    let features = server.data(ACME, "/api/v1/features", &[]);
    assert_eq!(features["promql_functions"]["histogram_quantiles"], true);
    assert_eq!(features["promql_operators"]["atan2"], true);
}
