//! Appending ticks, and letting the oldest go.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use disk::{
    Disk,
    journal::{self, Journal, JournalError, ReplayStats},
};
use model::{labels::Labels, tenant::TENANT_LABEL, write::WriteBatch};
use wire::frames::{Encoder, Replay};

use crate::{
    read::Reader,
    segments::{Segments, TICK, parse},
};

/// A spool has room for at least so many segments, so that dropping one leaves most.
const SEGMENTS_MIN: u64 = 4;

/// Sizes of a spool.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of all segments together. Beyond them the oldest segment goes; at least four
    /// segments are kept.
    pub bytes_max: u64,
    /// A segment that has reached this many bytes is closed. A reader holds one in memory.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { bytes_max: 512 << 20, segment_bytes: 2 << 20 }
    }
}

/// Why the spool could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its ticks are not spooled; the next ones may be.
    #[error("ticks {first} to {last} could not be spooled")]
    NotWritten {
        first: u64,
        last: u64,
        #[source]
        source: JournalError,
    },
}

impl SpoolError {
    /// Whether the tick of this number was given up.
    pub fn loses(&self, number: u64) -> bool {
        matches!(self, Self::NotWritten { first, last, .. } if (*first..=*last).contains(&number))
    }

    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Journal(source) | Self::NotWritten { source, .. } => source.is_full(),
        }
    }
}

/// What was there when a spool was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub ticks: u64,
    pub stats: ReplayStats,
}

/// Ticks that had to go before every destination had them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Of each tick its number and how many samples of each tenant it held; the empty name is
    /// that of samples without one.
    pub ticks: Vec<(u64, BTreeMap<String, u64>)>,
    /// Ticks that could not be read any more, so that their samples are not known.
    pub unreadable: u64,
    /// One more than the last tick that is gone.
    pub end: u64,
}

/// The writing end. One per directory.
#[derive(Debug)]
pub struct Spool {
    journal: Journal,
    segments: Segments,
    options: Options,
    encoder: Encoder,
    /// Bytes in the current segment, pending ones included.
    filled: u64,
    /// Ticks that wait for a sync.
    pending: Vec<u64>,
    /// One more than the newest tick.
    next: u64,
    payload: Vec<u8>,
    body: Vec<u8>,
}

impl Spool {
    /// Opens what a directory holds, or creates it. Whoever opens it holds a lock on the directory.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
    ) -> Result<(Self, Opened), SpoolError> {
        let sizes = journal::Options { segment_bytes: u64::MAX, ..journal::Options::default() };
        let segments = Segments::new(Arc::clone(&disk), dir.to_owned(), sizes);
        let mut ticks = 0;
        let (journal, stats) = Journal::open(disk, dir, sizes, &mut |record| {
            if let Some((tick, _)) = parse(&record) {
                segments.add(record.segment, tick);
                ticks += 1;
            }
        })?;
        let next = segments.newest().map_or(0, |segment| segment.end);
        let options = Options {
            bytes_max: options.bytes_max.max(options.segment_bytes.saturating_mul(SEGMENTS_MIN)),
            ..options
        };
        let spool = Self {
            journal,
            segments,
            options,
            encoder: encoder(),
            filled: 0,
            pending: Vec::new(),
            next,
            payload: Vec::new(),
            body: Vec::new(),
        };
        Ok((spool, Opened { ticks, stats }))
    }

    /// One more than the newest tick that was ever appended, as far as it is still there.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Bytes in files.
    pub fn bytes(&self) -> u64 {
        self.journal.bytes()
    }

    /// The oldest tick that is there.
    pub fn oldest(&self) -> Option<u64> {
        self.segments.oldest().map(|segment| segment.first)
    }

    /// Reads what is there, and what will be.
    pub fn reader(&self) -> Reader {
        Reader::new(self.segments.clone())
    }

    /// Takes a tick, which is on disk after the next [`Self::sync`]. Numbers ascend; one that does
    /// not is ignored, because it is there already. An error tells which ticks were given up by it:
    /// when those are earlier ones, this one was taken.
    pub fn append(&mut self, number: u64, tick: &WriteBatch) -> Result<(), SpoolError> {
        if number < self.next {
            return Ok(());
        }
        let mut before = Ok(());
        if self.filled >= self.options.segment_bytes {
            // What is pending belongs to the old segment's epoch.
            before = self.sync();
            self.journal.rotate();
            self.begin_segment();
        }
        self.encoder.encode(tick, &mut self.body);
        self.payload.clear();
        self.payload.extend_from_slice(&number.to_le_bytes());
        self.payload.extend_from_slice(&self.body);
        self.next = number.saturating_add(1);
        self.pending.push(number);
        match self.journal.append(TICK, &self.payload) {
            Ok(()) => {
                self.filled += self.payload.len() as u64;
                before
            }
            Err(source) => Err(self.give_up(source)),
        }
    }

    /// Makes what was appended durable, and known to readers. On failure those ticks are given up.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if let Err(source) = self.journal.sync() {
            return Err(self.give_up(source));
        }
        let segment = self.journal.segment();
        for tick in self.pending.drain(..) {
            self.segments.add(segment, tick);
        }
        Ok(())
    }

    /// Forgets the ticks that wait. What follows must not build on them.
    fn give_up(&mut self, source: JournalError) -> SpoolError {
        self.journal.discard_pending();
        self.journal.rotate();
        let first = self.pending.first().copied().unwrap_or_default();
        let last = self.pending.last().copied().unwrap_or_default();
        self.pending.clear();
        self.begin_segment();
        SpoolError::NotWritten { first, last, source }
    }

    fn begin_segment(&mut self) {
        self.encoder = encoder();
        self.filled = 0;
    }

    /// Removes segments that every destination has taken: all ticks before `next`.
    pub fn trim(&mut self, next: u64) -> Result<(), SpoolError> {
        while let Some(oldest) = self.segments.oldest().filter(|oldest| oldest.end <= next) {
            if oldest.number >= self.journal.segment() {
                return Ok(());
            }
            self.journal.remove_before(oldest.number.saturating_add(1))?;
            self.segments.remove_oldest();
        }
        Ok(())
    }

    /// Removes the oldest segment where there are more bytes than there may be. To be called again
    /// until it has nothing more to tell.
    pub fn shrink(&mut self) -> Result<Option<Dropped>, SpoolError> {
        if self.journal.bytes() <= self.options.bytes_max {
            return Ok(None);
        }
        let oldest = self.segments.oldest();
        let Some(oldest) = oldest.filter(|oldest| oldest.number < self.journal.segment()) else {
            return Ok(None);
        };
        let dropped = self.count(oldest.number, oldest.end).unwrap_or_else(|_error| Dropped {
            // It goes all the same: a spool that cannot shrink would fill the disk.
            unreadable: oldest.end.saturating_sub(oldest.first),
            end: oldest.end,
            ..Dropped::default()
        });
        self.journal.remove_before(oldest.number.saturating_add(1))?;
        self.segments.remove_oldest();
        Ok(Some(dropped))
    }

    fn count(&self, segment: u64, end: u64) -> Result<Dropped, SpoolError> {
        let mut dropped = Dropped { end, ..Dropped::default() };
        let mut replay = Replay::default();
        let mut batch = WriteBatch::default();
        self.segments.visit(segment, &mut |tick, body| {
            batch.clear();
            match replay.read(body, &mut batch) {
                Ok(_) => dropped.ticks.push((tick, samples_by_tenant(&batch))),
                Err(_) => dropped.unreadable += 1,
            }
        })?;
        Ok(dropped)
    }
}

/// Frames with whole label sets: no label is lifted, and the epoch is the segment's.
fn encoder() -> Encoder {
    Encoder::new(0, "")
}

/// Samples by tenant; the empty name is that of samples without one.
pub fn samples_by_tenant(batch: &WriteBatch) -> BTreeMap<String, u64> {
    let mut tenants = BTreeMap::new();
    for series in batch.series() {
        let samples = (series.samples.len() + series.histograms.len()) as u64;
        let labels = Labels::from_bytes(series.labels);
        let tenant =
            labels.as_ref().and_then(|labels| labels.get(TENANT_LABEL)).unwrap_or_default();
        match tenants.get_mut(tenant) {
            Some(count) => *count += samples,
            None => {
                tenants.insert(tenant.to_owned(), samples);
            }
        }
    }
    tenants
}
