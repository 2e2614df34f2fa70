//! Frames from outside: the agent's protocol against a real aggregator, with lost answers, crashes,
//! foreign tenants and foreign nodes.

use e2e::{
    server::{ACME, AGENT, GLOBEX, OPERATOR, Server},
    write::now,
};
use model::write::{Sample, WriteBatch};
use reqwest::blocking::Response;
use wire::frames::{CONTENT_TYPE, Encoder, HEADER_SEQUENCE, PATH, STATUS_BEGIN_ANEW};

const TENANT: &str = "tenant";

/// One tick of two tenants' series, of which one counts.
fn tick(node: &str, time: i64, value: f64) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for tenant in ["acme", "globex"] {
        for name in ["ticks_total", "limit"] {
            let labels = [("__name__", name), ("node", node), (TENANT, tenant)];
            batch.begin_series(&mut labels.to_vec()).expect("is valid");
            let value = if name == "limit" { 7.0 } else { value };
            batch.push_sample(Sample { time, value, start: 0 });
        }
    }
    batch
}

fn send(server: &Server, token: &str, body: &[u8]) -> Response {
    server
        .post(token, PATH)
        .header("content-type", CONTENT_TYPE)
        .body(body.to_vec())
        .send()
        .expect("answers")
}

fn sequence(answer: &Response) -> &str {
    answer.headers()[HEADER_SEQUENCE].to_str().expect("is a number")
}

fn written(answer: &Response) -> &str {
    answer.headers()["x-prometheus-remote-write-samples-written"].to_str().expect("is a number")
}

#[test]
fn frames_reach_their_tenants_once() {
    let mut server = Server::start();
    let start = now() - 60_000;
    let mut encoder = Encoder::new(1, TENANT);
    let mut body = Vec::new();
    let mut bytes = Vec::new();
    for at in 0..20 {
        encoder.encode(&tick("n1", start + at * 1000, at as f64), &mut body);
        bytes.push(body.len());
        // The answer is lost now and then, and the body sent again.
        for _ in 0..=at % 3 {
            let answer = send(&server, AGENT, &body);
            assert_eq!((answer.status().as_u16(), written(&answer)), (204, "4"));
            assert_eq!(sequence(&answer), (at + 1).to_string());
        }
    }
    assert!(bytes[10] * 2 < bytes[0], "labels travel once: {bytes:?}");
    for token in [ACME, GLOBEX] {
        let count = "sum(count_over_time(ticks_total[5m]))";
        assert_eq!(server.value(token, count).as_deref(), Some("20"));
        assert_eq!(server.value(token, "last_over_time(ticks_total[5m])").as_deref(), Some("19"));
    }
    // What was acknowledged outlives a crash; the epoch does not, and the sender begins anew.
    server.crash_and_restart();
    encoder.encode(&tick("n1", start + 20_000, 20.0), &mut body);
    let answer = send(&server, AGENT, &body);
    assert_eq!((answer.status().as_u16(), sequence(&answer)), (STATUS_BEGIN_ANEW, "0"));
    encoder.reset(2);
    for at in 19..21 {
        encoder.encode(&tick("n1", start + at * 1000, at as f64), &mut body);
        assert_eq!(send(&server, AGENT, &body).status(), 204);
    }
    let count = "sum by (node) (count_over_time(ticks_total{node=\"n1\"}[5m]))";
    assert_eq!(server.value(OPERATOR, count).as_deref(), Some("42"));
}

#[test]
fn bodies_out_of_step_are_refused_whole() {
    let server = Server::start();
    let mut encoder = Encoder::new(1, TENANT);
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    for (at, body) in [(0, &mut first), (1, &mut second), (2, &mut third)] {
        encoder.encode(&tick("n1", now() + at, at as f64), body);
    }
    assert_eq!(send(&server, AGENT, &first).status(), 204);
    assert_eq!(send(&server, AGENT, &third).status(), STATUS_BEGIN_ANEW, "one is missing");
    assert_eq!(send(&server, AGENT, &second).status(), STATUS_BEGIN_ANEW, "the epoch has ended");
    let mut broken = first.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    for bad in [&broken[..], &first[..first.len() - 1], b"", b"TWFR"] {
        let answer = send(&server, AGENT, bad);
        assert_eq!((answer.status().as_u16(), sequence(&answer)), (400, "0"));
    }
    let answer = server.post(AGENT, PATH).body("text").send().expect("answers");
    assert_eq!(answer.status(), 415);
}

#[test]
fn nobody_writes_what_is_not_theirs() {
    let server = Server::start();
    let mut body = Vec::new();
    Encoder::new(1, TENANT).encode(&tick("n2", now(), 1.0), &mut body);
    let answer = send(&server, AGENT, &body);
    assert_eq!((answer.status().as_u16(), sequence(&answer)), (400, "1"));
    let text = answer.text().expect("has a body");
    assert!(text.contains("not for the node"), "{text}");
    assert_eq!(server.value(OPERATOR, "count({node=\"n2\"})"), None);
    assert_eq!(send(&server, OPERATOR, &body).status(), 403);
    // A tenant's own sender is taken at its word for itself alone.
    let answer = send(&server, ACME, &body);
    assert_eq!((answer.status().as_u16(), written(&answer)), (400, "2"));
    let text = answer.text().expect("has a body");
    assert!(text.contains("not for this tenant"), "{text}");
    assert_eq!(server.value(OPERATOR, "count by (tenant) ({node=\"n2\"})").as_deref(), Some("2"));
    assert_eq!(server.value(GLOBEX, "count({node=\"n2\"})"), None);
    let anonymous = server.post("nobody", PATH).header("content-type", CONTENT_TYPE).body(body);
    assert_eq!(anonymous.send().expect("answers").status(), 401);
}
