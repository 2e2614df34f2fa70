//! Replacing a small file so that a crash leaves the old one or the new one, whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::Disk;

/// Files with this ending are unfinished and may be removed when nobody writes.
pub const UNFINISHED: &str = "tmp";

/// Where the content is written before it gets its name.
pub fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// Writes beside `path`, syncs, renames, syncs the directory. On success the content is durable.
/// After an error the file has its old content or, if the directory could not be synced, its new.
pub fn write(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    prepare(disk, path, bytes)?;
    commit(disk, path)
}

/// The first half of [`write()`]: the content is durable, and `path` is as it was.
pub fn prepare(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = unfinished(path);
    let written = disk.create(&beside).and_then(|mut file| {
        file.append(bytes)?;
        file.sync()
    });
    if written.is_err() {
        // The first error is the one to report; an unfinished file is removed at the next start.
        drop(disk.remove(&beside));
    }
    written
}

/// The second half of [`write()`]. After an error it is not known which content a crash would leave.
pub fn commit(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    disk.rename(&unfinished(path), path)?;
    disk.sync_dir(path.parent().unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests;
