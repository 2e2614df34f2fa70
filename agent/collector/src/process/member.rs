//! One process of a tree: its open files and what was last counted of it.

use std::{path::Path, sync::Arc};

use crate::{
    kernel::{FileError, Kernel, KernelFile, Priority},
    parse::process::{Rollup, Stat, io, smaps_rollup, stat, statm},
    process::{account::Change, directory},
    usage::Depth,
};

/// A member and its counters as of its last read.
#[derive(Debug)]
pub(super) struct Member {
    directory: Arc<Path>,
    stat_file: KernelFile,
    statm_file: KernelFile,
    io_file: Option<KernelFile>,
    /// Identity and, before the first read, nothing counted.
    pid: u32,
    start_ticks: u64,
    counted: Counted,
}

/// Clock ticks and bytes that the tree's totals hold of this member.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    user: u64,
    system: u64,
    children_user: u64,
    children_system: u64,
    read_bytes: u64,
    written_bytes: u64,
}

/// What one read of one process gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) stat: Stat,
    /// Bytes.
    pub(super) resident: u64,
    pub(super) shared: u64,
    /// After a full read, where permitted.
    pub(super) rollup: Option<Rollup>,
    /// Bytes read and written; after a full read, where permitted.
    io: Option<(u64, u64)>,
    pub(super) io_denied: bool,
}

impl Member {
    pub(super) fn open(kernel: &mut Kernel, pid: u32) -> Result<Self, FileError> {
        let directory = directory(pid);
        let mut stat_file = KernelFile::open(kernel, &directory, "stat", Priority::High)?;
        let statm_file = KernelFile::open(kernel, &directory, "statm", Priority::High)?;
        let io_file = KernelFile::open(kernel, &directory, "io", Priority::Low).ok();
        let length = stat_file.read(kernel)?;
        let first = stat(kernel.text(length)).ok_or(FileError::Missing)?;
        Ok(Self {
            directory,
            stat_file,
            statm_file,
            io_file,
            pid,
            start_ticks: first.start_ticks,
            counted: Counted::default(),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn start_ticks(&self) -> u64 {
        self.start_ticks
    }

    pub(super) fn read(&mut self, kernel: &mut Kernel, depth: Depth) -> Result<Reading, FileError> {
        let length = self.stat_file.read(kernel)?;
        let stat = stat(kernel.text(length)).ok_or(FileError::Missing)?;
        if stat.start_ticks != self.start_ticks {
            return Err(FileError::Missing); // reopened by path, the pid was another's
        }
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        let length = self.statm_file.read(kernel).unwrap_or(0);
        let (resident, shared) = statm(kernel.text(length)).unwrap_or((0, 0));
        let mut reading = Reading {
            stat,
            resident: resident.saturating_mul(page),
            shared: shared.saturating_mul(page),
            rollup: None,
            io: None,
            io_denied: false,
        };
        // A zombie's counters are final and its memory is gone; asking for its I/O is refused.
        if depth == Depth::Full && stat.state != b'Z' {
            let rollup = kernel.read_path(&self.directory.join("smaps_rollup"));
            reading.rollup = rollup.ok().and_then(smaps_rollup);
            reading.io = self
                .io_file
                .as_mut()
                .and_then(|file| file.read(kernel).ok())
                .and_then(|length| io(kernel.text(length)));
            reading.io_denied = reading.io.is_none();
        }
        Ok(reading)
    }

    /// Adds what rose since the last read: user and system ticks, bytes read and written.
    pub(super) fn account(&mut self, reading: &Reading, changes: &mut [Change; 4]) {
        let [user, system, read_bytes, written_bytes] = changes;
        let counted = &mut self.counted;
        let stat = &reading.stat;
        user.own += rise(&mut counted.user, stat.user_ticks);
        user.children += rise(&mut counted.children_user, stat.children_user_ticks);
        system.own += rise(&mut counted.system, stat.system_ticks);
        system.children += rise(&mut counted.children_system, stat.children_system_ticks);
        if let Some((read, written)) = reading.io {
            // The kernel gives own and children's I/O as one number.
            read_bytes.children += rise(&mut counted.read_bytes, read);
            written_bytes.children += rise(&mut counted.written_bytes, written);
        }
    }

    /// Credits what was counted of a member that is gone.
    pub(super) fn account_end(&self, changes: &mut [Change; 4]) {
        let [user, system, read_bytes, written_bytes] = changes;
        let counted = &self.counted;
        user.ended += counted.user + counted.children_user;
        system.ended += counted.system + counted.children_system;
        read_bytes.ended += counted.read_bytes;
        written_bytes.ended += counted.written_bytes;
    }
}

/// Moves a counter up to a new reading and returns the difference; readings that fall are ignored.
fn rise(counted: &mut u64, reading: u64) -> u64 {
    let difference = reading.saturating_sub(*counted);
    *counted = reading.max(*counted);
    difference
}
