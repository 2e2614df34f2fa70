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
    cgroups::Groups,
    report::{Measurement, Report},
};

const GROUPS: usize = 250;
/// Until connections are made and descriptors are open.
const WARM_UP: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(30);
/// The kernel's clock ticks per second (USER_HZ), 100 on every Linux.
const TICKS: f64 = 100.0;

pub(crate) fn run(report: &mut Report) -> Result<(), String> {
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
        peer: None,
        target: Some(target),
        more_is_better: false,
    };
    let share = (after - before) / took.as_secs_f64() * 100.0;
    report.add(&measurement("CPU, 250 cgroups each second", share, "% of a core", 3.0));
    report.add(&measurement("memory, 250 cgroups", resident_mib(agent.pid())?, "MiB", 30.0));
    Ok(())
}

/// User and system time of a process so far (proc(5), fields 14 and 15).
fn cpu_seconds(pid: u32) -> Result<f64, String> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.to_string())?;
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok((user + system) / TICKS),
        _ => Err(format!("cannot read the CPU time of process {pid}")),
    }
}

fn resident_mib(pid: u32) -> Result<f64, String> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).ok_or_else(|| format!("cannot read the memory of process {pid}"))
}
