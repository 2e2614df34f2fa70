//! How much room data takes on the disk once a system has nothing left to do for it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread::sleep,
    time::Duration,
};

use disk::os::OsDisk;
use model::time::Timestamp;
use serde_json::Value;
use tsdb::store::Store;

use crate::system::{Kind, System};

const HOUR: i64 = 3_600_000;
/// Until the longest window is over and what fills it has been merged.
const HOURS: i64 = 32 * 24;
const POLL: Duration = Duration::from_secs(1);
/// So many equal sizes in a row are taken for rest.
const QUIET: usize = 3;
const POLLS_MAX: usize = 60;

/// Bytes of settled files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) all: f64,
    /// Of the index of labels, where it is in files of its own.
    pub(crate) index: Option<f64>,
}

/// Has a system finish its work on what was written, and counts.
pub(crate) fn settle(system: System, samples: usize, now: i64) -> Result<Room, String> {
    match system.kind {
        Kind::Tidewatch => ours(system, samples, now),
        Kind::VictoriaMetrics => victoria_metrics(&system),
        Kind::Prometheus => prometheus(&system),
    }
}

/// What the running aggregator does over the following days, at once: its store is opened with a
/// clock that runs ahead. Everything counts: blocks, manifest, log, timeline.
fn ours(system: System, samples: usize, now: i64) -> Result<Room, String> {
    let data = system.data();
    let dir = system.stop()?;
    let options = tsdb::options::Options {
        retention: Duration::from_hours(24 * 36_500),
        ..tsdb::options::Options::default()
    };
    let (store, _) = Store::open(Arc::new(OsDisk), &data.join("metrics"), options, &|_| {})
        .map_err(|error| error.to_string())?;
    store.flush().map_err(|error| error.to_string())?;
    for hour in 1..=HOURS {
        let done = store.maintain(Timestamp(now + hour * HOUR));
        if let Some(error) = done.errors.first() {
            return Err(error.clone());
        }
    }
    store.flush().map_err(|error| error.to_string())?;
    let stored = store.stats().block_samples;
    drop(store);
    if stored != samples as u64 {
        return Err(format!("{stored} of {samples} samples are in blocks"));
    }
    let room = Room { all: files(&data)?, index: None };
    drop(dir);
    Ok(room)
}

/// Merged to the end by its own API. Samples are in `data`, labels in `indexdb`.
fn victoria_metrics(system: &System) -> Result<Room, String> {
    let client = e2e::server::client();
    for path in ["/internal/force_flush", "/internal/force_merge"] {
        client.get(system.url(path)).send().map_err(|error| error.to_string())?;
    }
    let (data, index) = (system.data().join("data"), system.data().join("indexdb"));
    let (mut last, mut equal) = (0.0, 0);
    for _poll in 0..POLLS_MAX {
        // Files that are merged meanwhile may go while they are counted.
        let now = files(&data).and_then(|data| Ok(data + files(&index)?)).unwrap_or(0.0);
        equal = if now == last { equal + 1 } else { 0 };
        if equal >= QUIET && now > 0.0 {
            return Ok(Room { all: now, index: Some(files(&index)?) });
        }
        last = now;
        sleep(POLL);
    }
    Err("VictoriaMetrics does not come to rest".to_owned())
}

/// A snapshot has the head as a block and no log.
fn prometheus(system: &System) -> Result<Room, String> {
    let answer = e2e::server::client()
        .post(system.url("/api/v1/admin/tsdb/snapshot"))
        .send()
        .and_then(|answer| answer.text())
        .map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
    let name = answer["data"]["name"].as_str().ok_or_else(|| format!("no snapshot: {answer}"))?;
    let dir = system.data().join("snapshots").join(name);
    let mut index = 0.0;
    for block in entries(&dir)? {
        index += files(&block.join("index"))?;
    }
    Ok(Room { all: files(&dir)?, index: Some(index) })
}

/// Length of a file, or of all files below a directory.
fn files(path: &Path) -> Result<f64, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    let metadata = fs::symlink_metadata(path).map_err(fault)?;
    if !metadata.is_dir() {
        return Ok(metadata.len() as f64);
    }
    entries(path)?.iter().map(|entry| files(entry)).sum()
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", dir.display());
    let entries = fs::read_dir(dir).map_err(fault)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(fault)).collect()
}

#[cfg(test)]
mod tests;
