//! The segment files of a journal's directory.

use std::{io, path::Path};

use super::{JournalError, Options, Record, ReplayStats};
use crate::Disk;

/// The ending of segment files.
const EXTENSION: &str = "log";

/// Reads what a directory holds from a segment on and changes nothing, so that it can be done while
/// the journal is in use or by someone who may not write.
pub fn inspect(
    disk: &dyn Disk,
    dir: &Path,
    options: Options,
    first: u64,
    visit: &mut dyn FnMut(Record<'_>),
) -> Result<ReplayStats, JournalError> {
    let segments = segments(disk, dir)?;
    let last = segments.last().map(|(number, _)| *number);
    let mut stats = ReplayStats::default();
    for (number, _) in segments.into_iter().filter(|(number, _)| *number >= first) {
        let is_last = last == Some(number);
        replay(disk, dir, (number, is_last), &options, &mut stats, visit)?;
    }
    Ok(stats)
}

/// Like [`inspect`], of one segment, whose last record may be half written.
pub fn inspect_segment(
    disk: &dyn Disk,
    dir: &Path,
    options: Options,
    number: u64,
    visit: &mut dyn FnMut(Record<'_>),
) -> Result<ReplayStats, JournalError> {
    let mut stats = ReplayStats::default();
    replay(disk, dir, (number, true), &options, &mut stats, visit)?;
    Ok(stats)
}

/// The segments of a directory as (number, bytes), ascending.
pub(super) fn segments(disk: &dyn Disk, dir: &Path) -> Result<Vec<(u64, u64)>, JournalError> {
    let entries = disk.list(dir).map_err(|source| {
        let path = dir.to_owned();
        JournalError::Io { action: "list", path, source }
    })?;
    let numbered =
        entries.iter().filter_map(|entry| Some((segment_number(&entry.name)?, entry.size)));
    let mut segments: Vec<(u64, u64)> = numbered.collect();
    segments.sort_unstable();
    Ok(segments)
}

/// Visits the records of one segment. Returns its length, and its length without a torn end.
pub(super) fn replay(
    disk: &dyn Disk,
    dir: &Path,
    (number, is_last): (u64, bool),
    options: &Options,
    stats: &mut ReplayStats,
    visit: &mut dyn FnMut(Record<'_>),
) -> Result<(u64, u64), JournalError> {
    let path = dir.join(segment_name(number));
    let longest =
        (options.payload_bytes_max as u64).saturating_add(options.pending_bytes_max as u64);
    let limit = options.segment_bytes.saturating_add(longest);
    let content = crate::read(disk, &path, limit).map_err(|source| JournalError::Io {
        action: "read",
        path,
        source,
    })?;
    let end = super::replay::segment(&content, number, is_last, options, stats, visit);
    Ok((content.len() as u64, end))
}

pub(super) fn cut(disk: &dyn Disk, path: &Path, size: u64) -> io::Result<()> {
    let mut file = disk.open_append(path)?;
    file.truncate(size)?;
    file.sync()
}

/// The name of a segment's file.
pub fn segment_name(number: u64) -> String {
    format!("{number:010}.{EXTENSION}")
}

fn segment_number(name: &str) -> Option<u64> {
    let (number, extension) = name.split_once('.')?;
    (extension == EXTENSION && number.len() >= 10).then(|| number.parse().ok())?
}
