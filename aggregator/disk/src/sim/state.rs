//! What the simulated disk holds: the present, what would survive a crash, and what may go wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::Random;
use crate::Entry;

/// What a power cut leaves behind of a sector that was being written.
const SECTOR_BYTES: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Inode {
    pub(super) data: Vec<u8>,
    durable: Vec<u8>,
    /// To what length the file was cut, if it was cut into `durable` and not synced since.
    cut: Option<usize>,
}

impl Inode {
    pub(super) fn truncate(&mut self, size: u64) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size < self.durable.len() {
            self.cut = Some(self.cut.map_or(size, |cut| cut.min(size)));
        }
        self.data.truncate(size);
    }

    fn sync(&mut self) {
        self.carry_out_cut();
        let known = self.durable.len();
        self.durable.extend_from_slice(&self.data[known..]);
    }

    /// A sync that failed: the pages count as written, and their content is lost.
    fn fail_sync(&mut self) {
        self.carry_out_cut();
        self.durable.resize(self.data.len(), 0);
    }

    fn carry_out_cut(&mut self) {
        if let Some(cut) = self.cut.take() {
            self.durable.truncate(cut);
        }
    }

    /// What a power cut leaves: the durable part, and some of what came after it.
    fn crash(&mut self, random: &mut Random) {
        if random.one_in(2) {
            self.carry_out_cut();
        }
        // What was not cut durably hides what was appended behind the cut.
        let is_cut = self.cut.take().is_some();
        let unsynced = self.data.len().saturating_sub(self.durable.len());
        if is_cut || unsynced == 0 {
            self.data.clone_from(&self.durable);
            return;
        }
        let known = self.durable.len();
        let kept = match random.below(4) {
            0 => 0,
            1 => unsynced,
            _ => random.index(unsynced + 1),
        };
        self.data.truncate(known + kept);
        self.data[..known].copy_from_slice(&self.durable);
        // The length was written, but some sectors were not.
        if kept > 0 && random.one_in(3) {
            let start = known + random.index(kept);
            let end = (start + SECTOR_BYTES).min(known + kept);
            let garbage = random.one_in(2);
            for byte in &mut self.data[start..end] {
                *byte = if garbage { random.next_u64() as u8 } else { 0 };
            }
        }
        self.durable.clone_from(&self.data);
    }
}

/// A change to a directory that a crash may undo.
#[derive(Clone, Debug)]
struct Change {
    path: PathBuf,
    inode: Option<u64>,
}

#[derive(Debug)]
pub(super) struct State {
    inodes: BTreeMap<u64, Inode>,
    pub(super) names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    pending: Vec<Change>,
    pub(super) dirs: BTreeSet<PathBuf>,
    pub(super) locks: BTreeSet<PathBuf>,
    pub(super) capacity: u64,
    pub(super) operations: u64,
    pub(super) crash_at: u64,
    pub(super) failing_syncs: u32,
    /// How often the power came on.
    pub(super) boot: u64,
    random: Random,
    next_inode: u64,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            dirs: BTreeSet::new(),
            locks: BTreeSet::new(),
            capacity: u64::MAX,
            operations: 0,
            crash_at: u64::MAX,
            failing_syncs: 0,
            boot: 0,
            random: Random::new(seed),
            next_inode: 0,
        }
    }

    pub(super) fn crashed(&self) -> bool {
        self.operations >= self.crash_at
    }

    pub(super) fn alive(&self) -> io::Result<()> {
        if self.crashed() { Err(io::Error::other("simulated crash")) } else { Ok(()) }
    }

    /// To be called before whatever changes something.
    pub(super) fn change(&mut self) -> io::Result<()> {
        self.alive()?;
        self.operations += 1;
        self.alive()
    }

    pub(super) fn inode(&self, inode: u64) -> io::Result<&Inode> {
        self.inodes.get(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn inode_mut(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Bytes of all files that have a name, each once.
    pub(super) fn used(&self) -> u64 {
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        let sizes = named.iter().filter_map(|inode| self.inodes.get(inode));
        sizes.map(|inode| inode.data.len() as u64).sum()
    }

    fn name(&mut self, path: &Path, inode: Option<u64>) {
        match inode {
            Some(inode) => self.names.insert(path.to_owned(), inode),
            None => self.names.remove(path),
        };
        self.pending.push(Change { path: path.to_owned(), inode });
    }

    fn check_parent(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        if self.dirs.contains(parent) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<()> {
        self.change()?;
        self.check_parent(path)?;
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        self.name(path, Some(inode));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        self.check_parent(to)?;
        let inode = *self.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        // The new name first: whatever survives, the file keeps at least one of the two.
        self.name(to, Some(inode));
        self.name(from, None);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.change()?;
        if !self.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.name(path, None);
        Ok(())
    }

    pub(super) fn hard_link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        self.check_parent(to)?;
        if self.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = *self.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        self.name(to, Some(inode));
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.change()?;
        if !self.list(dir)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.dirs.remove(dir);
        Ok(())
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.alive()?;
        if !self.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut entries = Vec::new();
        for (path, inode) in self.names.iter().filter(|(path, _)| path.parent() == Some(dir)) {
            let size = self.inodes.get(inode).map_or(0, |inode| inode.data.len() as u64);
            entries.extend(name(path).map(|name| Entry { name, is_dir: false, size }));
        }
        for path in self.dirs.iter().filter(|path| path.parent() == Some(dir)) {
            entries.extend(name(path).map(|name| Entry { name, is_dir: true, size: 0 }));
        }
        entries.sort();
        Ok(entries)
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.change()?;
        let (synced, pending): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|change| change.path.parent() == Some(dir));
        self.pending = pending;
        synced.into_iter().for_each(|change| self.make_durable(change));
        Ok(())
    }

    fn make_durable(&mut self, change: Change) {
        match change.inode {
            Some(inode) => self.durable_names.insert(change.path, inode),
            None => self.durable_names.remove(&change.path),
        };
    }

    pub(super) fn append(&mut self, inode: u64, bytes: &[u8]) -> io::Result<()> {
        let free = self.capacity.saturating_sub(self.used());
        let taken = bytes.len().min(usize::try_from(free).unwrap_or(usize::MAX));
        self.inode_mut(inode)?.data.extend_from_slice(&bytes[..taken]);
        if taken < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        if self.failing_syncs > 0 {
            self.failing_syncs -= 1;
            self.inode_mut(inode)?.fail_sync();
            return Err(io::Error::other("simulated failure of sync"));
        }
        self.inode_mut(inode)?.sync();
        Ok(())
    }

    pub(super) fn restart(&mut self) {
        let kept = self.random.index(self.pending.len() + 1);
        let mut pending = std::mem::take(&mut self.pending);
        pending.truncate(kept);
        pending.into_iter().for_each(|change| self.make_durable(change));
        self.names.clone_from(&self.durable_names);
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        self.inodes.retain(|inode, _| named.contains(inode));
        self.inodes.values_mut().for_each(|inode| inode.crash(&mut self.random));
        self.locks.clear();
        self.boot += 1;
        self.crash_at = u64::MAX;
        self.failing_syncs = 0;
    }

    pub(super) fn rot(&mut self, path: &Path) -> Option<u64> {
        let inode = self.inodes.get_mut(self.names.get(path)?)?;
        let offset = self.random.index(inode.data.len());
        let bit = 1u8 << self.random.below(8);
        *inode.data.get_mut(offset)? ^= bit;
        if let Some(byte) = inode.durable.get_mut(offset) {
            *byte ^= bit;
        }
        Some(offset as u64)
    }
}
