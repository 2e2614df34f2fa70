//! How requests are refused: status, class and words, as Prometheus' clients know them.

use axum::{
    body::Body,
    http::{Method, Request},
};

use super::{ACME, Api, OPERATOR};

/// Request, status, class, words.
const CASES: &[(&str, u16, &str, &str)] = &[
    ("query?query=sum(", 400, "bad_data", "invalid parameter \"query\": 1:5: parse error: "),
    ("query", 400, "bad_data", "invalid parameter \"query\": "),
    (
        "query?query=1&limit=x",
        400,
        "bad_data",
        "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax",
    ),
    (
        "query?query=1&limit=99999999999999999999",
        400,
        "bad_data",
        "invalid parameter \"limit\": strconv.Atoi: parsing \"99999999999999999999\": value out of range",
    ),
    (
        "query?query=1&limit=-1",
        400,
        "bad_data",
        "invalid parameter \"limit\": limit must be non-negative",
    ),
    // What is read first is told first.
    ("query?query=(&time=x&limit=-1", 400, "bad_data", "invalid parameter \"limit\""),
    (
        "query?query=(&time=soon",
        400,
        "bad_data",
        "invalid parameter \"time\": invalid time value for 'time': cannot parse \"soon\" to a valid timestamp",
    ),
    (
        "query?query=1&timeout=x",
        400,
        "bad_data",
        "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration",
    ),
    (
        "query?query=1&lookback_delta=x",
        400,
        "bad_data",
        "error parsing lookback delta duration: cannot parse \"x\" to a valid duration",
    ),
    ("query?query=1&timeout=-1", 503, "timeout", "query timed out in "),
    (
        "query?query=m*on()m",
        422,
        "execution",
        "found duplicate series for the match group {} on the",
    ),
    (
        "query_range?query=1",
        400,
        "bad_data",
        "invalid parameter \"start\": cannot parse \"\" to a valid timestamp",
    ),
    (
        "query_range?query=1&start=0",
        400,
        "bad_data",
        "invalid parameter \"end\": cannot parse \"\" to a valid timestamp",
    ),
    (
        "query_range?query=1&start=1&end=0",
        400,
        "bad_data",
        "invalid parameter \"end\": end timestamp must not be before start time",
    ),
    (
        "query_range?query=1&start=0&end=1",
        400,
        "bad_data",
        "invalid parameter \"step\": cannot parse \"\" to a valid duration",
    ),
    (
        "query_range?query=1&start=0&end=1&step=1e30",
        400,
        "bad_data",
        "invalid parameter \"step\": cannot parse \"1e30\" to a valid duration. It overflows int64",
    ),
    (
        "query_range?query=1&start=0&end=1&step=-1",
        400,
        "bad_data",
        "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
    ),
    (
        "query_range?query=1&start=0&end=11001&step=1",
        400,
        "bad_data",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    ),
    (
        "query_exemplars?query=m&start=1&end=0",
        400,
        "bad_data",
        "end timestamp must not be before start timestamp",
    ),
    ("query_exemplars?query=(", 400, "bad_data", "1:2: parse error: "),
    ("format_query?query=(", 400, "bad_data", "invalid parameter \"query\": 1:2: parse error: "),
    ("parse_query?query=(", 400, "bad_data", "invalid parameter \"query\": 1:2: parse error: "),
    ("series", 400, "bad_data", "no match[] parameter provided"),
    (
        "series?match[]=m&limit=-1&start=x",
        400,
        "bad_data",
        "invalid parameter \"limit\": limit must be non-negative",
    ),
    (
        "series?match[]={}",
        400,
        "bad_data",
        "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher",
    ),
    ("series?match[]=(", 400, "bad_data", "invalid parameter \"match[]\": 1:"),
    (
        "labels?start=x",
        400,
        "bad_data",
        "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp",
    ),
    ("labels?match[]=m{", 400, "bad_data", "1:"),
    (
        "labels?match[]={pod=~\".*\"}",
        400,
        "bad_data",
        "match[] must contain at least one non-empty matcher",
    ),
    (
        "label/pod/values?limit=x",
        400,
        "bad_data",
        "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax",
    ),
    ("label/U__/values", 400, "bad_data", "invalid label name: \"\""),
    ("metadata?limit=x", 400, "bad_data", "limit must be a number"),
    ("metadata?limit_per_metric=x", 400, "bad_data", "limit_per_metric must be a number"),
    ("status/tsdb?limit=0", 400, "bad_data", "limit must be a positive number"),
    ("status/tsdb?limit=x", 400, "bad_data", "limit must be a positive number"),
    ("status/tsdb?limit=10001", 400, "bad_data", "limit must not exceed 10000"),
    ("status/config", 403, "forbidden", "this token lacks the scope operator"),
    ("status/self_metrics", 403, "forbidden", "this token lacks the scope operator"),
    ("nothing", 404, "not_found", "no such endpoint: /api/v1/nothing"),
];

fn encoded(uri: &str) -> String {
    let escape = |c: char| match c {
        '"' | '{' | '}' | '[' | ']' | ' ' | '(' | ')' => format!("%{:02X}", c as u32),
        _ => c.to_string(),
    };
    uri.chars().map(escape).collect()
}

#[tokio::test]
async fn faults_are_told_in_the_words_that_clients_know() {
    let api = Api::new();
    api.store("acme", "m", &["a", "b"]);
    for (uri, status, class, words) in CASES {
        let got = api.get(ACME, &format!("/api/v1/{}", encoded(uri))).await;
        let body = got.json();
        let error = body["error"].as_str().unwrap_or_default();
        let told = (got.status, body["status"].as_str(), body["errorType"].as_str());
        assert_eq!(told, (*status, Some("error"), Some(*class)), "{uri}: {body}");
        // Words that end in the middle of something are the beginning.
        let is_whole = !words.ends_with([' ', ':', '"']) && !words.ends_with("on the");
        assert!(
            if is_whole { error == *words } else { error.starts_with(words) },
            "{uri}: {error}"
        );
        assert_eq!(got.headers["content-type"], "application/json", "{uri}");
    }
    let got = api.get(OPERATOR, "/api/v1/status/self_metrics?metric_name_pattern=%28").await;
    assert_eq!(got.status, 400);
    assert!(got.text.contains("invalid metric_name_pattern"), "{}", got.text);
    let got = api.get("nobody", "/api/v1/query?query=1").await;
    assert_eq!((got.status, &got.headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
}

#[tokio::test]
async fn what_is_switched_off_is_unavailable_for_good() {
    let api = Api::new();
    for path in ["snapshot", "clean_tombstones", "delete_series?match%5B%5D=m"] {
        let got = api.ask(Method::PUT, ACME, &format!("/api/v1/admin/tsdb/{path}")).await;
        assert_eq!((got.status, &got.json()["errorType"]), (500, &"unavailable".into()));
        assert!(got.json()["error"].as_str().unwrap().starts_with("admin APIs disabled"));
        assert!(got.headers.get("retry-after").is_none());
    }
}

#[tokio::test]
async fn limits_cut_and_say_so() {
    let api = Api::new();
    api.store("acme", "m", &["a", "b", "c"]);
    let start = daemon::clock::now().0 / 1000 - 60;
    let range = format!("query_range?query=m&start={start}&end={}&step=15", start + 60);
    for (uri, whole) in [
        ("query?query=m", 3),
        (&range, 3),
        ("series?match%5B%5D=m", 3),
        ("labels", 2),
        ("label/pod/values", 3),
        ("label/pod/values?match%5B%5D=m", 3),
    ] {
        for (limit, warnings) in
            [(0, None), (whole, None), (1, Some("results truncated due to limit"))]
        {
            let mark = if uri.contains('?') { '&' } else { '?' };
            let got = api.get(ACME, &format!("/api/v1/{uri}{mark}limit={limit}")).await.json();
            let list = got["data"].as_array().or(got["data"]["result"].as_array());
            let expected = if limit == 1 { 1 } else { whole };
            assert_eq!(list.map(Vec::len), Some(expected), "{uri} {limit}: {got}");
            assert_eq!(got["warnings"][0].as_str(), warnings, "{uri} {limit}: {got}");
        }
    }
    let got = api.get(ACME, "/api/v1/series?match%5B%5D=m&start=9&end=1").await;
    assert_eq!((got.status, got.text.as_str()), (200, "{\"status\":\"success\",\"data\":[]}"));
}

#[tokio::test]
async fn statistics_come_for_any_value_with_a_warning() {
    let api = Api::new();
    for (stats, warned) in [("true", false), ("all", false), ("x", true)] {
        let got = api.get(ACME, &format!("/api/v1/query?query=1&stats={stats}")).await.json();
        assert!(got["data"]["stats"]["samples"]["peakSamples"].is_u64(), "{got}");
        let warning = got["warnings"][0].as_str();
        assert_eq!(
            warning.is_some_and(|text| text.starts_with("value \"x\" for")),
            warned,
            "{got}"
        );
    }
    assert!(api.data(ACME, "/api/v1/query?query=1").await.get("stats").is_none());
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_ones() {
    let api = Api::new();
    for (method, uri, allowed) in [
        (Method::DELETE, "/api/v1/query", "GET,HEAD,POST"),
        (Method::POST, "/api/v1/label/a/values", "GET,HEAD"),
        (Method::GET, "/api/v1/admin/tsdb/snapshot", "POST,PUT"),
        (Method::POST, "/api/v1/notifications", "GET,HEAD"),
        (Method::GET, "/-/quit", "POST, PUT"),
        (Method::GET, "/-/reload", "POST, PUT"),
    ] {
        let got = api.ask(method, ACME, uri).await;
        assert_eq!(got.status, 405, "{uri}: {}", got.text);
        assert_eq!(got.headers["allow"], allowed, "{uri}");
    }
    let head = api.ask(Method::HEAD, ACME, "/api/v1/query?query=1").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn browsers_may_call_from_anywhere() {
    let api = Api::new();
    let request = |method: &str, uri: &str, origin: bool| {
        let mut request = Request::builder().method(method).uri(uri);
        if origin {
            request = request.header("origin", "https://example.org");
        }
        api.send(request.body(Body::empty()).unwrap())
    };
    let asked = request("OPTIONS", "/api/v1/anything", true).await;
    assert_eq!((asked.status, asked.text.as_str()), (204, ""));
    assert_eq!(asked.headers["access-control-allow-origin"], "*");
    assert_eq!(asked.headers["access-control-allow-methods"], "GET, POST, OPTIONS");
    assert!(
        asked.headers["access-control-allow-headers"].to_str().unwrap().contains("Authorization")
    );
    let refused = request("GET", "/api/v1/query?query=1", true).await;
    assert_eq!(
        (refused.status, &refused.headers["access-control-allow-origin"]),
        (401, &"*".parse().unwrap())
    );
    let own = request("GET", "/api/v1/query?query=1", false).await;
    assert!(own.headers.get("access-control-allow-origin").is_none());
    assert!(own.headers.get_all("vary").iter().any(|value| value == "Origin"), "{:?}", own.headers);
    let page = request("GET", "/-/healthy", true).await;
    assert!(page.headers.get("access-control-allow-origin").is_none());
}

/// It takes no token, so a body is neither read nor inflated.
#[tokio::test]
async fn the_document_of_the_api_takes_no_body() {
    let api = Api::new();
    let asked = |query: &str| {
        let request = Request::builder().uri(format!("/api/v1/openapi.yaml{query}"));
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("content-encoding", "gzip")
            .body(Body::from("this is not gzip"))
            .unwrap()
    };
    let old = api.send(asked("")).await;
    assert_eq!(old.status, 200, "{}", old.text);
    let new = api.send(asked("?openapi_version=3.2")).await;
    assert!(new.text.contains("3.2.0") && !old.text.contains("3.2.0"));
    assert_eq!(api.send(asked("")).await.text, old.text);
}
