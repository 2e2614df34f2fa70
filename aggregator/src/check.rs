//! Looking for damage in a data directory, or in a snapshot, without changing anything.

use std::{
    io,
    path::{Path, PathBuf},
};

use disk::{Disk, Lock, journal, os::OsDisk};
use model::{tenant::TenantId, time::Timestamp};
use serde::Serialize;

use crate::{
    background::{store_dir, timeline_dir},
    timeline,
};

/// What a check found, all parts together.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing is damaged. What a crash left half written is no damage.
    pub good: bool,
    pub blocks: u64,
    /// Series and samples that could be read in blocks; a series counts in each block anew.
    pub series: u64,
    pub samples: u64,
    /// Samples that could be read in the write-ahead log, some of them perhaps in blocks as well.
    pub log_samples: u64,
    /// Samples in the log whose series was lost with a damaged record.
    pub log_orphaned_samples: u64,
    /// Bytes of the log that failed their checksum, and bytes of a last record that a crash left
    /// half written and that was never acknowledged.
    pub log_damaged_bytes: u64,
    pub log_torn_bytes: u64,
    /// Events that could be read in the timeline.
    pub events: u64,
    /// Things damaged or missing, and how many there are in all.
    pub problems: Vec<Problem>,
    pub problem_count: u64,
    /// What is lost with them, as far as it can be told.
    pub losses: Vec<Loss>,
}

/// One thing that is damaged or missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Within the directory.
    pub file: PathBuf,
    pub message: String,
}

/// What one tenant has lost in a block: at most so many series wholly, and so many samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Within the directory.
    pub file: PathBuf,
    pub tenant: TenantId,
    /// What is lost lies between these times, in milliseconds since the Unix epoch.
    pub start: Timestamp,
    pub end: Timestamp,
    pub series: u64,
    pub samples: u64,
}

impl Loss {
    /// The range of times as people write it.
    pub fn range(&self) -> String {
        let text = |time: Timestamp| {
            jiff::Timestamp::from_millisecond(time.0)
                .map_or_else(|_| time.0.to_string(), |time| format!("{time:.0}"))
        };
        format!("{} to {}", text(self.start), text(self.end))
    }
}

/// Why a directory was not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(
        "{} is in use by a running aggregator: stop it first, or make a snapshot and check that",
        dir.display()
    )]
    InUse { dir: PathBuf },
    #[error("{} is no data directory: it holds neither metrics nor a timeline", dir.display())]
    NoData { dir: PathBuf },
    #[error("cannot read {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Reads all that an aggregator keeps in `dir`, verifies every checksum and what the parts say of each
/// other. `progress` is called with blocks done and expected. Refuses a directory that is in use:
/// what is being written would be taken for damage.
pub fn check(dir: &Path, progress: &dyn Fn(u64, u64)) -> Result<Report, CheckError> {
    let disk = OsDisk;
    let io = |source| CheckError::Io { path: dir.to_owned(), source };
    let entries = disk.list(dir).map_err(io)?;
    let has = |name: &Path| entries.iter().any(|entry| name.ends_with(&entry.name));
    let (store, events) = (store_dir(dir), timeline_dir(dir));
    if !has(&store) && !has(&events) {
        return Err(CheckError::NoData { dir: dir.to_owned() });
    }
    let _lock = lock(&disk, dir, &store)?;
    let mut report = Report::default();
    if has(&store) {
        report.add_store(dir, &store, &tsdb::check::check(&disk, &store, progress));
    }
    if has(&events) {
        report.add_timeline(dir, &events, &disk);
    }
    report.good = report.problem_count == 0;
    Ok(report)
}

/// Holds the store's lock meanwhile. A snapshot has none and needs none.
fn lock(disk: &dyn Disk, dir: &Path, store: &Path) -> Result<Option<Box<dyn Lock>>, CheckError> {
    let path = store.join(tsdb::store::LOCK_FILE);
    if disk.open(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    match disk.lock(&path) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(CheckError::InUse { dir: dir.to_owned() })
        }
        Err(source) => Err(CheckError::Io { path, source }),
    }
}

impl Report {
    fn add_store(&mut self, dir: &Path, store: &Path, found: &tsdb::check::CheckReport) {
        let within = store.strip_prefix(dir).unwrap_or(store);
        self.blocks = found.blocks;
        self.series = found.series;
        self.samples = found.samples;
        self.log_samples = found.wal_samples;
        self.log_orphaned_samples = found.wal_orphaned;
        self.log_damaged_bytes = found.wal.corrupt_bytes;
        self.log_torn_bytes = found.wal.torn_bytes;
        self.problem_count += found.problem_count;
        self.problems.extend(found.problems.iter().map(|problem| Problem {
            file: within.join(&problem.file),
            message: problem.message.clone(),
        }));
        self.losses.extend(found.losses.iter().map(|loss| Loss {
            file: within.join(&loss.file),
            tenant: loss.tenant.clone(),
            start: loss.start,
            end: loss.end,
            series: loss.series,
            samples: loss.samples,
        }));
    }

    fn add_timeline(&mut self, dir: &Path, events: &Path, disk: &dyn Disk) {
        let within = events.strip_prefix(dir).unwrap_or(events);
        let mut unreadable = 0u64;
        let inspected =
            journal::inspect(disk, events, timeline::journal_options(), 0, &mut |record| {
                match timeline::decode(&record) {
                    Some(_) => self.events += 1,
                    None => unreadable += 1,
                }
            });
        let mut tell = |file: PathBuf, message: String| {
            self.problem_count += 1;
            self.problems.push(Problem { file, message });
        };
        if unreadable > 0 {
            tell(within.to_owned(), format!("{unreadable} records are no events"));
        }
        match inspected {
            Ok(stats) => {
                for damage in &stats.damage {
                    let (start, end) = (damage.bytes.start, damage.bytes.end);
                    let message =
                        format!("bytes {start} to {end} are damaged, with the events there");
                    tell(within.join(journal::segment_name(damage.segment)), message);
                }
                self.problem_count += stats.corrupt.saturating_sub(stats.damage.len() as u64);
            }
            Err(error) => tell(within.to_owned(), daemon::telemetry::chain(&error)),
        }
    }
}
