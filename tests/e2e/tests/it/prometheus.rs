//! A real Prometheus writes into us and federates from us; promtool asks us.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use e2e::{
    peers,
    process::{Process, free_port, wait_until},
    server::{ACME, Server},
    write::{batch, now, send},
};
use serde_json::Value;
use wire::remote_write::Version;

fn prometheus(dir: &Path, port: u16, server: &Server) -> Process {
    let config = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs:\n\
         - job_name: self\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n\
         - job_name: federated\n  honor_labels: true\n  metrics_path: /federate\n\
         \x20 params: {{'match[]': ['{{__name__=~\"federated_.*\"}}']}}\n\
         \x20 authorization: {{credentials: '{ACME}'}}\n\
         \x20 static_configs: [{{targets: ['127.0.0.1:{ours}']}}]\n\
         remote_write:\n- url: {write}\n  authorization: {{credentials: '{ACME}'}}\n\
         \x20 queue_config: {{batch_send_deadline: 1s}}\n",
        ours = server.port,
        write = server.url("/api/v1/write"),
    );
    peers::prometheus(dir, port, &config)
}

#[test]
fn a_real_prometheus_writes_to_us_and_federates_from_us() {
    if peers::left_out("Prometheus: remote write and federation") {
        return;
    }
    let server = Server::start();
    let dir = tempfile::tempdir().expect("is created");
    let port = free_port();
    let _prometheus = prometheus(dir.path(), port, &server);

    let written = wait_until("samples from Prometheus", || {
        server.value(ACME, "count_over_time(up{job=\"self\"}[1m]) > 3")
    });
    assert!(written.is_some(), "nothing came by remote write");
    // What Prometheus says of itself is what it wrote to us.
    let build = server.data(ACME, "/api/v1/query", &[("query", "prometheus_build_info")]);
    assert!(build["result"][0]["metric"]["version"].is_string(), "{build}");

    let labels = [("__name__", "federated_value"), ("zone", "\"quoted\"\n")];
    let client = e2e::server::client();
    let pulled = wait_until("Prometheus to federate", || {
        let answer = send(&server, ACME, Version::V2, &batch(&labels, &[(now(), 7.5)]));
        assert!(answer.status().is_success(), "{:?}", answer.text());
        let url = format!("http://127.0.0.1:{port}/api/v1/query?query=federated_value");
        let body: Value = client.get(url).send().ok()?.json().ok()?;
        let element = body["data"]["result"].get(0)?.clone();
        (element["value"][1] == "7.5").then_some(element)
    });
    let element = pulled.expect("Prometheus federates from us");
    assert_eq!(element["metric"]["zone"], "\"quoted\"\n");
}

#[test]
fn promtool_queries_us() {
    if peers::left_out("promtool query") {
        return;
    }
    let server = Server::start();
    let labels = [("__name__", "asked"), ("job", "x")];
    let samples: Vec<(i64, f64)> = (0..60).map(|n| (now() - 60_000 + n * 1000, n as f64)).collect();
    assert!(send(&server, ACME, Version::V1, &batch(&labels, &samples)).status().is_success());
    let url = format!("http://promtool:{ACME}@127.0.0.1:{}", server.port);
    let promtool = |args: &[&str]| {
        let output =
            Command::new("promtool").args(args).stdin(Stdio::null()).output().expect("runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        text
    };
    assert!(promtool(&["query", "instant", &url, "asked"]).contains("asked{job=\"x\"} => 59"));
    let range = promtool(&["query", "range", "--step=10s", &url, "rate(asked[10s])"]);
    assert!(range.contains("{job=\"x\"} =>"), "{range}");
    assert!(promtool(&["query", "series", "--match=asked", &url]).contains("__name__=\"asked\""));
    assert_eq!(promtool(&["query", "labels", &url, "job"]).trim(), "x");
}

/// What promtool's linter says of an exposition, and how it exits: 1 if it cannot be read, 3 if it
/// finds fault with it.
fn linted(exposition: &str) -> (Option<i32>, String) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut input = promtool.stdin.take().expect("is piped");
    input.write_all(exposition.as_bytes()).expect("is read");
    drop(input);
    let output = promtool.wait_with_output().expect("ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn promtool_finds_no_fault_with_what_we_expose() {
    if peers::left_out("promtool check metrics") {
        return;
    }
    let server = Server::start_with("metrics_tenants_max = 5");
    let labels = [("__name__", "exposed.by"), ("zone", "\"quoted\"\n")];
    let stored = send(&server, ACME, Version::V2, &batch(&labels, &[(now(), 7.5)]));
    assert!(stored.status().is_success());
    let text =
        |path: &str, query: &[(&str, &str)]| server.get(ACME, path, query).text().expect("is text");
    assert_eq!(linted(&text("/metrics", &[])), (Some(0), String::new()));
    // A federated series has no help, and that is all that is wrong with it.
    let federated = text("/federate", &[("match[]", "{zone!=\"\"}")]);
    assert_eq!(linted(&federated), (Some(3), "exposed_by no help text\n".to_owned()));
}
