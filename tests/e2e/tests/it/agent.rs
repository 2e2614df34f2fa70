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
    process: Process,
    admin: u16,
    _dir: TempDir,
}

fn agent(aggregator: &str) -> Agent {
    agent_with(aggregator, "")
}

/// With more lines of the `[agent]` section.
fn agent_with(aggregator: &str, lines: &str) -> Agent {
    let dir = tempfile::tempdir().expect("is created");
    let admin = free_port();
    let config = format!(
        "[agent]\nnode = \"n1\"\naggregator = {aggregator:?}\ntoken = {AGENT:?}\n\
         listen = \"127.0.0.1:{admin}\"\n{lines}"
    );
    let file = dir.path().join("agent.toml");
    std::fs::write(&file, config).expect("is written");
    let mut command = Command::new(tidewatch());
    command.args(["agent", "--config"]).arg(&file);
    Agent { process: Process::start("tidewatch agent", &mut command), admin, _dir: dir }
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

/// Times of the oldest and newest tick that the aggregator has, in seconds, and how many they are.
fn ticks(server: &Server) -> Option<(f64, f64, f64)> {
    let value = |query: &str| server.value(OPERATOR, query)?.parse().ok();
    Some((
        value("min(min_over_time(timestamp(node_load1)[10m:1s]))")?,
        value("max(timestamp(container_cpu_usage_seconds_total))")?,
        value("max(count_over_time(container_cpu_usage_seconds_total[10m]))")?,
    ))
}

#[test]
fn killed_while_the_aggregator_is_away_an_agent_loses_nothing() {
    let spool = tempfile::tempdir().expect("is created");
    let port = free_port();
    let address = format!("http://127.0.0.1:{port}");
    let lines = format!("spool.dir = {:?}\n", spool.path());
    let collected = |agent: &Agent, count: f64| {
        wait_until("ticks on disk", || {
            counter(agent, "agent_spool_bytes").filter(|bytes| *bytes > 0.0)?;
            let ticks = counter(agent, "agent_collect_duration_seconds_count")?;
            (ticks >= count).then_some(ticks)
        })
    };
    let mut before = 0.0;
    for _ in 0..2 {
        let mut agent = agent_with(&address, &lines);
        // The last tick may be on its way to the disk.
        before += collected(&agent, 4.0).expect("the agent collects") - 1.0;
        agent.process.kill();
    }
    let killed = now() as f64 / 1000.0;
    let server = Server::start_on(port, "");
    let agent = agent_with(&address, &lines);
    let after = wait_until("the samples from before", || {
        ticks(&server).filter(|(_, newest, _)| *newest > killed + 1.0)
    });
    let (oldest, newest, count) = after.expect("samples arrive");
    assert!(oldest < killed - 5.0, "the first sample is of {oldest}, the agent died at {killed}");
    assert!(count >= before, "{count} ticks of at least {before} between {oldest} and {newest}");
    assert_eq!(counter(&agent, "agent_samples_dropped_total"), Some(0.0));
    // Ticks are a second apart, and a start may come within one.
    assert!(count <= newest - oldest + 4.0, "{count} ticks between {oldest} and {newest}");
}

#[test]
fn a_destination_that_is_away_delays_no_other() {
    let spool = tempfile::tempdir().expect("is created");
    let server = Server::start();
    let away = free_port();
    let late = free_port();
    let lines = format!(
        "spool.dir = {:?}\n\
         destinations.mirror.remote_write = \"http://127.0.0.1:{late}/api/v1/write\"\n\
         destinations.mirror.token = {AGENT:?}\n\
         destinations.gone.remote_write = \"http://127.0.0.1:{away}/write\"\n",
        spool.path()
    );
    let began = now() as f64 / 1000.0;
    let _agent = agent_with(&server.url(""), &lines);
    let arrive = |server: &Server| {
        wait_until("the agent's samples", || ticks(server).filter(|(.., count)| *count > 3.0))
    };
    arrive(&server).expect("the aggregator has them");
    let mirror = Server::start_on(late, "");
    let (oldest, ..) = arrive(&mirror).expect("the mirror has them");
    assert!(oldest < began + 3.0, "from the beginning on: {oldest}, {began}");
}
