//! Looking for damage in a data directory without changing anything.

use std::{path::Path, sync::Arc};

use disk::{
    Disk,
    journal::{self, ReplayStats},
};

use crate::{
    block::{cache::Cache, reader::Block, verify::verify},
    manifest::{Manifest, Read},
    store::{BLOCKS_DIR, WAL_DIR, describe},
};

/// Most problems that are told one by one.
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
    /// One sentence for each thing that is damaged or missing, up to a limit.
    pub problems: Vec<String>,
    /// How many there are in all.
    pub problem_count: u64,
}

impl CheckReport {
    /// Whether nothing is damaged. What a crash left half written is no damage.
    pub fn is_good(&self) -> bool {
        self.problem_count == 0
    }

    fn tell(&mut self, problem: String) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

/// Reads all of a data directory, or of a snapshot, and verifies every checksum and what the parts
/// say of each other. `progress` is called with the blocks done and expected. The directory should
/// not be in use: what is being written would be taken for damage.
pub fn check(disk: &dyn Disk, dir: &Path, progress: &dyn Fn(u64, u64)) -> CheckReport {
    let mut report = CheckReport::default();
    let manifest = match Manifest::read(disk, dir) {
        Err(error) => {
            report.tell(format!("the manifest cannot be read: {error}"));
            return report;
        }
        Ok(read) => read,
    };
    let manifest = match manifest {
        Read::Found { manifest, is_copy } => {
            if is_copy {
                report.tell("the manifest is damaged; its copy is whole".to_owned());
            }
            manifest
        }
        Read::Absent => Manifest::default(),
        Read::Damaged => {
            report.tell("the manifest is damaged, and so is its copy".to_owned());
            Manifest::default()
        }
        Read::Newer { found } => {
            report.tell(format!("the manifest was written by a newer version ({found})"));
            return report;
        }
    };
    let total = manifest.blocks.len() as u64;
    let cache = Arc::new(Cache::new(CACHE_BYTES));
    for (done, id) in (1..).zip(&manifest.blocks) {
        match Block::open(disk, &dir.join(BLOCKS_DIR), *id, &cache) {
            Ok(block) => {
                let verified =
                    verify(&Arc::new(block), &mut |error| report.tell(error.to_string()));
                report.blocks += 1;
                report.series += verified.series;
                report.samples += verified.samples;
            }
            Err(error) => report.tell(error.to_string()),
        }
        progress(done, total);
    }
    check_wal(disk, dir, manifest.wal_first, &mut report);
    report
}

fn check_wal(disk: &dyn Disk, dir: &Path, first: u64, report: &mut CheckReport) {
    let dir = dir.join(WAL_DIR);
    if disk.list(&dir).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return;
    }
    let options =
        journal::Options { pending_bytes_max: usize::MAX / 4, ..journal::Options::default() };
    match journal::inspect(disk, &dir, options, first, &mut |_| {}) {
        Ok(stats) => {
            for damage in &stats.damage {
                let (segment, start, end) = (damage.segment, damage.bytes.start, damage.bytes.end);
                report.tell(format!("log segment {segment}: bytes {start} to {end} are damaged"));
            }
            report.problem_count += stats.corrupt.saturating_sub(stats.damage.len() as u64);
            report.wal = stats;
        }
        Err(error) => report.tell(describe(&error)),
    }
}

#[cfg(test)]
mod tests;
