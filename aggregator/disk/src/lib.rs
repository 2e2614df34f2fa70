//! Files as the stores see them: a small trait over the operating system, a simulated disk that
//! fails on purpose, and the checked record journal.
//!
//! Stores never call the operating system themselves. They hold an `Arc<dyn Disk>`, which is an
//! [`os::OsDisk`] in production and a [`sim::SimDisk`] in tests that tear writes, lose what was
//! not synced, fill up and rot.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

pub mod atomic;
pub mod journal;
pub mod os;
pub mod sim;

/// A place for files. Paths are those of the process; implementations interpret nothing in them.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Creates an empty file for reading and appending; an existing one is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens an existing file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens an existing file for reading, appending and cutting.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Replaces `to` if it exists, at once: readers see the old file or the new one. Durable after
    /// [`Self::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; its content lives on while it is open.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// A second name for one file, which must not be written to any more.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;

    /// What a directory holds, sorted by name. `NotFound` when there is no such directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;

    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    fn space(&self, dir: &Path) -> io::Result<Space>;

    /// Locks a file, creating it if need be, until the guard is dropped or the process ends.
    /// `WouldBlock` when someone holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
}

/// An open file.
pub trait File: Send + Sync + fmt::Debug {
    /// Writes all bytes at the end. After an error a part of them may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Reads at an offset as much as there is, up to the buffer's length; zero at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file to a length.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// Makes the content durable (`fdatasync`). After an error nothing is known of what was
    /// appended since the last success: write it again elsewhere.
    fn sync(&self) -> io::Result<()>;

    /// Fills the buffer or fails with `UnexpectedEof`.
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let count = self.read_at(buffer, offset)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = buffer.get_mut(count..).unwrap_or_default();
            offset += count as u64;
        }
        Ok(())
    }
}

/// Holds a lock until dropped.
pub trait Lock: Send + Sync + fmt::Debug {}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: String,
    pub is_dir: bool,
    /// Length in bytes; zero for a directory.
    pub size: u64,
}

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What an unprivileged process may still write.
    pub free: u64,
    pub total: u64,
}

/// Whether an error says that there is no room, on the file system or in a quota.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Reads a whole file. `InvalidData` when it is longer than `limit` bytes.
pub fn read(disk: &dyn Disk, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let size = file.size()?;
    if size > limit {
        let message = format!("{} is longer than {limit} bytes", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let size = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Removes a directory with all it holds; a missing one is no error.
pub fn remove_all(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let entries = match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let path: PathBuf = dir.join(&entry.name);
        if entry.is_dir { remove_all(disk, &path)? } else { disk.remove(&path)? }
    }
    disk.remove_dir(dir)
}
