//! Where a run lives: its cgroups, or the statement that it has none.

use std::path::{Path, PathBuf};

/// A controller of cgroup v1, each of which may have a hierarchy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Controller {
    Cpu,
    Cpuacct,
    Memory,
    Blkio,
    Pids,
}

impl Controller {
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Cpuacct, Self::Memory, Self::Blkio, Self::Pids];

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
            Self::Memory => "memory",
            Self::Blkio => "blkio",
            Self::Pids => "pids",
        }
    }
}

/// The directories of one run's cgroups. At least one is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupPaths {
    /// In the v2 hierarchy. On a hybrid machine it has no controllers, but still CPU time,
    /// pressure and `cgroup.kill`.
    pub unified: Option<PathBuf>,
    /// In v1 hierarchies; controllers that are mounted together share a directory.
    pub v1: Vec<(Controller, PathBuf)>,
}

impl CgroupPaths {
    pub fn v1(&self, controller: Controller) -> Option<&Path> {
        self.v1.iter().find(|(found, _)| *found == controller).map(|(_, path)| path.as_path())
    }

    /// Every directory once.
    pub(crate) fn directories(&self) -> Vec<&Path> {
        let mut directories: Vec<&Path> =
            self.unified.iter().chain(self.v1.iter().map(|(_, path)| path)).map(|p| &**p).collect();
        directories.sort_unstable();
        directories.dedup();
        directories
    }
}

/// Where a run lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    Cgroup(CgroupPaths),
    /// No cgroup, for the reason given: what it uses can only be read from `/proc`.
    ProcOnly {
        why: String,
    },
}

/// What holds a run to its memory limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryGuard {
    /// No limit was asked for.
    None,
    /// The cgroup: the kernel kills what exceeds it, and counts that.
    Cgroup,
    /// `RLIMIT_DATA`: allocations beyond it fail, and what the program does then is its own affair.
    /// No kill is counted anywhere, so none is claimed.
    DataLimit,
}
