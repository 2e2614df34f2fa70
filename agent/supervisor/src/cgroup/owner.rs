//! The name that ties a cgroup to the process that made it, so that a later start knows whether
//! that one is still alive.

use std::path::Path;

use super::file;

/// Who made a cgroup. A process id alone would be reused, and means nothing in another namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Inode of the PID namespace.
    pub(crate) namespace: u64,
    pub(crate) pid: u32,
    /// Start time in clock ticks since boot.
    pub(crate) started: u64,
    /// Tells several supervisors of one process apart.
    pub(crate) number: u64,
}

const PREFIX: &str = "tidewatch";

impl Owner {
    /// This process, when `/proc` tells enough about it.
    pub(crate) fn current(number: u64) -> Option<Self> {
        let pid = std::process::id();
        Some(Self { namespace: namespace()?, pid, started: start_time(pid)?, number })
    }

    /// The directory's name, which [`Owner::parse`] reads back.
    pub(crate) fn directory(self) -> String {
        let Self { namespace, pid, started, number } = self;
        format!("{PREFIX}-{namespace}-{pid}-{started}-{number}")
    }

    pub(crate) fn parse(directory: &str) -> Option<Self> {
        let mut fields = directory.strip_prefix(PREFIX)?.strip_prefix('-')?.split('-');
        let owner = Self {
            namespace: fields.next()?.parse().ok()?,
            pid: fields.next()?.parse().ok()?,
            started: fields.next()?.parse().ok()?,
            number: fields.next()?.parse().ok()?,
        };
        fields.next().is_none().then_some(owner)
    }

    /// Whether it is certain that the owner no longer exists, as seen by `observer`. In another
    /// PID namespace nothing can be known.
    pub(crate) fn is_dead(self, observer: Self) -> bool {
        self.namespace == observer.namespace
            && self.pid != observer.pid
            && start_time(self.pid) != Some(self.started)
    }
}

fn namespace() -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/pid").ok().map(|namespace| namespace.ino())
}

fn start_time(pid: u32) -> Option<u64> {
    start_time_of(&file::read(Path::new(&format!("/proc/{pid}/stat"))).ok()?)
}

/// Field 22 of `/proc/pid/stat`, counted from behind the command's name, which may contain anything.
fn start_time_of(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests;
