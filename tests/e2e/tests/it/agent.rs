//! The agent alone: with an aggregator that comes late, and with a receiver that is not ours.

use std::process::Command;

use e2e::{
    peers,
    process::{Process, free_port, tidewatch, wait_until},
    server::{AGENT, OPERATOR, Server},
    write::now,
};
use serde_json::Value;
use tempfile::TempDir;

/// A running `tidewatch agent` that pushes to `aggregator`.
struct Agent {
    _process: Process,
    admin: u16,
    _dir: TempDir,
}

fn agent(aggregator: &str) -> Agent {
    let dir = tempfile::tempdir().expect("is created");
    let admin = free_port();
    let config = format!(
        "[agent]\nnode = \"n1\"\naggregator = {aggregator:?}\ntoken = {AGENT:?}\n\
         listen = \"127.0.0.1:{admin}\"\n"
    );
    let file = dir.path().join("agent.toml");
    std::fs::write(&file, config).expect("is written");
    let mut command = Command::new(tidewatch());
    command.args(["agent", "--config"]).arg(&file);
    Agent { _process: Process::start("tidewatch agent", &mut command), admin, _dir: dir }
}

/// A counter of the agent's own metrics.
fn counter(agent: &Agent, name: &str) -> Option<f64> {
    let url = format!("http://127.0.0.1:{}/metrics", agent.admin);
    let text = e2e::server::client().get(url).send().ok()?.text().ok()?;
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn samples_wait_for_an_aggregator_that_comes_late() {
    let port = free_port();
    let agent = agent(&format!("http://127.0.0.1:{port}"));
    let began = wait_until("the agent to collect in vain", || {
        let failed = counter(&agent, "agent_send_failures_total").filter(|count| *count > 2.0);
        failed.map(|_count| now())
    });
    let began = began.expect("the agent tries");
    let server = Server::start_on(port, "");
    let oldest = wait_until("the samples from before", || {
        server.value(OPERATOR, "min(min_over_time(timestamp(node_load1)[5m:1s]))")
    });
    let oldest: f64 = oldest.expect("samples arrive").parse().expect("is a number");
    let began = began as f64 / 1000.0;
    assert!(oldest <= began, "the first sample is of {oldest}, the aggregator came after {began}");
    assert_eq!(counter(&agent, "agent_samples_dropped_total"), Some(0.0));
    assert_eq!(counter(&agent, "agent_samples_refused_total"), Some(0.0));
}

#[test]
fn an_agent_pushes_into_a_prometheus_that_knows_only_version_1() {
    if peers::left_out("Prometheus as a receiver of the agent's samples") {
        return;
    }
    let dir = tempfile::tempdir().expect("is created");
    let port = free_port();
    let config = dir.path().join("prometheus.yml");
    std::fs::write(&config, "global: {scrape_interval: 1m}\n").expect("is written");
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--web.enable-remote-write-receiver");
    let _prometheus = Process::start("prometheus", &mut command);
    let _agent = agent(&format!("http://127.0.0.1:{port}"));
    let client = e2e::server::client();
    let url = format!("http://127.0.0.1:{port}/api/v1/query?query=node_load1");
    let found = wait_until("Prometheus to have the agent's samples", || {
        let body: Value = client.get(&url).send().ok()?.json().ok()?;
        body["data"]["result"].get(0).cloned()
    });
    let element = found.expect("samples arrive");
    assert_eq!(element["metric"]["node"], "n1", "{element}");
}
