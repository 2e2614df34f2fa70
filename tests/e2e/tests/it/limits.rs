//! What tenants use and may use: told to each of its own, enforced, named when exceeded.

use e2e::{
    server::{ACME, AGENT, GLOBEX, OPERATOR, Server, client},
    write::{batch, now, send},
};
use model::write::{Sample, WriteBatch};
use reqwest::StatusCode;
use wire::remote_write::Version;

/// Series of the metric `m`, each with one sample.
fn series(range: std::ops::Range<usize>) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for number in range {
        let number = number.to_string();
        batch.begin_series(&mut [("__name__", "m"), ("number", &number)]).expect("is valid");
        batch.push_sample(Sample { time: now(), value: 1.0, start: 0 });
    }
    batch
}

#[test]
fn more_series_than_allowed_are_refused_by_name_and_counted() {
    let server = Server::start_with("limits.active_series = 10\nmetrics_tenants_max = 1\n");
    assert_eq!(send(&server, ACME, Version::V2, &series(0..10)).status(), StatusCode::NO_CONTENT);
    let refused = send(&server, ACME, Version::V2, &series(5..15));
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "trying again would be of no use");
    assert_eq!(refused.headers()["X-Prometheus-Remote-Write-Samples-Written"], "5");
    let told = refused.text().expect("has a body");
    assert!(told.contains("5 samples: series_limit"), "{told}");
    assert_eq!(server.value(ACME, "count(m)").as_deref(), Some("10"));
    // Another tenant has a limit of its own.
    assert_eq!(send(&server, GLOBEX, Version::V1, &series(0..3)).status(), StatusCode::NO_CONTENT);

    let own = server.data(ACME, "/api/v1/usage", &[]);
    assert_eq!(own.as_array().map(Vec::len), Some(1), "{own}");
    assert_eq!(own[0]["tenant"], "acme");
    assert_eq!(own[0]["activeSeries"], 10);
    assert_eq!(own[0]["samplesAppended"], 15);
    assert_eq!(own[0]["samplesRejected"], serde_json::json!({ "series_limit": 5 }));
    assert_eq!(own[0]["limits"]["activeSeries"], 10);
    assert!(own[0]["memoryBytes"].as_u64() > Some(0), "{own}");
    let all = server.data(OPERATOR, "/api/v1/usage", &[]);
    assert_eq!((&all[0]["tenant"], &all[1]["tenant"]), (&"acme".into(), &"globex".into()));
    let first = server.data(OPERATOR, "/api/v1/usage", &[("limit", "1")]);
    assert_eq!(first.as_array().map(Vec::len), Some(1));
    assert_eq!(server.get(AGENT, "/api/v1/usage", &[]).status(), StatusCode::FORBIDDEN);

    let metrics = client().get(server.url("/metrics")).send().expect("answers");
    let metrics = metrics.text().expect("has a body");
    for line in [
        "tsdb_tenant_head_series{tenant=\"acme\"} 10",
        "tsdb_tenant_head_series{tenant=\"(others)\"} 3",
        "tsdb_tenant_limit_head_series{tenant=\"acme\"} 10",
        "tsdb_tenant_samples_rejected_total{tenant=\"acme\",reason=\"series_limit\"} 5",
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    assert!(!metrics.contains("globex"), "only one tenant may be named");
}

/// What limits of rates cost is told as temporary, so that a sender slows down.
#[test]
fn a_rate_that_is_too_high_is_answered_with_429() {
    let server = Server::start_with("limits.samples_per_second = 2.0\n");
    assert_eq!(send(&server, ACME, Version::V2, &series(0..20)).status(), StatusCode::NO_CONTENT);
    let refused = send(&server, ACME, Version::V2, &series(0..200));
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    let told = refused.text().expect("has a body");
    assert!(told.contains("sample_rate"), "{told}");
    assert_eq!(send(&server, GLOBEX, Version::V2, &series(0..20)).status(), StatusCode::NO_CONTENT);
    let server = Server::start_with("limits.new_series_per_second = 1.0\n");
    let refused = send(&server, ACME, Version::V2, &series(0..200));
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text().expect("has a body").contains("series_rate"));
}

#[test]
fn too_many_tenants_are_refused_by_name() {
    let server = Server::start_with("limits.tenants = 1\n");
    assert_eq!(send(&server, ACME, Version::V2, &series(0..1)).status(), StatusCode::NO_CONTENT);
    let refused = send(&server, GLOBEX, Version::V2, &series(0..1));
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert!(refused.text().expect("has a body").contains("tenant_limit"));
}

const TENANTS: usize = 10_000;
const TENANTS_PER_REQUEST: usize = 500;
const SERIES: usize = 20;

/// An agent's writes for a fleet of small tenants, each of which then sees its own and no more.
#[test]
fn ten_thousand_tenants_are_written_through_one_token() {
    let token = "t-7777-0123456789abcdef0123456789abcdef";
    let more = format!(
        "[[aggregator.tokens]]\nname = \"t-7777\"\ntoken = {token:?}\ntenants = [\"t-7777\"]\n\
         scopes = [\"metrics-read\"]\n"
    );
    let mut server = Server::start_with(&more);
    let time = now();
    let send_all = |server: &Server| {
        for first in (0..TENANTS).step_by(TENANTS_PER_REQUEST) {
            let mut batch = WriteBatch::default();
            // Series of a tenant are not side by side.
            for series in 0..SERIES {
                for tenant in first..first + TENANTS_PER_REQUEST {
                    let (tenant, number) = (format!("t-{tenant}"), series.to_string());
                    let mut labels = [
                        ("__name__", "m"),
                        ("number", number.as_str()),
                        ("tenant", tenant.as_str()),
                    ];
                    batch.begin_series(&mut labels).expect("is valid");
                    batch.push_sample(Sample { time, value: series as f64, start: 0 });
                }
            }
            let answer = send(server, AGENT, Version::V2, &batch);
            assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{:?}", answer.text());
        }
    };
    let check = |server: &Server| {
        assert_eq!(server.value(token, "count(m)").as_deref(), Some("20"));
        assert_eq!(server.value(token, "sum(m)").as_deref(), Some("190"));
        assert_eq!(server.value(ACME, "count(m)"), None);
        assert_eq!(
            server.value(OPERATOR, "count(count by (tenant) (m))").as_deref(),
            Some("10000")
        );
        assert_eq!(server.value(OPERATOR, "count(m)").as_deref(), Some("200000"));
    };
    send_all(&server);
    check(&server);
    // What was acknowledged for each of them is there after `kill -9`.
    server.crash_and_restart();
    check(&server);
    // Sent again it is the same.
    send_all(&server);
    check(&server);
    let usage = server.data(token, "/api/v1/usage", &[]);
    assert_eq!((&usage[0]["tenant"], &usage[0]["activeSeries"]), (&"t-7777".into(), &20.into()));
}

#[test]
fn a_batch_of_nothing_is_taken() {
    let server = Server::start();
    let empty = batch(&[("__name__", "m")], &[]);
    assert_eq!(send(&server, ACME, Version::V2, &empty).status(), StatusCode::NO_CONTENT);
    assert_eq!(server.data(ACME, "/api/v1/usage", &[])[0]["activeSeries"], 0);
}
