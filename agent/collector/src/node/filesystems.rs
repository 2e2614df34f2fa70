//! How full file systems are, without waiting for one that does not answer.
//!
//! `statvfs` on a mount whose server is gone sleeps in the kernel, where nothing can wake it. So a
//! thread of its own asks, and what has not answered within a moment is left to it: that mount is
//! not asked again until the thread comes back, and is reported as failing until then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use crate::parse::node::Mount;

/// How long one write waits for a file system, before it leaves that and all after it to the thread.
const PATIENCE: Duration = Duration::from_millis(500);
/// Threads that may hang at once; with so many no file system is asked any more.
const HUNG_MAX: usize = 8;
/// File systems of the kernel's own, and those that show another one's space.
const IGNORED_TYPES: [&str; 28] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "procfs",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tracefs",
    "efivarfs",
    "erofs",
    "fuse.lxcfs",
    "ramfs",
];
/// Places below which mounts are the system's or a container's.
const IGNORED_PLACES: [&str; 6] =
    ["/dev", "/proc", "/sys", "/run/credentials", "/var/lib/docker", "/var/lib/containers/storage"];

/// Whether node_exporter would tell of it by default.
pub(super) fn is_wanted(mount: &Mount) -> bool {
    let below = |place: &str| {
        mount.mountpoint.strip_prefix(place).is_some_and(|r| r.is_empty() || r.starts_with('/'))
    };
    !IGNORED_TYPES.contains(&mount.fstype.as_str()) && !IGNORED_PLACES.iter().any(|p| below(p))
}

/// Space of a file system, in bytes and in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) size: u64,
    pub(super) free: u64,
    /// What others than root may still use.
    pub(super) available: u64,
    pub(super) files: u64,
    pub(super) files_free: u64,
}

/// Asks for one file system's space; may block for ever.
type Ask = fn(&str) -> Option<Space>;

/// Who is being asked, and who did not answer.
#[derive(Debug)]
pub(super) struct Filesystems {
    ask: Ask,
    patience: Duration,
    /// Places that a thread hangs at, and whether it has come back.
    hung: Vec<(String, Arc<AtomicBool>)>,
}

impl Default for Filesystems {
    fn default() -> Self {
        Self { ask: statvfs, patience: PATIENCE, hung: Vec::new() }
    }
}

impl Filesystems {
    /// The space of each mount; `None` for what does not answer or may not be asked. Mounts after
    /// one that has just begun to hang are left out this once.
    pub(super) fn ask(&mut self, mounts: Vec<Mount>) -> Vec<(Mount, Option<Space>)> {
        self.hung.retain(|(_, back)| !back.load(Ordering::Acquire));
        let full = self.hung.len() >= HUNG_MAX;
        let (hung, asked): (Vec<Mount>, Vec<Mount>) = mounts
            .into_iter()
            .partition(|mount| full || self.hung.iter().any(|(at, _)| *at == mount.mountpoint));
        let mut answers: Vec<_> = hung.into_iter().map(|mount| (mount, None)).collect();
        if asked.is_empty() {
            return answers;
        }
        let places: Vec<String> = asked.iter().map(|mount| mount.mountpoint.clone()).collect();
        let (sender, receiver) = mpsc::sync_channel(places.len());
        let back = Arc::new(AtomicBool::new(false));
        let (ask, returned) = (self.ask, Arc::clone(&back));
        let thread = std::thread::Builder::new().name("statvfs".to_owned()).spawn(move || {
            for place in places {
                // Nobody waits any more: it hung, and has come back.
                if sender.send(ask(&place)).is_err() {
                    break;
                }
            }
            returned.store(true, Ordering::Release);
        });
        for mount in asked {
            let space = match thread {
                Ok(_) => receiver.recv_timeout(self.patience),
                Err(_) => break,
            };
            match space {
                Ok(space) => answers.push((mount, space)),
                Err(_) => {
                    self.hung.push((mount.mountpoint.clone(), back));
                    answers.push((mount, None));
                    break;
                }
            }
        }
        answers
    }
}

fn statvfs(place: &str) -> Option<Space> {
    let stat = rustix::fs::statvfs(place).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Space {
        size: bytes(stat.f_blocks),
        free: bytes(stat.f_bfree),
        available: bytes(stat.f_bavail),
        files: stat.f_files,
        files_free: stat.f_ffree,
    })
}

#[cfg(test)]
mod tests;
