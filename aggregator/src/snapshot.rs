//! Copies of all that an aggregator keeps, and data directories made of such copies.
//!
//! A snapshot has the layout of a data directory. Blocks are shared with it by hard links; the
//! timeline, which is small and still written to, is copied.

use std::{
    io,
    path::{Path, PathBuf},
};

use disk::{Disk, os::OsDisk};

use crate::background::{store_dir, timeline_dir};

/// Longest file of a timeline, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{} is no snapshot: it holds no metrics", dir.display())]
    NoSnapshot { dir: PathBuf },
    #[error("{} is not empty", dir.display())]
    NotEmpty { dir: PathBuf },
    #[error(transparent)]
    Store(#[from] tsdb::outcome::StoreError),
    #[error("cannot copy {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Makes a data directory out of a snapshot, which stays as it is. `dir` must be new or empty, and on
/// the same file system.
pub fn restore(snapshot: &Path, dir: &Path) -> Result<(), SnapshotError> {
    let disk = OsDisk;
    let has = |part: &Path| disk.list(part).is_ok_and(|entries| !entries.is_empty());
    if !has(&store_dir(snapshot)) {
        return Err(SnapshotError::NoSnapshot { dir: snapshot.to_owned() });
    }
    if has(dir) {
        return Err(SnapshotError::NotEmpty { dir: dir.to_owned() });
    }
    let io = |source| SnapshotError::Io { path: dir.to_owned(), source };
    disk.create_dir_all(dir).map_err(io)?;
    copy_dir(&disk, &timeline_dir(snapshot), &timeline_dir(dir))?;
    // Last, because without it this is no data directory.
    tsdb::snapshot::restore(&disk, &store_dir(snapshot), &store_dir(dir))?;
    disk.sync_dir(dir).map_err(io)
}

/// Copies the files of a directory, durably. One that is missing has none.
pub(crate) fn copy_dir(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), SnapshotError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| SnapshotError::Io { path, source }
    };
    let entries = match disk.list(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed(from))?,
    };
    disk.create_dir_all(to).map_err(failed(to))?;
    for entry in entries.iter().filter(|entry| !entry.is_dir) {
        let (source, target) = (from.join(&entry.name), to.join(&entry.name));
        let bytes = disk::read(disk, &source, FILE_BYTES_MAX).map_err(failed(&source))?;
        let mut file = disk.create(&target).map_err(failed(&target))?;
        file.append(&bytes).and_then(|()| file.sync()).map_err(failed(&target))?;
    }
    disk.sync_dir(to).map_err(failed(to))
}

#[cfg(test)]
mod tests;
