//! All processes of the machine at one moment, as a tree is grown from them.

use std::path::PathBuf;

use crate::{
    kernel::{FileError, Kernel, numbered_entries},
    parse::process::{Stat, stat},
};

/// Processes looked at; more are counted and left out.
pub const PROCESSES_MAX: usize = 65_536;

/// Every process that this process may see. One scan serves any number of trees.
#[derive(Debug, Default)]
pub struct ProcessTable {
    /// In order of pid.
    entries: Vec<Stat>,
    dropped: usize,
}

impl ProcessTable {
    /// Reads `/proc`. Processes that end meanwhile are left out.
    pub fn scan(kernel: &mut Kernel) -> Result<Self, FileError> {
        let mut pids = numbered_entries(&PathBuf::from("/proc"))?;
        pids.sort_unstable();
        let dropped = pids.len().saturating_sub(PROCESSES_MAX);
        pids.truncate(PROCESSES_MAX);
        let entries = pids
            .into_iter()
            .filter_map(|pid| {
                stat(kernel.read_path(&PathBuf::from(format!("/proc/{pid}/stat"))).ok()?)
            })
            .collect();
        Ok(Self { entries, dropped })
    }

    #[cfg(test)]
    pub(super) fn of(mut entries: Vec<Stat>) -> Self {
        entries.sort_unstable_by_key(|entry| entry.pid);
        Self { entries, dropped: 0 }
    }

    pub fn get(&self, pid: u32) -> Option<&Stat> {
        let index = self.entries.binary_search_by_key(&pid, |entry| entry.pid).ok()?;
        self.entries.get(index)
    }

    pub fn entries(&self) -> &[Stat] {
        &self.entries
    }

    /// Processes left out because of [`PROCESSES_MAX`].
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Members of the tree, the members already known first, then those that belong to it:
    /// children of members, and whoever is in the process group or session that `root` leads.
    /// Parents stand before their children. Known members whose pid now means another process
    /// have no children here.
    pub(super) fn grow(&self, root: u32, known: &[(u32, u64)]) -> Vec<Stat> {
        let mut members: Vec<u32> = known
            .iter()
            .filter(|(pid, start)| self.get(*pid).is_some_and(|entry| entry.start_ticks == *start))
            .map(|(pid, _)| *pid)
            .collect();
        members.sort_unstable();
        let mut found: Vec<Stat> = Vec::new();
        loop {
            let before = found.len();
            for entry in &self.entries {
                let belongs = members.binary_search(&entry.parent).is_ok()
                    || entry.group == root
                    || entry.session == root;
                if let (true, Err(at)) = (belongs, members.binary_search(&entry.pid)) {
                    members.insert(at, entry.pid);
                    found.push(*entry);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }
}
