//! One run's cgroup: made before the run, killed and removed after it.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::file;
use crate::placement::{CgroupPaths, Controller};

/// How long the removal of a cgroup is tried: its last processes may be a moment from gone.
pub(crate) const REMOVAL_TIMEOUT: Duration = Duration::from_secs(2);
const REMOVAL_PERIOD: Duration = Duration::from_millis(2);

/// The directories of one run.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) paths: CgroupPaths,
    /// Which of them limits memory and counts kills.
    memory: Option<Memory>,
}

/// A directory with the memory controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    V1,
    V2,
}

/// What a step on a cgroup failed on.
#[derive(Debug, thiserror::Error)]
#[error("{step} {path}")]
pub(crate) struct GroupError {
    step: &'static str,
    path: String,
    #[source]
    source: io::Error,
}

impl GroupError {
    pub(crate) fn new(step: &'static str, path: &Path, source: io::Error) -> Self {
        Self { step, path: path.display().to_string(), source }
    }

    /// With its cause, for a notice.
    pub(crate) fn full(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

impl Group {
    /// Makes the directories; on failure none is left.
    pub(crate) fn create(paths: CgroupPaths, memory: Option<Memory>) -> Result<Self, GroupError> {
        let group = Self { paths, memory };
        for directory in group.paths.directories() {
            if let Err(error) = std::fs::create_dir(directory) {
                group.try_remove();
                return Err(GroupError::new("cannot create", directory, error));
            }
        }
        Ok(group)
    }

    /// Directories that exist already, of any kind.
    pub(crate) fn existing(directory: PathBuf) -> Self {
        let paths = CgroupPaths { unified: Some(directory), v1: Vec::new() };
        Self { paths, memory: None }
    }

    fn memory_directory(&self) -> Option<&Path> {
        match self.memory? {
            Memory::V1 => self.paths.v1(Controller::Memory),
            Memory::V2 => self.paths.unified.as_deref(),
        }
    }

    /// Whether memory can be limited.
    pub(crate) fn has_memory(&self) -> bool {
        self.memory_directory().is_some()
    }

    /// Limits memory in bytes, where it can be limited. Swap is denied where it is accounted,
    /// because a limit that swaps instead of killing only makes everything slow.
    pub(crate) fn limit_memory(&self, bytes: u64) -> Result<(), GroupError> {
        let Some(directory) = self.memory_directory() else { return Ok(()) };
        let bytes = bytes.to_string();
        let files: &[(&str, &str)] = match self.memory {
            Some(Memory::V1) => {
                &[("memory.limit_in_bytes", &bytes), ("memory.memsw.limit_in_bytes", &bytes)]
            }
            _ => &[("memory.max", &bytes), ("memory.swap.max", "0"), ("memory.oom.group", "1")],
        };
        for (index, (name, value)) in files.iter().enumerate() {
            let path = directory.join(name);
            match file::write(&path, value) {
                // Only the first is certain to exist.
                Err(error) if index > 0 && error.kind() == io::ErrorKind::NotFound => {}
                result => result.map_err(|error| GroupError::new("cannot write", &path, error))?,
            }
        }
        Ok(())
    }

    /// Moves a process, all its threads included. Directories that refuse it are given up and
    /// removed; the last refusal is returned.
    pub(crate) fn attach(&mut self, pid: u32) -> Option<GroupError> {
        let mut refusal = None;
        let mut refused = Vec::new();
        for directory in self.paths.directories() {
            let path = directory.join("cgroup.procs");
            if let Err(error) = file::write(&path, &pid.to_string()) {
                refusal = Some(GroupError::new("cannot move a process into", &path, error));
                refused.push(directory.to_owned());
            }
        }
        for directory in refused {
            remove_directory(&directory);
            self.paths.unified.take_if(|path| *path == directory);
            self.paths.v1.retain(|(_, path)| *path != directory);
        }
        refusal
    }

    /// Whether every directory was given up.
    pub(crate) fn is_empty(&self) -> bool {
        self.paths.unified.is_none() && self.paths.v1.is_empty()
    }

    /// Processes of this group that the kernel has killed for memory. `None` when there is no
    /// counter: v1 has it since Linux 4.13, v2 with the memory controller.
    pub(crate) fn oom_kills(&self) -> Option<u64> {
        let file = match self.memory? {
            Memory::V1 => "memory.oom_control",
            Memory::V2 => "memory.events",
        };
        let path = self.memory_directory()?.join(file);
        file::counter(&file::read(&path).ok()?, "oom_kill")
    }

    /// Processes in the group; zombies are not among them.
    pub(crate) fn processes(&self) -> BTreeSet<i32> {
        let mut processes = BTreeSet::new();
        for directory in self.paths.directories() {
            let text = file::read(&directory.join("cgroup.procs")).unwrap_or_default();
            processes.extend(text.lines().filter_map(|pid| pid.parse::<i32>().ok()));
        }
        processes
    }

    /// Kills every process in the group at once where the kernel can (Linux 5.14), one by one
    /// elsewhere. Returns whether there was any.
    pub(crate) fn kill(&self) -> bool {
        let processes = self.processes();
        let kill_file = self.paths.unified.as_ref().map(|path| path.join("cgroup.kill"));
        if kill_file.is_some_and(|path| file::write(&path, "1").is_ok()) {
            return !processes.is_empty();
        }
        for pid in processes.iter().filter_map(|&pid| Pid::from_raw(pid)) {
            // Gone already is as good; anything else shows when the directory cannot be removed.
            kill_process(pid, Signal::KILL).ok();
        }
        !processes.is_empty()
    }

    /// Removes what can be removed now. Returns whether nothing is left.
    pub(crate) fn try_remove(&self) -> bool {
        let mut removed = true;
        for directory in self.paths.directories() {
            removed &= remove_directory(directory);
        }
        removed
    }

    /// Kills and removes, for at most [`REMOVAL_TIMEOUT`]. Returns whether nothing is left.
    pub(crate) async fn remove(&self) -> bool {
        let deadline = tokio::time::Instant::now() + REMOVAL_TIMEOUT;
        loop {
            if !self.kill() && self.try_remove() {
                return true;
            }
            if tokio::time::Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(REMOVAL_PERIOD).await;
        }
    }
}

/// Whether the directory is gone.
pub(crate) fn remove_directory(directory: &Path) -> bool {
    match std::fs::remove_dir(directory) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
