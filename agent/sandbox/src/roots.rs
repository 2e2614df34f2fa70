//! Finds sandboxes: the directories where `runsc` keeps its state files.
//!
//! inotify says when to look, a look now and then covers what it could miss (a root that is not there
//! yet, a queue that overflowed), and a file that has not changed is not read again.

mod watch;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use model::time::Timestamp;
use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags},
    io::Errno,
};

use crate::{
    roots::watch::Watch,
    state::{self, STATE_BYTES_MAX, State, StateError},
};

/// State files followed at most; more are left out and counted.
pub const FILES_MAX: usize = 4096;
/// How often everything is looked at although nothing was heard.
pub const RESCAN: Duration = Duration::from_secs(60);
/// The same while a root cannot be watched.
pub const RESCAN_UNWATCHED: Duration = Duration::from_secs(5);

/// One sandbox and the containers in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    pub id: String,
    /// The sentry's process.
    pub pid: u32,
    pub socket: Option<PathBuf>,
    /// Sorted by name; never empty.
    pub containers: Vec<Arc<State>>,
}

/// All sandboxes that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// By identifier.
    pub sandboxes: BTreeMap<String, Sandbox>,
    /// State files that were not understood; what they said before holds on.
    pub malformed: usize,
    /// State files left out because there are more than [`FILES_MAX`].
    pub left_out: usize,
}

/// The directories, watched.
#[derive(Debug)]
pub struct Roots {
    roots: Vec<PathBuf>,
    watch: Option<Watch>,
    scanned: Option<Timestamp>,
    files: BTreeMap<PathBuf, File>,
}

#[derive(Debug)]
struct File {
    signature: Signature,
    state: Option<Arc<State>>,
}

/// Inode, size, and time of the last change: what tells that a file was not written to.
type Signature = (u64, i64, i64, u64);

impl Roots {
    pub fn new(roots: Vec<PathBuf>) -> Self {
        let watch = Watch::new();
        if watch.is_none() {
            tracing::warn!("no inotify: sandboxes are looked for every {RESCAN_UNWATCHED:?}");
        }
        Self { roots, watch, scanned: None, files: BTreeMap::new() }
    }

    /// What there is, when something may have changed since the last call.
    pub fn poll(&mut self, now: Timestamp) -> Option<Census> {
        let heard = self.watch.as_mut().is_some_and(Watch::drain);
        let complete = self.watch.as_ref().is_some_and(Watch::is_complete);
        let period = if complete { RESCAN } else { RESCAN_UNWATCHED };
        let due = self.scanned.is_none_or(|before| now.since(before) >= period || now < before);
        if !heard && !due {
            return None;
        }
        self.scanned = Some(now);
        Some(self.scan())
    }

    fn scan(&mut self) -> Census {
        let mut census = Census::default();
        let mut before = std::mem::take(&mut self.files);
        if let Some(watch) = &mut self.watch {
            watch.begin();
        }
        for root in &self.roots {
            // Before it is listed: what comes after is heard of.
            if let Some(watch) = &mut self.watch {
                watch.add(root);
            }
            let Ok(directory) = open(root, OFlags::DIRECTORY) else { continue };
            let Ok(entries) = Dir::read_from(&directory) else { continue };
            for entry in entries.flatten() {
                let name = Path::new(OsStr::from_bytes(entry.file_name().to_bytes()));
                if !state::is_state_file(name) {
                    continue;
                }
                if self.files.len() >= FILES_MAX {
                    census.left_out += 1;
                    continue;
                }
                let path = root.join(name);
                if let Some(file) = read(&path, before.remove(&path), &mut census.malformed) {
                    self.files.insert(path, file);
                }
            }
        }
        for state in self.files.values().filter_map(|file| file.state.as_ref()) {
            add(&mut census, state);
        }
        census
    }
}

fn add(census: &mut Census, state: &Arc<State>) {
    let sandbox = census.sandboxes.entry(state.sandbox.clone()).or_insert_with(|| Sandbox {
        id: state.sandbox.clone(),
        pid: state.pid,
        socket: state.socket.clone(),
        containers: Vec::new(),
    });
    // The root container's file is the first to be written, and names the sentry itself.
    if state.container == state.sandbox {
        sandbox.pid = state.pid;
        sandbox.socket.clone_from(&state.socket);
    }
    if !sandbox.containers.iter().any(|known| known.container == state.container) {
        sandbox.containers.push(Arc::clone(state));
    }
}

/// `None` when there is no such file any more.
fn read(path: &Path, known: Option<File>, malformed: &mut usize) -> Option<File> {
    let status = rustix::fs::statat(rustix::fs::CWD, path, AtFlags::empty()).ok()?;
    let signature = (status.st_ino, status.st_size, status.st_mtime, status.st_mtime_nsec);
    if known.as_ref().is_some_and(|file| file.signature == signature) {
        return known;
    }
    let parsed = content(path).map(|content| state::parse(&content));
    let state = match parsed {
        Ok(Ok(state)) => Some(Arc::new(state)),
        Ok(Err(StateError::Ended)) => None,
        Ok(Err(error)) => {
            // It may be in the middle of being written; closing it will be heard of.
            tracing::debug!(path = %path.display(), %error, "state file not understood");
            *malformed += 1;
            known.and_then(|file| file.state)
        }
        Err(Errno::NOENT) => return None,
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "state file not read");
            *malformed += 1;
            known.and_then(|file| file.state)
        }
    };
    Some(File { signature, state })
}

fn content(path: &Path) -> Result<Vec<u8>, Errno> {
    let file = open(path, OFlags::NOFOLLOW | OFlags::NONBLOCK)?;
    let mut content = Vec::new();
    let mut piece = [0; 8192];
    while content.len() <= STATE_BYTES_MAX {
        match rustix::io::read(&file, &mut piece) {
            Ok(0) => return Ok(content),
            Ok(length) => content.extend_from_slice(piece.get(..length).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Errno::FBIG)
}

fn open(path: &Path, flags: OFlags) -> Result<rustix::fd::OwnedFd, Errno> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | flags, Mode::empty())
}

#[cfg(test)]
mod tests;
