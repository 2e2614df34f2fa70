//! Looking for damage in a data directory without changing anything.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use disk::{
    Disk,
    journal::{self, ReplayStats},
};
use model::{tenant::TenantId, time::Timestamp};

use crate::{
    block::{
        BlockId,
        cache::Cache,
        reader::Block,
        verify::{Verified, verify},
    },
    hash::HashKey,
    head::Head,
    limits::Limits,
    manifest::{Manifest, Read},
    store::{BLOCKS_DIR, WAL_DIR, describe},
    wal::replay::Dispatcher,
};

/// Most problems, and most losses, that are told one by one.
const PROBLEMS_MAX: usize = 1000;
/// Memory for pages while a block is checked, in bytes.
const CACHE_BYTES: usize = 16 << 20;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Blocks that were read to the end, damaged or not.
    pub blocks: u64,
    /// What could be read in them.
    pub series: u64,
    pub samples: u64,
    /// The state of the write-ahead log.
    pub wal: ReplayStats,
    /// Samples and histograms that the log holds, some of them perhaps in blocks as well.
    pub wal_samples: u64,
    /// Samples in the log whose series was lost with a damaged record.
    pub wal_orphaned: u64,
    /// Each thing that is damaged or missing, up to a limit.
    pub problems: Vec<Problem>,
    /// How many there are in all.
    pub problem_count: u64,
    /// What is lost with them, as far as it can be told, up to the same limit.
    pub losses: Vec<Loss>,
}

/// One thing that is damaged or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Within the directory.
    pub file: PathBuf,
    /// One sentence.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.message)
    }
}

/// What one tenant has lost in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Within the directory.
    pub file: PathBuf,
    pub tenant: TenantId,
    /// What is lost lies between these times, both included.
    pub start: Timestamp,
    pub end: Timestamp,
    /// Series of which nothing can be read there, and samples. At most so many: what follows a
    /// damaged page may still be readable.
    pub series: u64,
    pub samples: u64,
}

impl CheckReport {
    /// Whether nothing is damaged. What a crash left half written is no damage.
    pub fn is_good(&self) -> bool {
        self.problem_count == 0
    }

    fn tell(&mut self, file: &Path, message: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { file: file.to_owned(), message: message.into() });
        }
    }

    fn count(&mut self, file: &Path, verified: &Verified) {
        self.blocks += 1;
        self.series += verified.series;
        self.samples += verified.samples;
        let room = PROBLEMS_MAX.saturating_sub(self.losses.len());
        self.losses.extend(verified.short.iter().take(room).map(|(entry, missing)| Loss {
            file: file.to_owned(),
            tenant: entry.tenant.clone(),
            start: Timestamp(entry.min),
            end: Timestamp(entry.max),
            series: missing.series,
            samples: missing.samples,
        }));
    }
}

/// Reads all of a data directory, or of a snapshot, and verifies every checksum and what the parts
/// say of each other. `progress` is called with the blocks done and expected. The directory should
/// not be in use: what is being written would be taken for damage.
pub fn check(disk: &dyn Disk, dir: &Path, progress: &dyn Fn(u64, u64)) -> CheckReport {
    let mut report = CheckReport::default();
    let Some(manifest) = check_manifest(disk, dir, &mut report) else { return report };
    let total = manifest.blocks.len() as u64;
    let cache = Arc::new(Cache::new(CACHE_BYTES));
    for (done, id) in (1..).zip(&manifest.blocks) {
        check_block(disk, dir, *id, &cache, &mut report);
        progress(done, total);
    }
    check_wal(disk, dir, manifest.wal_first, &mut report);
    report
}

/// `None` when there is no use in going on.
fn check_manifest(disk: &dyn Disk, dir: &Path, report: &mut CheckReport) -> Option<Manifest> {
    let file = Path::new("manifest");
    match Manifest::read(disk, dir) {
        Err(error) => {
            report.tell(file, format!("cannot be read: {error}"));
            None
        }
        Ok(Read::Found { manifest, is_copy }) => {
            let damaged = Manifest::damaged(disk, dir);
            for name in &damaged {
                report.tell(Path::new(name), "is damaged; there is another copy, which is whole");
            }
            if is_copy && damaged.is_empty() {
                report.tell(file, "is missing; there is a copy, which is whole");
            }
            Some(manifest)
        }
        Ok(Read::Absent) => {
            let manifest = Manifest { blocks: present(disk, dir), ..Manifest::default() };
            if !manifest.blocks.is_empty() {
                report.tell(file, "is missing; all blocks found were checked");
            }
            Some(manifest)
        }
        Ok(Read::Damaged) => {
            report.tell(
                file,
                "is damaged, and so is its copy: deletions that were not yet carried out are \
                 forgotten; all blocks found were checked",
            );
            Some(Manifest { blocks: present(disk, dir), ..Manifest::default() })
        }
        Ok(Read::Newer { found }) => {
            report.tell(file, format!("was written by a newer version ({found})"));
            None
        }
    }
}

/// The blocks that lie in the directory.
fn present(disk: &dyn Disk, dir: &Path) -> Vec<BlockId> {
    let entries = disk.list(&dir.join(BLOCKS_DIR)).unwrap_or_default();
    entries.iter().filter_map(|entry| BlockId::from_file_name(&entry.name)).collect()
}

fn check_block(
    disk: &dyn Disk,
    dir: &Path,
    id: BlockId,
    cache: &Arc<Cache>,
    report: &mut CheckReport,
) {
    let file = Path::new(BLOCKS_DIR).join(id.file_name());
    match Block::open(disk, &dir.join(BLOCKS_DIR), id, cache) {
        Ok(block) => {
            let verified =
                verify(&Arc::new(block), &mut |error| report.tell(&file, error.to_string()));
            report.count(&file, &verified);
        }
        Err(error) => {
            report.tell(
                &file,
                format!(
                    "{error}: all that it held is lost, and nothing is left to tell what that was"
                ),
            );
        }
    }
}

fn check_wal(disk: &dyn Disk, dir: &Path, first: u64, report: &mut CheckReport) {
    let within = Path::new(WAL_DIR);
    let dir = dir.join(WAL_DIR);
    if disk.list(&dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return;
    }
    let options =
        journal::Options { pending_bytes_max: usize::MAX / 4, ..journal::Options::default() };
    // Into a head of its own, which understands the records as opening would.
    let head = Head::new(HashKey::random(), Limits::default(), usize::MAX);
    let (inspected, counts) = std::thread::scope(|scope| {
        let mut dispatcher = Dispatcher::new(scope, &head, 1);
        let visit = &mut |record: journal::Record<'_>| dispatcher.dispatch(record);
        let inspected = journal::inspect(disk, &dir, options, first, visit);
        (inspected, dispatcher.finish())
    });
    report.wal_samples = counts.samples;
    report.wal_orphaned = counts.orphaned_samples;
    if counts.malformed > 0 {
        report.tell(within, format!("{} records make no sense", counts.malformed));
    }
    // Damage elsewhere in the log explains them.
    let explained = inspected.as_ref().is_ok_and(|stats| stats.corrupt > 0);
    if counts.orphaned_samples > 0 && !explained {
        let message = format!("{} samples belong to no known series", counts.orphaned_samples);
        report.tell(within, message);
    }
    match inspected {
        Ok(stats) => {
            for damage in &stats.damage {
                let (start, end) = (damage.bytes.start, damage.bytes.end);
                let file = within.join(journal::segment_name(damage.segment));
                report.tell(
                    &file,
                    format!("bytes {start} to {end} are damaged, with the records there"),
                );
            }
            report.problem_count += stats.corrupt.saturating_sub(stats.damage.len() as u64);
            report.wal = stats;
        }
        Err(error) => report.tell(within, describe(&error)),
    }
}

#[cfg(test)]
mod tests;
