//! What the node agent costs: the real `tidewatch agent` at 1 s, collecting real populated cgroups
//! and pushing to a real aggregator; its CPU time and memory as the kernel counts them.

use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use e2e::{
    process::{Process, free_port, tidewatch},
    server::{AGENT, OPERATOR, Server},
};

use crate::{
    Options,
    cgroups::Groups,
    proc::{cpu_seconds, resident_bytes},
    report::{Measurement, Report},
};

const GROUPS: usize = 250;
/// Until connections are made and descriptors are open.
const WARM_UP: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(30);
const MIB: f64 = 1_048_576.0;

pub(crate) fn run(report: &mut Report, _options: Options) -> Result<(), String> {
    let groups = Groups::make(GROUPS)?;
    let server = Server::start();
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let config = dir.path().join("agent.toml");
    let text = format!(
        "[agent]\nnode = \"n1\"\naggregator = {:?}\ntoken = {AGENT:?}\nlisten = \"127.0.0.1:{}\"\n\
         node_metrics = false\n[agent.cgroups]\nprefix = {:?}\n",
        server.url(""),
        free_port(),
        groups.prefix,
    );
    fs::write(&config, text).map_err(|error| error.to_string())?;
    let mut command = Command::new(tidewatch());
    command.args(["agent", "--config"]).arg(&config);
    let agent = Process::start("tidewatch agent", &mut command);
    sleep(WARM_UP);
    let (before, started) = (cpu_seconds(agent.pid())?, Instant::now());
    sleep(MEASURED);
    let (after, took) = (cpu_seconds(agent.pid())?, started.elapsed());
    let seen = server
        .value(OPERATOR, "count(rate(container_cpu_usage_seconds_total{app=~\"app-.*\"}[10s]))")
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(0.0);
    if seen < GROUPS as f64 {
        return Err(format!("only {seen} of {GROUPS} groups arrived:\n{}", agent.output()));
    }
    let measurement = |name: &str, ours, unit, target| Measurement {
        suite: "agent",
        name: name.to_owned(),
        ours,
        unit,
        target: Some(target),
        more_is_better: false,
    };
    let share = (after - before) / took.as_secs_f64() * 100.0;
    report.add(&measurement("CPU, 250 cgroups each second", share, "% of a core", 3.0));
    report.add(&measurement(
        "memory, 250 cgroups",
        resident_bytes(agent.pid())? / MIB,
        "MiB",
        30.0,
    ));
    Ok(())
}
