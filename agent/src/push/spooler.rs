//! The thread that writes the spool.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::Duration,
};

use disk::{Disk, Lock, os::OsDisk};
use spool::{Cursors, Options, Reader, Spool, SpoolError};

use super::queue::{Queue, Tick};
use crate::metrics::AgentMetrics;

/// Ticks that may wait for the disk; those beyond are in memory only.
const WAITING_MAX: usize = 64;
/// How often it is looked what has been taken, and saved, when nothing else happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Cursors are saved at every so many looks: what lags behind is sent twice after a crash.
const SAVE_EVERY: u32 = 5;

/// Why there is no spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolStartError {
    #[error("cannot open {dir}")]
    Open {
        dir: String,
        #[source]
        source: SpoolError,
    },
    #[error("cannot {action} {dir}")]
    Io {
        action: &'static str,
        dir: String,
        #[source]
        source: std::io::Error,
    },
}

/// A spool that was opened, before its thread runs.
pub(super) struct Spooler {
    spool: Spool,
    cursors: Cursors,
    destinations: Vec<String>,
    entrance: SyncSender<Arc<Tick>>,
    ticks: Receiver<Arc<Tick>>,
    lock: Box<dyn Lock>,
    metrics: AgentMetrics,
}

impl Spooler {
    pub(super) fn open(
        dir: &Path,
        options: Options,
        destinations: &[&str],
        metrics: AgentMetrics,
    ) -> Result<Self, SpoolStartError> {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let shown = dir.display().to_string();
        let failed =
            |action| move |source| SpoolStartError::Io { action, dir: shown.clone(), source };
        disk.create_dir_all(dir).map_err(failed.clone()("create"))?;
        let lock = disk.lock(&dir.join("lock")).map_err(failed.clone()("lock"))?;
        let cursors = Cursors::open(Arc::clone(&disk), dir, destinations);
        let cursors = cursors.map_err(failed("read the cursors of"))?;
        let (spool, opened) = Spool::open(disk, dir, options)
            .map_err(|source| SpoolStartError::Open { dir: dir.display().to_string(), source })?;
        let (ticks, damaged) = (opened.ticks, opened.stats.corrupt);
        tracing::info!(ticks, damaged, dir = %dir.display(), "spool opened");
        let (entrance, ticks) = sync_channel(WAITING_MAX);
        let destinations = destinations.iter().map(|name| (*name).to_owned()).collect();
        Ok(Self { spool, cursors, destinations, entrance, ticks, lock, metrics })
    }

    /// Where each destination goes on: what it has not taken of what is there.
    pub(super) fn taken(&self) -> Vec<u64> {
        let next = self.next();
        let oldest = self.spool.oldest().unwrap_or(next);
        let cursors = self.destinations.iter().map(|name| self.cursors.get(name));
        cursors.map(|cursor| cursor.unwrap_or(oldest)).collect()
    }

    /// The number of the next tick.
    pub(super) fn next(&self) -> u64 {
        self.spool.next().max(self.cursors.newest().unwrap_or(0))
    }

    pub(super) fn entrance(&self) -> SyncSender<Arc<Tick>> {
        self.entrance.clone()
    }

    pub(super) fn reader(&self) -> Reader {
        self.spool.reader()
    }

    /// Writes until the queue is closed.
    pub(super) fn run(self, queue: &Queue) {
        let Self { mut spool, mut cursors, destinations, entrance, ticks, lock, metrics } = self;
        // Only the queue's own entrance keeps the line open.
        drop(entrance);
        let mut looks = 0u32;
        loop {
            let waiting = match ticks.recv_timeout(LOOK_EVERY) {
                Ok(first) => std::iter::once(first).chain(ticks.try_iter()).collect(),
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            write(&mut spool, &waiting, queue);
            let taken = queue.cursors();
            settle(&mut spool, queue, &taken, &metrics);
            metrics.spool_bytes.set(i64::try_from(spool.bytes()).unwrap_or(i64::MAX));
            looks = looks.wrapping_add(1);
            if looks.is_multiple_of(SAVE_EVERY) {
                save(&mut cursors, &destinations, &taken);
            }
        }
        save(&mut cursors, &destinations, &queue.cursors());
        drop(lock);
    }
}

fn write(spool: &mut Spool, ticks: &[Arc<Tick>], queue: &Queue) {
    let mut first = 0;
    for (at, tick) in ticks.iter().enumerate() {
        // An error is about all that was not synced before.
        if let Err(error) = spool.append(tick.number, &tick.batch) {
            failed(&error);
            let end = if error.loses(tick.number) { at + 1 } else { at };
            let done = ticks.get(first..end).unwrap_or_default();
            queue.spooled(done, |tick| error.loses(tick));
            first = end;
        }
    }
    let rest = ticks.get(first..).unwrap_or_default();
    let written = spool.sync();
    if let Err(error) = &written {
        failed(error);
    }
    if !rest.is_empty() {
        queue.spooled(rest, |_tick| written.is_err());
    }
}

/// Removes what every destination has, and the oldest where there is too much.
fn settle(spool: &mut Spool, queue: &Queue, taken: &[u64], metrics: &AgentMetrics) {
    let all = taken.iter().copied().min().unwrap_or(u64::MAX);
    if let Err(error) = spool.trim(all) {
        failed(&error);
    }
    loop {
        match spool.shrink() {
            Ok(None) => return,
            Ok(Some(dropped)) => {
                queue.dropped(&dropped);
                if taken.iter().any(|next| *next < dropped.end) {
                    metrics.spool_damaged_ticks.inc_by(dropped.unreadable);
                    let (ticks, unreadable) = (dropped.ticks.len(), dropped.unreadable);
                    tracing::warn!(
                        ticks,
                        unreadable,
                        "the spool is full: its oldest ticks are gone"
                    );
                }
            }
            Err(error) => return failed(&error),
        }
    }
}

fn save(cursors: &mut Cursors, destinations: &[String], taken: &[u64]) {
    for (name, next) in destinations.iter().zip(taken) {
        if let Err(error) = cursors.save(name, *next) {
            tracing::warn!(%error, name, "the cursor of a destination was not saved");
        }
    }
}

fn failed(error: &SpoolError) {
    tracing::warn!(error = daemon::telemetry::chain(error), "spool");
}
