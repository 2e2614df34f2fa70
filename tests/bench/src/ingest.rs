//! How fast samples are taken in, and what a series costs in memory: the same remote-write bodies to
//! us and to the peers, over several connections, each with an acknowledgement before the next.
//!
//! A *wall* figure is what this run took on this machine, load generator included. A *2-core* figure
//! is samples per second of the server's own CPU time, times two: what two cores would do if they
//! did nothing else. CPU time is counted until a few seconds after the last acknowledgement, so that
//! work which was put off counts too.

use std::{
    ops::Range,
    thread::sleep,
    time::{Duration, Instant},
};

use wire::remote_write::Version;

use crate::{
    Options,
    load::{Bodies, Load, Protocol, TICK},
    proc,
    report::{Measurement, Report},
    system::{Kind, System},
};

const SUITE: &str = "ingest";
const CONNECTIONS: usize = 8;
/// How long work that was put off is counted.
const DRAIN: Duration = Duration::from_secs(3);
const CORES: f64 = 2.0;
const MILLION: f64 = 1e6;
/// Series of one tenant where there are many.
const TENANT_SERIES: usize = 20;
/// Million samples a second, steady, on two cores; and how many times more ticks are sent.
const FRAMES_TARGET: f64 = 20.0;
const FRAMES_TICKS: usize = 5;
/// Bytes of memory per active series.
const MEMORY_TARGET: f64 = 450.0;
/// A restart takes at most so much of Prometheus' time.
const RESTART_SHARE: f64 = 0.2;

/// One size of the load.
#[derive(Clone, Copy, Debug)]
struct Size {
    name: &'static str,
    series: usize,
    ticks: usize,
    /// Million samples a second, steady, on two cores.
    target: Option<f64>,
}

const SIZES: [Size; 2] = [
    Size { name: "200k series", series: 200_000, ticks: 21, target: Some(2.5) },
    Size { name: "1M series", series: 1_000_000, ticks: 5, target: Some(1.5) },
];
const QUICK: [Size; 1] =
    [Size { name: "quick 20k series", series: 20_000, ticks: 11, target: None }];

/// What one system did with one load.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    registration: Speed,
    steady: Speed,
    bytes_per_series: f64,
    /// Seconds.
    restart: f64,
}

/// What each installed peer did.
type Peers = Vec<(Kind, Taken)>;

/// One of its numbers.
type Figure = fn(&Taken) -> f64;

/// In million samples a second.
#[derive(Clone, Copy, Debug, Default)]
struct Speed {
    wall: f64,
    two_core: f64,
}

pub(crate) fn run(report: &mut Report, options: Options) -> Result<(), String> {
    let sizes: &[Size] = if options.quick { &QUICK } else { &SIZES };
    for (number, size) in sizes.iter().enumerate() {
        let load = Load {
            protocol: Protocol::RemoteWrite(Version::V1),
            series: size.series,
            ticks: size.ticks,
            start: start(size.ticks),
            tenant_series: None,
        };
        let peers = one_size(report, *size, load, options)?;
        let one_tenant = Some(size.series);
        as_agents(report, *size, Load { tenant_series: one_tenant, ..frames(load) }, &peers)?;
        if number == 0 {
            let load = Load { tenant_series: Some(TENANT_SERIES), ..load };
            let protocol = Protocol::RemoteWrite(Version::V2);
            as_agents(report, *size, Load { protocol, ..load }, &peers)?;
            as_agents(report, *size, frames(load), &peers)?;
        }
    }
    Ok(())
}

/// When to begin so as to end about now.
fn start(ticks: usize) -> i64 {
    e2e::write::now() - TICK * i64::try_from(ticks).unwrap_or(0)
}

/// The same as frames, and more ticks of it, because each takes so little.
fn frames(load: Load) -> Load {
    let ticks = (load.ticks - 1) * FRAMES_TICKS + 1;
    Load { protocol: Protocol::Frames, ticks, start: start(ticks), ..load }
}

/// Ours by both versions, and the peers by the one they know.
fn one_size(
    report: &mut Report,
    size: Size,
    load: Load,
    options: Options,
) -> Result<Peers, String> {
    let bodies = load.prepare()?;
    let mut peers = Vec::new();
    for kind in options.peers() {
        if let Some(system) = System::start(*kind)? {
            peers.push((*kind, measure(system, load, &bodies)?));
        }
    }
    let first = measure(System::ours()?, load, &bodies)?;
    drop(bodies);
    let load = Load { protocol: Protocol::RemoteWrite(Version::V2), ..load };
    let second = measure(System::ours()?, load, &load.prepare()?)?;
    add_speeds(report, &format!("{}, remote write 1.0", size.name), first, &peers, size.target);
    add_speeds(report, &format!("{}, remote write 2.0", size.name), second, &peers, size.target);
    add_memory(report, size.name, second, &peers);
    let restarts: Vec<_> = peers
        .iter()
        .filter(|(kind, _)| *kind == Kind::Prometheus)
        .map(|(kind, taken)| (kind.name(), taken.restart))
        .collect();
    let measurement = Measurement {
        suite: SUITE,
        name: format!("{}, kill -9 until ready again", size.name),
        ours: second.restart,
        unit: "s",
        target: restarts.first().map(|(_, seconds)| seconds * RESTART_SHARE),
        more_is_better: false,
    };
    report.beside(&measurement, &restarts);
    Ok(peers)
}

/// The same number of series as agents send them, which name the tenant of each. The peers, which
/// know neither, stand beside it with what they did of remote write.
fn as_agents(report: &mut Report, size: Size, load: Load, peers: &Peers) -> Result<(), String> {
    let taken = measure(System::ours()?, load, &load.prepare()?)?;
    let tenants = load.series / load.tenant_series.unwrap_or(load.series).max(1);
    let (protocol, target) = match load.protocol {
        Protocol::RemoteWrite(version) => (version.to_string(), None),
        Protocol::Frames => ("frames".to_owned(), Some(FRAMES_TARGET)),
    };
    let of = if tenants > 1 { format!(" of {tenants} tenants") } else { String::new() };
    let name = format!("{}{of}, {protocol}", size.name);
    add_speeds(report, &name, taken, peers, target);
    add_memory(report, &name, taken, peers);
    Ok(())
}

fn add_speeds(report: &mut Report, name: &str, ours: Taken, peers: &Peers, target: Option<f64>) {
    let figures: [(&str, Figure, Option<f64>); 4] = [
        ("registration, wall", |taken| taken.registration.wall, None),
        ("registration, 2-core", |taken| taken.registration.two_core, None),
        ("steady, wall", |taken| taken.steady.wall, None),
        ("steady, 2-core", |taken| taken.steady.two_core, target),
    ];
    for (figure, of, target) in figures {
        let measurement = Measurement {
            suite: SUITE,
            name: format!("{name}, {figure}"),
            ours: of(&ours),
            unit: "M samples/s",
            target,
            more_is_better: true,
        };
        report.beside(&measurement, &values(peers, of));
    }
}

fn add_memory(report: &mut Report, name: &str, ours: Taken, peers: &Peers) {
    let measurement = Measurement {
        suite: SUITE,
        name: format!("{name}, memory per active series"),
        ours: ours.bytes_per_series,
        unit: "B",
        target: Some(MEMORY_TARGET),
        more_is_better: false,
    };
    report.beside(&measurement, &values(peers, |taken| taken.bytes_per_series));
}

fn values(peers: &Peers, of: Figure) -> Vec<(&'static str, f64)> {
    peers.iter().map(|(kind, taken)| (kind.name(), of(taken))).collect()
}

/// Registers all series, then sends the other ticks, then kills and restarts.
fn measure(mut system: System, load: Load, bodies: &Bodies) -> Result<Taken, String> {
    sleep(DRAIN);
    let empty = proc::resident_bytes(system.pid())?;
    let series = load.series as f64;
    let registration = send(&system, load, bodies, 0..1, series)?;
    let steady = send(&system, load, bodies, 1..load.ticks, load.samples() - series)?;
    let full = proc::resident_bytes(system.pid())?;
    let restart = system.crash_and_restart()?;
    Ok(Taken { registration, steady, bytes_per_series: (full - empty) / series, restart })
}

/// Sends some ticks over all connections; a series stays on its connection.
fn send(
    system: &System,
    load: Load,
    bodies: &Bodies,
    ticks: Range<usize>,
    samples: f64,
) -> Result<Speed, String> {
    let agent = load.tenant_series.is_some();
    let connections: Result<Vec<_>, _> =
        (0..CONNECTIONS).map(|_| system.writer(load.protocol, agent)).collect();
    let (cpu, begun) = (system.cpu()?, Instant::now());
    std::thread::scope(|scope| {
        let mut senders = Vec::new();
        for (number, mut connection) in connections?.into_iter().enumerate() {
            let ticks = ticks.clone();
            senders.push(scope.spawn(move || -> Result<(), String> {
                for tick in ticks {
                    for request in bodies.iter().skip(number).step_by(CONNECTIONS) {
                        connection.post(request.get(tick).ok_or("no such tick")?)?;
                    }
                }
                Ok(())
            }));
        }
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().map_err(|_panic| "a sender failed".to_owned())?)
    })?;
    let wall = begun.elapsed().as_secs_f64();
    sleep(DRAIN);
    let cpu = (system.cpu()? - cpu).max(0.01);
    Ok(Speed { wall: samples / wall / MILLION, two_core: samples / cpu * CORES / MILLION })
}
