//! A process and all its descendants, for machines where there are no cgroups to read.
//!
//! Values come from `/proc/<pid>`: processor time of live members and of ended ones (see
//! `account`), resident memory, and block I/O where permitted. Counters start at what the members
//! had used when the tree was first read, and never fall while the tree lives.

mod account;
mod member;
mod table;

use std::{path::Path, sync::Arc};

pub use table::{PROCESSES_MAX, ProcessTable};

use crate::{
    kernel::{FileError, Kernel},
    node::boot_seconds,
    process::{
        account::{Account, Change},
        member::{Member, Reading},
    },
    usage::{Depth, DeviceIo, Usage},
};

/// Members of one tree; more are counted and left out.
pub const MEMBERS_MAX: usize = 4096;

/// Why a tree cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The last member has ended; the last snapshot stays readable.
    #[error("every process of tree {root} has ended")]
    Gone { root: u32 },
    #[error("process {root} cannot be read")]
    Unreadable {
        root: u32,
        #[source]
        source: FileError,
    },
}

/// A process tree and its last snapshot.
#[derive(Debug)]
pub struct ProcessTree {
    root: u32,
    /// Parents before children.
    members: Vec<Member>,
    user: Account,
    system: Account,
    read_bytes: Account,
    written_bytes: Account,
    /// Bytes read and written, counted of members that ended since I/O was last read.
    io_ended: [u64; 2],
    /// A member's I/O may not be read: the sum would be false.
    io_denied: bool,
    dropped: u64,
    usage: Usage,
}

impl ProcessTree {
    /// A tree with its root only; [`Self::adopt`] adds the descendants.
    pub fn open(kernel: &mut Kernel, root: u32) -> Result<Self, TreeError> {
        let member = Member::open(kernel, root).map_err(|source| unreadable(root, source))?;
        let boot = boot_seconds(kernel).ok();
        let start = member.start_ticks() as f64 * tick_nanos() as f64 / 1e9;
        let usage = Usage { start_seconds: boot.map(|boot| boot + start), ..Usage::default() };
        Ok(Self {
            root,
            members: vec![member],
            user: Account::default(),
            system: Account::default(),
            read_bytes: Account::default(),
            written_bytes: Account::default(),
            io_ended: [0; 2],
            io_denied: false,
            dropped: 0,
            usage,
        })
    }

    pub fn root(&self) -> u32 {
        self.root
    }

    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Members seen that were left out because of [`MEMBERS_MAX`].
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes in one process that is related in no other way, with its descendants from now on. So
    /// a tree can be any set of processes.
    pub fn include(&mut self, kernel: &mut Kernel, pid: u32) -> Result<(), TreeError> {
        if self.members.iter().any(|member| member.pid() == pid) {
            return Ok(());
        }
        if self.members.len() >= MEMBERS_MAX {
            self.dropped += 1;
            return Ok(());
        }
        self.members.push(Member::open(kernel, pid).map_err(|source| unreadable(pid, source))?);
        Ok(())
    }

    /// Takes in processes that were started since: children of members, and those in the process
    /// group or session that the root leads. Once a member, always one, also when its parent ends.
    ///
    /// Scan about as often as the population changes: what a child used before it was seen is
    /// counted when it is taken in or, if it has ended, through its parent.
    pub fn adopt(&mut self, kernel: &mut Kernel, table: &ProcessTable) {
        let known: Vec<_> =
            self.members.iter().map(|member| (member.pid(), member.start_ticks())).collect();
        for found in table.grow(self.root, &known) {
            if self.members.len() >= MEMBERS_MAX {
                self.dropped += 1;
                continue;
            }
            // One that ended meanwhile, or whose pid has gone to another, is left alone.
            match Member::open(kernel, found.pid) {
                Ok(member) if member.start_ticks() == found.start_ticks => {
                    self.members.push(member);
                }
                _ => {}
            }
        }
    }

    /// Reads all members to the given depth.
    pub fn read(&mut self, kernel: &mut Kernel, depth: Depth) -> Result<&Usage, TreeError> {
        let mut sums = Sums::default();
        let mut changes = [Change::default(); 4];
        self.members.retain_mut(|member| match member.read(kernel, depth) {
            Ok(reading) => {
                sums.add(&reading);
                member.account(&reading, &mut changes);
                true
            }
            Err(_) => {
                member.account_end(&mut changes);
                false
            }
        });
        let [user, system, mut read_bytes, mut written_bytes] = changes;
        self.user.apply(user);
        self.system.apply(system);
        let [read_ended, written_ended] = &mut self.io_ended;
        *read_ended += read_bytes.ended;
        *written_ended += written_bytes.ended;
        if depth == Depth::Full {
            read_bytes.ended = std::mem::take(read_ended);
            written_bytes.ended = std::mem::take(written_ended);
            self.read_bytes.apply(read_bytes);
            self.written_bytes.apply(written_bytes);
            self.io_denied |= sums.io_denied;
        }
        if self.members.is_empty() {
            return Err(TreeError::Gone { root: self.root });
        }
        self.publish(&sums, depth);
        Ok(&self.usage)
    }

    fn publish(&mut self, sums: &Sums, depth: Depth) {
        let usage = &mut self.usage;
        usage.depth = depth;
        let tick = tick_nanos();
        let (user, system) =
            (self.user.total().saturating_mul(tick), self.system.total().saturating_mul(tick));
        usage.cpu.user_nanos = Some(user);
        usage.cpu.system_nanos = Some(system);
        usage.cpu.usage_nanos = Some(user.saturating_add(system));
        usage.memory.usage = Some(sums.resident);
        usage.memory.rss = Some(sums.anonymous);
        usage.processes = Some(sums.processes);
        usage.threads = Some(sums.threads);
        if depth != Depth::Full {
            return;
        }
        let estimate = sums.anonymous.saturating_add(sums.shared_max).min(sums.resident);
        let proportional = sums.proportional.filter(|_| !sums.proportional_denied);
        usage.memory.working_set = Some(proportional.unwrap_or(estimate));
        usage.memory.swap = proportional.map(|_| sums.swap);
        usage.io.clear();
        if !self.io_denied {
            usage.io.push(DeviceIo {
                number: None,
                name: Arc::from(""),
                read_bytes: Some(self.read_bytes.total()),
                written_bytes: Some(self.written_bytes.total()),
                reads: None,
                writes: None,
            });
        }
    }
}

/// Gauges summed over the members in one read.
#[derive(Debug, Default)]
struct Sums {
    processes: u64,
    threads: u64,
    resident: u64,
    anonymous: u64,
    /// The largest file-backed part: what relatives share is counted once.
    shared_max: u64,
    proportional: Option<u64>,
    proportional_denied: bool,
    swap: u64,
    io_denied: bool,
}

impl Sums {
    fn add(&mut self, reading: &Reading) {
        if reading.stat.state == b'Z' {
            return; // it holds nothing any more
        }
        self.processes += 1;
        self.threads += reading.stat.threads;
        self.resident += reading.resident;
        self.anonymous += reading.resident.saturating_sub(reading.shared);
        self.shared_max = self.shared_max.max(reading.shared);
        match reading.rollup {
            Some(rollup) => {
                self.proportional =
                    Some(self.proportional.unwrap_or(0).saturating_add(rollup.proportional));
                self.swap += rollup.swap;
            }
            None => self.proportional_denied = true,
        }
        self.io_denied |= reading.io_denied;
    }
}

fn unreadable(root: u32, source: FileError) -> TreeError {
    match source {
        FileError::Missing => TreeError::Gone { root },
        source => TreeError::Unreadable { root, source },
    }
}

/// Nanoseconds of the clock tick in which the kernel reports processor time.
pub(crate) fn tick_nanos() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)
}

/// The directory of a process.
fn directory(pid: u32) -> Arc<Path> {
    Path::new(&format!("/proc/{pid}")).into()
}

#[cfg(test)]
mod tests;
