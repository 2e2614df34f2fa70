//! What the node agent costs: the real `tidewatch-agent` at 1 s, collecting real populated cgroups
//! and the node, and pushing to a real aggregator, with and without a spool; its CPU time, memory
//! and bytes sent. Beside it on the same groups: netdata, which also collects each second, and
//! node_exporter, which knows no containers, scraped each second.

use std::{
    fs,
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use e2e::{
    process::{Process, free_port, tidewatch_agent},
    server::{AGENT, OPERATOR, Server, client},
};

use serde_json::Value;

use crate::{
    Options,
    cgroups::Groups,
    proc::{cpu_seconds_with_children, resident_bytes},
    report::{Measurement, Peer, Report, complain},
};

/// Containers, and what is aimed at: a share of a core in percent, and MiB.
const SIZES: [(usize, f64, f64); 2] = [(250, 1.0, 30.0), (1000, 4.0, 60.0)];
/// Until connections are made and descriptors are open.
const WARM_UP: Duration = Duration::from_secs(12);
/// A multiple of the ten seconds after which what changes slowly is read.
const MEASURED: Duration = Duration::from_secs(30);
const MIB: f64 = 1_048_576.0;

/// What a collector cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Percent of a core.
    share: f64,
    resident: f64,
}

pub(crate) fn run(report: &mut Report, options: Options) -> Result<(), String> {
    let sizes = if options.quick { &SIZES[..1] } else { &SIZES[..] };
    for (count, share, memory) in sizes {
        let groups = Groups::make(*count)?;
        let peers = if options.alone { Vec::new() } else { peers(*count)? };
        for spool in [false, true] {
            let (cost, bytes) = ours(&groups, *count, spool)?;
            let name = |what: &str| {
                let kept = if spool { ", with a spool" } else { "" };
                format!("{}{what}, {count} cgroups each second{kept}", options.prefix())
            };
            let measurement = |name, ours, unit, target| Measurement {
                suite: "agent",
                name,
                ours,
                unit,
                target,
                more_is_better: false,
            };
            let beside = |value: fn(&Cost) -> f64| -> Vec<Peer> {
                peers.iter().map(|(name, cost)| (*name, value(cost))).collect()
            };
            report.beside(
                &measurement(name("CPU"), cost.share, "% of a core", Some(*share)),
                &beside(|cost| cost.share),
            );
            report.beside(
                &measurement(name("memory"), cost.resident / MIB, "MiB", Some(*memory)),
                &beside(|cost| cost.resident / MIB),
            );
            let minutes = MEASURED.as_secs_f64() / 60.0;
            let each = bytes / *count as f64 / minutes;
            report.add(&measurement(name("sent per cgroup"), each, "B a minute", None));
        }
    }
    Ok(())
}

/// The agent's cost, and the bytes that it sent while it was measured.
fn ours(groups: &Groups, count: usize, spool: bool) -> Result<(Cost, f64), String> {
    let server = Server::start();
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (config, admin) = (dir.path().join("agent.toml"), free_port());
    let spool = if spool {
        format!("[agent.spool]\ndir = {:?}\n", dir.path().join("spool"))
    } else {
        String::new()
    };
    let text = format!(
        "[agent]\nnode = \"n1\"\naggregator = {:?}\ntoken = {AGENT:?}\n\
         listen = \"127.0.0.1:{admin}\"\n{spool}[agent.cgroups]\nprefix = {:?}\n",
        server.url(""),
        groups.prefix,
    );
    fs::write(&config, text).map_err(|error| error.to_string())?;
    let mut command = Command::new(tidewatch_agent());
    command.arg("--config").arg(&config);
    let agent = Process::start("tidewatch-agent", &mut command);
    sleep(WARM_UP);
    let sent = sent_bytes(admin)?;
    let cost = measure(agent.pid(), || ())?;
    let sent = sent_bytes(admin)? - sent;
    let seen = server
        .value(OPERATOR, "count(rate(container_cpu_usage_seconds_total{app=~\"app-.*\"}[10s]))")
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(0.0);
    if seen < count as f64 {
        return Err(format!("only {seen} of {count} groups arrived:\n{}", agent.output()));
    }
    Ok((cost, sent))
}

/// Bytes of all bodies so far, by the agent's own count.
fn sent_bytes(admin: u16) -> Result<f64, String> {
    let url = format!("http://127.0.0.1:{admin}/metrics");
    let text = client().get(url).send().and_then(|answer| answer.text());
    let text = text.map_err(|error| error.to_string())?;
    let lines = text.lines().filter(|line| line.starts_with("agent_sent_bytes_total"));
    Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
}

/// CPU time and memory of a process with its children over [`MEASURED`], with `each` done once a
/// second meanwhile.
fn measure(pid: u32, mut each: impl FnMut()) -> Result<Cost, String> {
    let (before, started) = (cpu_seconds_with_children(pid)?, Instant::now());
    while started.elapsed() < MEASURED {
        each();
        sleep(Duration::from_secs(1).min(MEASURED.saturating_sub(started.elapsed())));
    }
    let (after, took) = (cpu_seconds_with_children(pid)?, started.elapsed());
    let share = (after - before) / took.as_secs_f64() * 100.0;
    Ok(Cost { share, resident: resident_bytes(pid)? })
}

fn peers(groups: usize) -> Result<Vec<(&'static str, Cost)>, String> {
    let mut peers = Vec::new();
    if Path::new("/usr/sbin/netdata").exists() {
        match netdata(groups)? {
            Ok(cost) => peers.push(("netdata", cost)),
            Err(seen) => {
                complain(&format!("netdata shows {seen} of {groups} groups, and is not told of\n"));
            }
        }
    } else {
        complain("netdata is not installed: not measured\n");
    }
    if Path::new("/usr/bin/prometheus-node-exporter").exists() {
        peers.push(("node_exporter (no containers)", node_exporter()?));
    } else {
        complain("node_exporter is not installed: not measured\n");
    }
    Ok(peers)
}

/// Or how many of the groups it shows, where it does not show all.
fn netdata(groups: usize) -> Result<Result<Cost, usize>, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    for name in ["cache", "lib", "log"] {
        fs::create_dir_all(dir.path().join(name)).map_err(|error| error.to_string())?;
    }
    let (file, port) = (path("netdata.conf"), free_port());
    // Where both versions are mounted, the groups are in the trees of version 1. Names it would ask
    // a program for, one by one.
    let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    let unified = if unified { "yes" } else { "no" };
    let config = format!(
        "[global]\nrun as user = root\n[directories]\ncache = {}\nlib = {}\nlog = {}\n\
         [db]\nmode = ram\nupdate every = 1\n[web]\nbind to = 127.0.0.1:{port}\n\
         [plugins]\npython.d = no\ncharts.d = no\ngo.d = no\napps = no\n\
         [plugin:cgroups]\nuse unified cgroups = {unified}\n\
         enable by default cgroups matching = *\nsearch for cgroups in subpaths matching = *\n\
         run script to rename cgroups matching = !*\nmax cgroups to allow = 4000\n",
        path("cache"),
        path("lib"),
        path("log"),
    );
    fs::write(&file, config).map_err(|error| error.to_string())?;
    let mut command = Command::new("/usr/sbin/netdata");
    let netdata = Process::start("netdata", command.args(["-D", "-c", &file]));
    // It looks for new groups every ten seconds.
    sleep(WARM_UP * 4);
    let charts = client().get(format!("http://127.0.0.1:{port}/api/v1/charts")).send();
    let charts = charts.and_then(|answer| answer.text()).map_err(|error| error.to_string())?;
    let charts: Value = serde_json::from_str(&charts).map_err(|error| error.to_string())?;
    let shown = charts["charts"].as_object().map_or(0, |charts| {
        charts.keys().filter(|name| name.contains("app-") && name.ends_with(".cpu")).count()
    });
    let cost = measure(netdata.pid(), || ())?;
    Ok(if shown >= groups { Ok(cost) } else { Err(shown) })
}

/// Scraped each second.
fn node_exporter() -> Result<Cost, String> {
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new("prometheus-node-exporter");
    command.arg(format!("--web.listen-address={address}"));
    let exporter = Process::start("node_exporter", &mut command);
    sleep(Duration::from_secs(2));
    let (client, url) = (client(), format!("http://{address}/metrics"));
    measure(exporter.pid(), || {
        drop(client.get(&url).send().and_then(|answer| answer.bytes()));
    })
}
