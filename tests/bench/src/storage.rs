//! How much room samples and series take on the disk, all files counted, after everything has been
//! flushed and merged.
//!
//! Short series make the labels weigh much: at every 15th second there are 140 samples a series. So
//! beside *all files* there is a figure *without labels*: the peers' have files of their own, and ours
//! are what the same series take with one sample each, which is somewhat more than the labels.

use wire::remote_write::Version;

use crate::{
    Options,
    load::{Load, Protocol, TICK},
    real::{self, Series},
    report::{Measurement, Report},
    settle::{Room, settle},
    system::{Kind, System},
};

const SUITE: &str = "storage";
/// How often a sample is taken.
#[derive(Clone, Copy, Debug)]
struct Cadence {
    name: &'static str,
    /// Every so many samples of the data.
    step: usize,
    /// Bytes a sample.
    target: f64,
}

const CADENCES: [Cadence; 2] = [
    Cadence { name: "1 s", step: 1, target: 0.16 },
    Cadence { name: "15 s", step: 15, target: 0.28 },
];
const INDEX_SERIES: usize = 200_000;
/// Bytes of index per series.
const INDEX_TARGET: f64 = 50.0;
/// Of the file, when tried out.
const QUICK_SHARE: usize = 10;

pub(crate) fn run(report: &mut Report, options: Options) -> Result<(), String> {
    let mut all = real::read()?;
    if options.quick {
        all = all.into_iter().step_by(QUICK_SHARE).collect();
    }
    for one in CADENCES {
        cadence(report, options, one, &real::thin(&all, one.step, usize::MAX))?;
    }
    index(report, options)
}

fn cadence(
    report: &mut Report,
    options: Options,
    Cadence { name, target, .. }: Cadence,
    all: &[Series],
) -> Result<(), String> {
    let name = format!("{}real data, {name}", options.prefix());
    let peers = peers(options, |system| store(system, all))?;
    let ours = store(System::ours()?, all)?;
    let index = store(System::ours()?, &real::thin(all, 1, 1))?;
    let mut add = |figure: &str, unit, ours: f64, peers: Vec<(&'static str, f64)>, target| {
        let measurement = Measurement {
            suite: SUITE,
            name: format!("{name}, {figure}"),
            ours,
            unit,
            target,
            more_is_better: false,
        };
        report.beside(&measurement, &peers);
    };
    let per = |count: f64, of: fn(&Room) -> f64| {
        peers.iter().map(|(kind, room)| (kind.name(), of(room) / count)).collect()
    };
    let (samples, series) = (real::samples(all) as f64, all.len() as f64);
    let all_files = per(samples, |room| room.all);
    add("all files", "B/sample", ours.all / samples, all_files, Some(target));
    let without = per(samples, |room| room.all - room.index.unwrap_or(0.0));
    let ours = (ours.all - index.all) / samples;
    add("without labels", "B/sample", ours, without, Some(target));
    let labels = per(series, |room| room.index.unwrap_or(0.0));
    add("labels", "B/series", index.all / series, labels, Some(INDEX_TARGET));
    Ok(())
}

fn peers(
    options: Options,
    store: impl Fn(System) -> Result<Room, String>,
) -> Result<Vec<(Kind, Room)>, String> {
    let mut peers = Vec::new();
    for kind in options.peers() {
        if let Some(system) = System::start(*kind)? {
            peers.push((*kind, store(system)?));
        }
    }
    Ok(peers)
}

fn store(system: System, all: &[Series]) -> Result<Room, String> {
    let mut connection = system.writer(Protocol::RemoteWrite(Version::V1), false)?;
    for body in real::bodies(all, Version::V1)? {
        connection.post(&body)?;
    }
    drop(connection);
    let last = all.iter().filter_map(|series| series.samples.last()).map(|(time, _)| *time).max();
    settle(system, real::samples(all), last.unwrap_or(0))
}

/// Many series with one sample each: what is on the disk then is labels and the way to them.
fn index(report: &mut Report, options: Options) -> Result<(), String> {
    let series = if options.quick { INDEX_SERIES / QUICK_SHARE } else { INDEX_SERIES };
    let start = e2e::write::now() - TICK;
    let load = Load {
        protocol: Protocol::RemoteWrite(Version::V1),
        series,
        ticks: 1,
        start,
        tenant_series: None,
    };
    let bodies = load.prepare()?;
    let store = |system: System| {
        let mut connection = system.writer(Protocol::RemoteWrite(Version::V1), false)?;
        for body in bodies.iter().flatten() {
            connection.post(body)?;
        }
        settle(system, series, start)
    };
    let peers: Vec<_> = peers(options, store)?
        .iter()
        .map(|(kind, room)| (kind.name(), room.index.unwrap_or(room.all) / series as f64))
        .collect();
    let measurement = Measurement {
        suite: SUITE,
        name: format!("{}index of {series} series (ours with a sample each)", options.prefix()),
        ours: store(System::ours()?)?.all / series as f64,
        unit: "B/series",
        target: Some(INDEX_TARGET),
        more_is_better: false,
    };
    report.beside(&measurement, &peers);
    Ok(())
}
