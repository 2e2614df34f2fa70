//! Copies of a store by hard links, in both directions.

use std::{io, path::Path};

use disk::Disk;

use crate::{
    manifest::{Manifest, Read},
    outcome::StoreError,
    store::BLOCKS_DIR,
};

/// Links the blocks of a manifest into a new directory and writes the manifest there.
pub(crate) fn link(
    disk: &dyn Disk,
    dir: &Path,
    manifest: &Manifest,
    target: &Path,
) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::io("make a snapshot", &error);
    if disk.list(target).is_ok_and(|entries| !entries.is_empty()) {
        let message = format!("{} is not empty", target.display());
        return Err(StoreError::Io { action: "make a snapshot", message });
    }
    let blocks = target.join(BLOCKS_DIR);
    disk.create_dir_all(&blocks).map_err(failed)?;
    let mut copied = Manifest { wal_first: 0, ..manifest.clone() };
    copied.blocks.clear();
    for block in &manifest.blocks {
        let name = block.file_name();
        match disk.hard_link(&dir.join(BLOCKS_DIR).join(&name), &blocks.join(&name)) {
            // A block that is missing here is missing there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map(|()| copied.blocks.push(*block)).map_err(failed)?,
        }
    }
    disk.sync_dir(&blocks).map_err(failed)?;
    copied.write(disk, target).map_err(|error| failed(error.into_inner()))?;
    target.parent().map_or(Ok(()), |parent| disk.sync_dir(parent)).map_err(failed)
}

/// Makes a data directory out of a snapshot, which stays as it is. Both must be on one file system,
/// and `dir` must be new or empty.
pub fn restore(disk: &dyn Disk, snapshot: &Path, dir: &Path) -> Result<(), StoreError> {
    let read = Manifest::read(disk, snapshot);
    match read.map_err(|error| StoreError::io("restore a snapshot", &error))? {
        Read::Found { manifest, .. } => link(disk, snapshot, &manifest, dir),
        Read::Absent => {
            let message = format!("{} is no snapshot", snapshot.display());
            Err(StoreError::Io { action: "restore a snapshot", message })
        }
        Read::Damaged | Read::Newer { .. } => {
            Err(StoreError::Damaged(format!("the manifest of {}", snapshot.display())))
        }
    }
}
