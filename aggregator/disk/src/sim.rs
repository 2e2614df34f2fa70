//! A disk in memory that fails on purpose, the same way for the same seed.
//!
//! It is as unhelpful as the standards allow. Bytes that were appended but not synced survive a
//! crash in part, or as garbage, or not at all. A creation, renaming or removal survives only up
//! to a random point of its directory's history unless the directory was synced. A full disk
//! takes a part of an append. A failed sync drops what it should have kept.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Disk, Entry, File, Lock, Space};

mod random;
mod state;

pub use random::Random;
use state::{Inode, State};

/// The simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimDisk")
    }
}

impl SimDisk {
    pub fn new(seed: u64) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(seed))) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes all files together may hold.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Counts operations that change something, from the creation of the disk.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// After so many more changing operations everything fails, until [`Self::restart`].
    pub fn crash_after(&self, operations: u64) {
        let mut state = self.state();
        state.crash_at = state.operations.saturating_add(operations);
    }

    /// Whether [`Self::crash_after`] has come true.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed()
    }

    /// Makes the next syncs of files fail and lose what they should have made durable.
    pub fn fail_syncs(&self, count: u32) {
        self.state().failing_syncs = count;
    }

    /// Cuts the power and turns it on again: what was not synced is lost in part, locks are gone,
    /// and files opened before fail from now on.
    pub fn restart(&self) {
        self.state().restart();
    }

    /// Flips one random bit of a file. `None` when it is missing or empty.
    pub fn rot(&self, path: &Path) -> Option<u64> {
        self.state().rot(path)
    }

    /// All files, sorted by path.
    pub fn files(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    fn open_inode(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let state = self.state();
        state.alive()?;
        let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { disk: self.clone(), inode, boot: state.boot }))
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.state().create(path)?;
        self.open_inode(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.open_inode(path)
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.open_inode(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().remove(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().hard_link(from, to)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        // Directories are durable at once: losing them as well would test nothing more.
        state.dirs.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.state().remove_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.state().list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.state().sync_dir(dir)
    }

    fn space(&self, _dir: &Path) -> io::Result<Space> {
        let state = self.state();
        state.alive()?;
        let free = state.capacity.saturating_sub(state.used());
        Ok(Space { free, total: state.capacity })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut state = self.state();
        state.alive()?;
        if !state.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_owned(), boot: state.boot }))
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: u64,
    boot: u64,
}

impl SimFile {
    fn with<T>(
        &self,
        changes: bool,
        act: impl FnOnce(&mut State, u64) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.state();
        if changes {
            state.change()?;
        } else {
            state.alive()?;
        }
        if state.boot != self.boot {
            return Err(io::Error::other("the file was opened before a crash"));
        }
        act(&mut state, self.inode)
    }

    fn read<T>(&self, act: impl FnOnce(&Inode) -> T) -> io::Result<T> {
        self.with(false, |state, inode| Ok(act(state.inode(inode)?)))
    }
}

impl File for SimFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(true, |state, inode| state.append(inode, bytes))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read(|inode| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(inode.data.len());
            let rest = inode.data.get(start..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.read(|inode| inode.data.len() as u64)
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.with(true, |state, inode| {
            state.inode_mut(inode)?.truncate(size);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(true, State::sync)
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    boot: u64,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.boot == self.boot {
            state.locks.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
