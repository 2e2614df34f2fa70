//! What the aggregator says of itself, and to whom.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::http::Method;
use serde_json::{Value, json};
use tsdb::stats::{Phase, Progress};

use super::{ACME, Api, GLOBEX, OPERATOR};
use crate::{
    background::{self, Reload},
    notifications::Condition,
};

fn names(list: &Value) -> Vec<(String, u64)> {
    let one = |entry: &Value| {
        (entry["name"].as_str().unwrap().to_owned(), entry["value"].as_u64().unwrap())
    };
    list.as_array().unwrap().iter().map(one).collect()
}

#[tokio::test]
async fn cardinality_is_the_callers_own() {
    let api = Api::new();
    api.store("acme", "hits", &["a", "b", "c"]);
    api.store("acme", "misses", &["a"]);
    api.store("globex", "hits", &["a", "x"]);
    let acme = api.data(ACME, "/api/v1/status/tsdb?limit=2").await;
    assert_eq!(acme["headStats"]["numSeries"], 4);
    assert_eq!(acme["headStats"]["numLabelPairs"], 5);
    assert_eq!(acme["headStats"]["chunkCount"], 4);
    assert!(acme["headStats"]["minTime"].as_i64() <= acme["headStats"]["maxTime"].as_i64());
    let count = |name: &str, value| (name.to_owned(), value);
    assert_eq!(names(&acme["seriesCountByMetricName"]), [count("hits", 3), count("misses", 1)]);
    assert_eq!(names(&acme["labelValueCountByLabelName"]), [count("pod", 3), count("__name__", 2)]);
    assert_eq!(
        names(&acme["seriesCountByLabelValuePair"]),
        [count("__name__=hits", 3), count("pod=a", 2)]
    );
    assert_eq!(acme["memoryInBytesByLabelName"].as_array().map(Vec::len), Some(2));
    assert_eq!(acme["tenants"].as_object().map(|all| all.len()), Some(1));
    let both = api.data(OPERATOR, "/api/v1/status/tsdb").await;
    assert_eq!(names(&both["seriesCountByMetricName"]), [count("hits", 5), count("misses", 1)]);
    assert_eq!(both["headStats"]["numSeries"], 6);
    // What others store changes nothing.
    let before = api.data(GLOBEX, "/api/v1/status/tsdb").await;
    api.store("acme", "secret", &["s"]);
    assert_eq!(api.data(GLOBEX, "/api/v1/status/tsdb").await, before);
    let nothing = api.data(GLOBEX, "/api/v1/status/tsdb/blocks").await;
    assert_eq!(nothing, json!({"blocks": []}));
}

#[tokio::test]
async fn blocks_are_told_by_the_callers_share() {
    let api = Api::new();
    api.store("acme", "m", &["a", "b", "c"]);
    api.state.store.flush().unwrap();
    api.store("globex", "m", &["a"]);
    api.state.store.flush().unwrap();
    let acme = api.data(ACME, "/api/v1/status/tsdb/blocks").await;
    let blocks = acme["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 1, "{acme}");
    assert_eq!(blocks[0]["stats"], json!({"numSamples": 3, "numSeries": 3}));
    let (min, max) = (blocks[0]["minTime"].as_i64(), blocks[0]["maxTime"].as_i64());
    assert_eq!(min.map(|min| min + 1), max);
    let all = api.data(OPERATOR, "/api/v1/status/tsdb/blocks").await;
    assert_eq!(all["blocks"].as_array().map(Vec::len), Some(2), "{all}");
    let empty = api.data(ACME, "/api/v1/status/tsdb").await;
    assert_eq!(empty["headStats"]["minTime"], i64::MAX);
    assert_eq!(empty["headStats"]["maxTime"], i64::MIN);
}

#[tokio::test]
async fn own_metrics_are_told_by_name() {
    let api = Api::new();
    let all = api.data(OPERATOR, "/api/v1/status/self_metrics").await;
    let found =
        api.data(OPERATOR, "/api/v1/status/self_metrics?metric_name_pattern=tsdb_head_.*").await;
    let count = |list: &Value| list.as_array().map(Vec::len).unwrap_or_default();
    assert!(count(&found) >= 3 && count(&all) > count(&found), "{found}");
    for family in found.as_array().unwrap() {
        assert!(family["name"].as_str().unwrap().starts_with("tsdb_head_"), "{family}");
    }
    assert_eq!(
        count(&api.data(OPERATOR, "/api/v1/status/self_metrics?metric_name_pattern=head").await),
        0
    );
}

#[tokio::test]
async fn notifications_are_for_operators() {
    let api = Api::new();
    let notifications = &api.state.front.notifications;
    notifications.raise(Condition::ReloadFailed, model::time::Timestamp(1000));
    let seen = api.data(OPERATOR, "/api/v1/notifications").await;
    assert_eq!(seen[0]["date"], "1970-01-01T00:00:01Z");
    assert_eq!(seen[0]["active"], true);
    assert_eq!(api.data(ACME, "/api/v1/notifications").await, json!([]));
    assert_eq!(api.get(ACME, "/api/v1/notifications/live").await.status, 204);
    assert_eq!(api.get("nobody", "/api/v1/notifications/live").await.status, 401);
    // The stream ends with a stop, whose announcement is its last word.
    let stop = api.state.front.stop.clone();
    let (live, ()) = tokio::join!(api.get(OPERATOR, "/api/v1/notifications/live"), async {
        tokio::task::yield_now().await;
        notifications.clear(Condition::ReloadFailed);
        stop.stop();
    });
    assert_eq!(live.headers["content-type"], "text/event-stream");
    let told: Vec<Value> = live
        .text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let active: Vec<&Value> = told.iter().map(|one| &one["active"]).collect();
    assert_eq!(active, [true, false, true], "{}", live.text);
    assert!(told[2]["text"].as_str().unwrap().contains("shutting down"), "{}", live.text);
}

#[tokio::test]
async fn a_reload_that_failed_is_told_until_one_succeeds() {
    let api = Api::new();
    let good = Arc::new(AtomicBool::new(false));
    let settings = api.state.settings.clone();
    let read: Reload = Some(Box::new({
        let good = Arc::clone(&good);
        move || {
            // Panics on an async thread, where nothing may wait for files.
            tokio::runtime::Handle::current().block_on(async {});
            match good.load(Ordering::SeqCst) {
                true => Ok(settings.clone()),
                false => Err("no such file".to_owned()),
            }
        }
    }));
    let stop = api.state.front.stop.clone();
    let reloads = stop.reloads();
    let task = tokio::spawn(background::reload(api.state.clone(), read, reloads, stop.clone()));
    assert_eq!(stop.reloaded(stop.reload()).await, Err("no such file".to_owned()));
    let told = api.data(OPERATOR, "/api/v1/notifications").await;
    assert!(told[0]["text"].as_str().unwrap().contains("could not be reloaded"), "{told}");
    assert_eq!(
        api.data(OPERATOR, "/api/v1/status/runtimeinfo").await["reloadConfigSuccess"],
        false
    );
    good.store(true, Ordering::SeqCst);
    assert_eq!(stop.reloaded(stop.reload()).await, Ok(()));
    assert_eq!(api.data(OPERATOR, "/api/v1/notifications").await, json!([]));
    stop.stop();
    task.await.unwrap();
}

#[tokio::test]
async fn the_replay_is_told_in_bytes() {
    let api = Api::new();
    let asked = async |token| api.data(token, "/api/v1/status/walreplay").await;
    let replay = async || asked(OPERATOR).await;
    let told =
        |max, current, state| json!({"min": 0, "max": max, "current": current, "state": state});
    assert_eq!(replay().await, told(0, 0, "waiting"));
    let front = &api.state.front;
    front.opening(&Progress { phase: Phase::Blocks, done: 3, total: 4 });
    assert_eq!(replay().await, told(0, 0, "waiting"));
    front.opening(&Progress { phase: Phase::Wal, done: 30, total: 40 });
    assert_eq!(replay().await, told(40, 30, "in progress"));
    assert_eq!(asked(ACME).await, told(100, 75, "in progress"), "what others wrote is not told");
    front.opened();
    assert_eq!(replay().await, told(40, 40, "done"));
    assert_eq!(asked(ACME).await, told(100, 100, "done"));
}

#[tokio::test]
async fn lifecycle_is_what_the_configuration_permits() {
    let api = Api::new();
    let refused = api.ask(Method::POST, "", "/-/reload").await;
    assert_eq!(refused.status, 403);
    assert!(!api.state.front.stop.is_stopping());
    let ready = api.get("", "/-/ready").await;
    assert_eq!(
        (ready.status, &ready.headers["x-prometheus-stopping"]),
        (503, &"false".parse().unwrap())
    );
    assert_eq!(api.ask(Method::PUT, "", "/-/quit").await.status, 200);
    assert!(api.state.front.stop.is_stopping());
    let ready = api.get("", "/-/ready").await;
    assert_eq!(ready.headers["x-prometheus-stopping"], "true");
    let version = api.get("", "/version").await.json();
    assert_eq!(version, api.data(ACME, "/api/v1/status/buildinfo").await);
}

#[tokio::test]
async fn admin_routes_are_those_that_are_listed() {
    let api = Api::new();
    for (path, methods) in daemon::admin::ROUTES {
        for method in ["get", "post", "put", "delete"] {
            let asked = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let status = api.ask(asked, "", path).await.status;
            assert_ne!(status, 404, "{method} {path}");
            assert_eq!(status != 405, methods.contains(&method), "{method} {path}: {status}");
        }
    }
}
