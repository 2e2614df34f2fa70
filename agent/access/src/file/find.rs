//! The files beside a log that may have had its name.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::generation::Generation;
use crate::kept::FileMark;

/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 10_000;
/// Endings of logs that were packed, and are no longer lines.
const PACKED: [&str; 4] = ["gz", "bz2", "xz", "zst"];

/// A file whose name begins with the log's.
#[derive(Debug)]
pub(super) struct Sibling {
    pub(super) path: PathBuf,
    /// Device and inode.
    pub(super) id: (u64, u64),
    /// Seconds and nanoseconds.
    pub(super) modified: (i64, i64),
    /// Whether it is named like a log that was rotated, with a number or a date, and not packed.
    pub(super) rotated: bool,
}

/// All of them, the log included; none when the folder cannot be read.
pub(super) fn siblings(log: &Path) -> Vec<Sibling> {
    let (Some(dir), Some(name)) = (log.parent(), log.file_name()) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let beside = entries.take(ENTRIES_MAX).filter_map(|entry| {
        let entry = entry.ok()?;
        let own = entry.file_name();
        let rest = own.as_encoded_bytes().strip_prefix(name.as_encoded_bytes())?;
        if !matches!(rest.first(), None | Some(b'.' | b'-' | b'_')) {
            return None;
        }
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let path = entry.path();
        let packed = PACKED.iter().any(|known| path.extension().is_some_and(|own| own == *known));
        let rotated = !packed && rest.get(1).is_some_and(u8::is_ascii_digit);
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Some(Sibling { path, id: (metadata.dev(), metadata.ino()), modified, rotated })
    });
    beside.collect()
}

/// The file in which a place is: the same file, or a copy of it; and which of the siblings it is.
pub(super) fn find(siblings: &[Sibling], mark: &FileMark) -> Option<(usize, Generation)> {
    let open = |index: usize| {
        let sibling = siblings.get(index)?;
        Some((index, Generation::at_mark(&sibling.path, mark)?))
    };
    let same = siblings.iter().position(|sibling| sibling.id == (mark.device, mark.inode));
    same.and_then(open).or_else(|| {
        // Before nothing, every file looks alike.
        let copies = (0..siblings.len()).filter(|_| mark.offset > 0);
        copies.filter(|index| siblings.get(*index).is_some_and(|own| own.rotated)).find_map(open)
    })
}
