//! Nobody reads or writes what is not theirs.

use e2e::{
    server::{ACME, AGENT, ALERTING, EXPIRED, GLOBEX, OPERATOR, Server},
    write::{batch, now, send},
};
use reqwest::StatusCode;
use wire::remote_write::Version;

fn seeded() -> Server {
    let server = Server::start();
    for (token, secret) in [(ACME, "acme-secret"), (GLOBEX, "globex-secret")] {
        let labels = [("__name__", "m"), ("secret", secret), (secret, "1")];
        let labels: Vec<(&str, String)> =
            labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let labels: Vec<(&str, &str)> =
            labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = send(&server, token, Version::V2, &batch(&labels, &[(now(), 1.0)]));
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    let events = serde_json::json!([{
        "time": now(), "kind": "exited", "reason": "globex-secret",
        "target": {"tenant": "globex", "app": "a", "instance": "globex-secret", "node": "n1"},
    }]);
    let answer = server.post(AGENT, "/api/v1/events").json(&events).send().expect("answers");
    assert_eq!(answer.status(), StatusCode::OK);
    server
}

/// Every readable endpoint, asked by acme for globex' things.
#[test]
fn a_tenant_sees_nothing_of_another() {
    let server = seeded();
    let paths: &[(&str, &[(&str, &str)])] = &[
        ("/api/v1/query", &[("query", "{__name__=~\".+\"}")]),
        ("/api/v1/query", &[("query", "m{tenant=\"globex\"}")]),
        ("/api/v1/query", &[("query", "count by (secret) (m)")]),
        (
            "/api/v1/query_range",
            &[("query", "m"), ("start", "0"), ("end", "2000000000"), ("step", "1000000")],
        ),
        ("/api/v1/series", &[("match[]", "m")]),
        ("/api/v1/series", &[("match[]", "{secret=~\"globex.*\"}")]),
        ("/api/v1/labels", &[]),
        ("/api/v1/label/secret/values", &[]),
        ("/api/v1/label/tenant/values", &[]),
        ("/api/v1/metadata", &[]),
        ("/api/v1/me", &[]),
        ("/api/v1/status/tsdb", &[]),
        ("/api/v1/status/tsdb/blocks", &[]),
        ("/api/v1/status/walreplay", &[]),
        ("/api/v1/notifications", &[]),
        ("/api/v1/usage", &[]),
        ("/api/v1/events", &[]),
        ("/api/v1/events", &[("tenant", "globex"), ("after", "0")]),
        ("/federate", &[("match[]", "{__name__=~\".+\"}")]),
        ("/metrics", &[]),
    ];
    for (path, query) in paths {
        let answer = server.get(ACME, path, query);
        let status = answer.status();
        let text = answer.text().expect("has a body");
        assert!(status.is_success(), "{path}: {status}: {text}");
        assert!(!text.contains("globex"), "{path} {query:?} tells acme of globex: {text}");
    }
}

#[test]
fn without_a_good_token_nothing_is_answered() {
    let server = seeded();
    let paths = [
        "/api/v1/query?query=m",
        "/api/v1/query_range?query=m&start=0&end=1&step=1",
        "/api/v1/query_live?query=m",
        "/api/v1/series?match[]=m",
        "/api/v1/labels",
        "/api/v1/label/secret/values",
        "/api/v1/metadata",
        "/api/v1/me",
        "/api/v1/format_query?query=m",
        "/api/v1/status/buildinfo",
        "/api/v1/status/tsdb",
        "/api/v1/status/tsdb/blocks",
        "/api/v1/status/self_metrics",
        "/api/v1/status/walreplay",
        "/api/v1/notifications",
        "/api/v1/notifications/live",
        "/api/v1/usage",
        "/api/v1/events",
        "/api/v1/events/stream",
        "/api/v1/nodes/n1/commands",
        "/federate?match[]=m",
    ];
    let client = e2e::server::client();
    for path in paths {
        let bare = client.get(server.url(path)).send().expect("answers");
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{path}");
        for token in ["wrong", EXPIRED, "", "acme"] {
            let answer = client.get(server.url(path)).bearer_auth(token).send().expect("answers");
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path} with {token:?}");
            let text = answer.text().expect("has a body");
            assert!(!text.contains("secret"), "{path}: {text}");
        }
    }
    for path in [
        "/api/v1/write",
        "/api/v1/events",
        "/api/v1/nodes/n1/commands",
        "/api/v1/remediation/resume",
    ] {
        let answer = server.post("wrong", path).body("{}").send().expect("answers");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[test]
fn a_scope_too_narrow_is_refused() {
    let server = seeded();
    let get = |token, path: &str| server.get(token, path, &[]).status();
    assert_eq!(get(AGENT, "/api/v1/query?query=m"), StatusCode::FORBIDDEN);
    assert_eq!(get(AGENT, "/api/v1/events"), StatusCode::FORBIDDEN);
    assert_eq!(get(AGENT, "/api/v1/nodes/n2/commands"), StatusCode::FORBIDDEN);
    assert_eq!(get(ACME, "/api/v1/nodes/n1/commands"), StatusCode::FORBIDDEN);
    let target = serde_json::json!({
        "tenant": "globex", "app": "a", "component": "", "instance": "i", "node": "n1",
    });
    let resume = serde_json::json!({ "target": target });
    let post = |token, path: &str, body: &serde_json::Value| {
        server.post(token, path).json(body).send().expect("answers").status()
    };
    for token in [ACME, GLOBEX, AGENT, ALERTING] {
        assert_eq!(post(token, "/api/v1/remediation/resume", &resume), StatusCode::FORBIDDEN);
    }
    assert_eq!(post(OPERATOR, "/api/v1/remediation/resume", &resume), StatusCode::OK);
    let event = serde_json::json!([{"time": 1, "kind": "exited", "target": target, "reason": ""}]);
    for token in [ACME, GLOBEX, OPERATOR] {
        assert_eq!(post(token, "/api/v1/events", &event), StatusCode::FORBIDDEN);
    }
    // Nobody speaks in another's name: not the agent for alerting or the person on call, nor the
    // other way round.
    for (token, kind) in [
        (AGENT, "resumed"),
        (AGENT, "quarantined"),
        (AGENT, "restart_decided"),
        (ALERTING, "exited"),
        (ALERTING, "resumed"),
    ] {
        let mut forged = event.clone();
        forged[0]["kind"] = kind.into();
        assert_eq!(post(token, "/api/v1/events", &forged), StatusCode::FORBIDDEN, "{kind}");
    }
    let mut elsewhere = event.clone();
    elsewhere[0]["target"]["node"] = "n2".into();
    assert_eq!(post(AGENT, "/api/v1/events", &elsewhere), StatusCode::FORBIDDEN);
}

#[test]
fn writes_land_in_the_writers_partition_only() {
    let server = Server::start();
    // A tenant cannot write into another's partition by naming it.
    let forged = batch(&[("__name__", "forged"), ("tenant", "globex")], &[(now(), 1.0)]);
    assert_eq!(send(&server, ACME, Version::V2, &forged).status(), StatusCode::NO_CONTENT);
    assert_eq!(server.value(GLOBEX, "forged"), None);
    assert_eq!(server.value(OPERATOR, "forged{tenant=\"globex\"}"), None);
    assert_eq!(server.value(ACME, "forged").as_deref(), Some("1"));
    // An agent's series goes where its label says, and the label is gone.
    let agents = batch(&[("__name__", "agents"), ("tenant", "globex")], &[(now(), 2.0)]);
    assert_eq!(send(&server, AGENT, Version::V1, &agents).status(), StatusCode::NO_CONTENT);
    assert_eq!(server.value(ACME, "agents"), None);
    assert_eq!(server.value(GLOBEX, "agents{tenant=\"\"}").as_deref(), Some("2"));
    assert_eq!(server.value(OPERATOR, "agents{tenant=\"globex\"}").as_deref(), Some("2"));
    // An agent that names nobody is told so.
    let nobody = batch(&[("__name__", "nobody")], &[(now(), 3.0)]);
    let answer = send(&server, AGENT, Version::V2, &nobody);
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().expect("has a body").contains("names no tenant"));
    // Readers cannot write.
    for token in [OPERATOR, ALERTING] {
        assert_eq!(send(&server, token, Version::V2, &nobody).status(), StatusCode::FORBIDDEN);
    }
}
