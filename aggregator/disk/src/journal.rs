//! An append-only log of checked records, in numbered segment files.
//!
//! ```text
//! segment  <number, 10 digits>.log
//!          magic "TWJRNL1\n" (8)  salt (4)  salt again (4)  record*
//! record   length (4)  kind (1)  header check (4)  payload check (4)  payload
//! ```
//! Numbers are little endian. Both checks are CRC32C over the salt and then over length and kind,
//! or over the payload. The salt is drawn when a journal is opened, so bytes that a stranger put
//! into a payload are not taken for a record when a damaged place is skipped.
//!
//! What was appended is durable once [`Journal::sync`] has returned. When it fails, the records
//! are kept and the next call writes them to a new segment: after a failed `fdatasync` nothing is
//! known of what the file holds. Replaying the same record twice must therefore do no harm.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{Disk, File};

mod frame;
mod replay;
mod segments;

pub use frame::Frames;
pub use replay::{Damage, Record, ReplayStats};
pub use segments::{inspect, inspect_segment, segment_name};

use segments::{cut, replay, segments};

/// Sizes of a journal.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A segment that has reached this many bytes is closed and a new one begun.
    pub segment_bytes: u64,
    /// Longest payload in bytes. Longer ones are refused, and taken for damage when read.
    pub payload_bytes_max: usize,
    /// Most bytes that may wait for a sync, which is what piles up while the disk is full.
    pub pending_bytes_max: usize,
    /// Sets the salt apart from that of other journals; drawn at random when `None`.
    pub salt: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            payload_bytes_max: 64 << 20,
            pending_bytes_max: 256 << 20,
            salt: None,
        }
    }
}

/// Why a journal could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("cannot {action} {path}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("a record of {bytes} bytes is longer than the limit of {limit}")]
    TooLong { bytes: usize, limit: usize },
    #[error("{bytes} bytes wait to be written, the limit is {limit}")]
    Pending { bytes: usize, limit: usize },
}

impl JournalError {
    /// Whether a file or directory was not there.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the disk is full: nothing is lost, and a later call succeeds once there is room.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => crate::is_full(source),
            Self::Pending { .. } => true,
            Self::TooLong { .. } => false,
        }
    }
}

/// An open journal. One value per directory; whoever opens it holds a lock on the directory.
#[derive(Debug)]
pub struct Journal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: Options,
    salt: u32,
    /// Closed segments as (number, bytes), ascending.
    closed: Vec<(u64, u64)>,
    /// The number of the segment that the next sync writes to.
    next: u64,
    current: Option<Segment>,
    pending: Frames,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    file: Box<dyn File>,
    bytes: u64,
}

impl Journal {
    /// Reads what the directory holds, in order, and opens it for appending. The directory is
    /// created if need be. A torn end of the last segment is cut; damage elsewhere is skipped and
    /// reported in [`ReplayStats`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        visit: &mut dyn FnMut(Record<'_>),
    ) -> Result<(Self, ReplayStats), JournalError> {
        Self::open_from(disk, dir, options, 0, visit)
    }

    /// Like [`Self::open`], but segments before `first` are not read; they are left to
    /// [`Self::remove_before`].
    pub fn open_from(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        first: u64,
        visit: &mut dyn FnMut(Record<'_>),
    ) -> Result<(Self, ReplayStats), JournalError> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::Io { action, path, source }
        };
        disk.create_dir_all(dir).map_err(failed("create", dir))?;
        let mut closed = segments(&*disk, dir)?;
        let last = closed.last().map(|(number, _)| *number);
        let mut stats = ReplayStats::default();
        for (number, bytes) in closed.iter_mut().filter(|(number, _)| *number >= first) {
            let is_last = last == Some(*number);
            let (size, end) = replay(&*disk, dir, (*number, is_last), &options, &mut stats, visit)?;
            if end < size {
                let path = dir.join(segment_name(*number));
                cut(&*disk, &path, end).map_err(failed("cut", &path))?;
                *bytes = end;
            }
        }
        let next = last.map_or(first, |last| last.saturating_add(1).max(first));
        let salt = options.salt.unwrap_or_else(random_salt).wrapping_add(next as u32);
        let pending = Frames::new(salt);
        let dir = dir.to_owned();
        Ok((Self { disk, dir, options, salt, closed, next, current: None, pending }, stats))
    }

    /// Takes a record, which is durable after the next [`Self::sync`].
    pub fn append(&mut self, kind: u8, payload: &[u8]) -> Result<(), JournalError> {
        let limit = self.options.payload_bytes_max;
        if payload.len() > limit {
            return Err(JournalError::TooLong { bytes: payload.len(), limit });
        }
        self.check_pending(payload.len())?;
        self.pending.push(kind, payload);
        Ok(())
    }

    /// An empty buffer of records for this journal, to be filled elsewhere and given to
    /// [`Self::append_frames`].
    pub fn frames(&self) -> Frames {
        Frames::new(self.salt)
    }

    /// Takes records that were framed elsewhere and leaves the buffer empty.
    pub fn append_frames(&mut self, frames: &mut Frames) -> Result<(), JournalError> {
        self.check_pending(frames.bytes().len())?;
        self.pending.take(frames);
        Ok(())
    }

    fn check_pending(&self, more: usize) -> Result<(), JournalError> {
        let limit = self.options.pending_bytes_max;
        let bytes = self.pending.bytes().len();
        // One record always fits, whatever its length.
        if bytes > 0 && bytes + more > limit {
            return Err(JournalError::Pending { bytes, limit });
        }
        Ok(())
    }

    /// Writes what is pending and makes it durable. On failure everything stays pending.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let result = self.write_pending();
        match &result {
            Ok(()) => self.pending.clear(),
            Err(_) => self.abandon_segment(),
        }
        result
    }

    /// Forgets what waits for a sync. Whoever was told that a record failed, and will write it
    /// again, does not want it written twice.
    pub fn discard_pending(&mut self) {
        self.pending.clear();
    }

    fn write_pending(&mut self) -> Result<(), JournalError> {
        if self.current.as_ref().is_some_and(|segment| segment.bytes >= self.options.segment_bytes)
        {
            self.close_segment();
        }
        let mut segment = match self.current.take() {
            Some(segment) => segment,
            None => self.create_segment()?,
        };
        let path = self.dir.join(segment_name(segment.number));
        let failed = |action| {
            let path = path.clone();
            move |source| JournalError::Io { action, path, source }
        };
        let written = segment.file.append(self.pending.bytes()).map_err(failed("write"));
        let synced = written.and_then(|()| segment.file.sync().map_err(failed("sync")));
        if synced.is_ok() {
            segment.bytes += self.pending.bytes().len() as u64;
        }
        self.current = Some(segment);
        synced
    }

    fn create_segment(&mut self) -> Result<Segment, JournalError> {
        let number = self.next;
        let path = self.dir.join(segment_name(number));
        let failed = |action| {
            let path = path.clone();
            move |source| JournalError::Io { action, path, source }
        };
        let header = frame::segment_header(self.salt);
        let mut file = self.disk.create(&path).map_err(failed("create"))?;
        // From here on the name is used, even when what follows fails.
        self.next += 1;
        // The header is durable before the first record, so that a torn first write is not taken
        // for a damaged header.
        let written = file
            .append(&header)
            .map_err(failed("write"))
            .and_then(|()| file.sync().map_err(failed("sync")));
        let synced =
            written.and_then(|()| self.disk.sync_dir(&self.dir).map_err(failed("sync parent of")));
        let segment = Segment { number, file, bytes: header.len() as u64 };
        match synced {
            Ok(()) => Ok(segment),
            Err(error) => {
                self.current = Some(segment);
                Err(error)
            }
        }
    }

    /// Cuts the current segment to what is known to be durable and leaves it behind.
    fn abandon_segment(&mut self) {
        let Some(mut segment) = self.current.take() else { return };
        let header = frame::SEGMENT_HEADER_BYTES as u64;
        let path = self.dir.join(segment_name(segment.number));
        if segment.bytes <= header {
            // Whether this works is of no matter: an empty segment holds no record.
            drop(self.disk.remove(&path));
            return;
        }
        // If cutting fails, replay finds the rest torn, or finds records that are written again.
        drop(segment.file.truncate(segment.bytes));
        drop(segment.file.sync());
        self.closed.push((segment.number, segment.bytes));
    }

    fn close_segment(&mut self) {
        if let Some(segment) = self.current.take() {
            self.closed.push((segment.number, segment.bytes));
        }
    }

    /// Closes the current segment. Returns the number of the segment that everything from now on
    /// goes to: once what was synced before is no longer needed, [`Self::remove_before`] may be
    /// called with it. Pending records are not yet written and belong to the new segment.
    pub fn rotate(&mut self) -> u64 {
        self.close_segment();
        self.next
    }

    /// Removes the segments with numbers below `number` and returns how many there were. The
    /// current segment stays.
    pub fn remove_before(&mut self, number: u64) -> Result<usize, JournalError> {
        let mut removed = 0;
        while let Some(&(first, _)) = self.closed.first()
            && first < number
        {
            let path = self.dir.join(segment_name(first));
            match self.disk.remove(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(JournalError::Io { action: "remove", path, source }),
                Ok(()) => removed += 1,
            }
            self.closed.remove(0);
        }
        Ok(removed)
    }

    /// Bytes in segments, without what is pending.
    pub fn bytes(&self) -> u64 {
        let closed: u64 = self.closed.iter().map(|(_, bytes)| bytes).sum();
        closed + self.current.as_ref().map_or(0, |segment| segment.bytes)
    }

    pub fn segment_count(&self) -> usize {
        self.closed.len() + usize::from(self.current.is_some())
    }

    /// Bytes that wait for a sync.
    pub fn pending_bytes(&self) -> usize {
        self.pending.bytes().len()
    }

    /// The number of the segment that records appended now will be in, or a later one.
    pub fn segment(&self) -> u64 {
        self.current.as_ref().map_or(self.next, |segment| segment.number)
    }
}

/// The standard library's own source of hash keys, which the operating system seeds.
fn random_salt() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() as u32
}

#[cfg(test)]
mod tests;
