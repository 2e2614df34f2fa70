//! Reading ticks back.

use model::write::WriteBatch;
use wire::frames::Replay;

use crate::{segments::Segments, write::SpoolError};

/// One tick as it was appended.
#[derive(Debug)]
pub struct Read {
    pub number: u64,
    pub batch: WriteBatch,
    /// Ticks before it, from the one asked for on, that are in the spool and cannot be read.
    pub damaged: u64,
    /// Samples of it that are not valid, and were left out.
    pub skipped: u64,
    /// One more than the last tick that is in memory now: these are read even when the spool drops
    /// them.
    pub held: u64,
}

/// Reads ticks in order, for one destination. Holds the segment that it is in.
#[derive(Debug)]
pub struct Reader {
    segments: Segments,
    open: Option<Open>,
}

/// A segment in memory.
#[derive(Debug, Default)]
struct Open {
    number: u64,
    /// Number and body, those that were read already emptied.
    ticks: Vec<(u64, Vec<u8>)>,
    /// How many were read.
    read: usize,
    /// One more than the last tick in `ticks`.
    end: u64,
    replay: Replay,
}

impl Reader {
    pub(crate) fn new(segments: Segments) -> Self {
        Self { segments, open: None }
    }

    /// The first tick of number `from` or later, `None` when there is none yet. Fast when `from` is
    /// one more than the tick read last.
    pub fn read(&mut self, mut from: u64) -> Result<Option<Read>, SpoolError> {
        let mut damaged = 0;
        loop {
            let Some(segment) = self.segments.find(from) else {
                self.open = None;
                return Ok(None);
            };
            let loaded = self.open.as_ref();
            let fits = |open: &Open| open.number == segment.number && open.reaches(from);
            if !loaded.is_some_and(fits) {
                match Open::load(&self.segments, segment.number) {
                    // It was dropped or trimmed this moment.
                    Err(SpoolError::Journal(error)) if error.is_gone() => {
                        from = segment.end.max(from.saturating_add(1));
                        continue;
                    }
                    open => self.open = Some(open?),
                }
            }
            let open = self.open.as_mut();
            if let Some((number, batch, skipped)) = open.and_then(|open| open.next(from)) {
                let held = self.open.as_ref().map_or(0, |open| open.end);
                return Ok(Some(Read { number, batch, damaged, skipped, held }));
            }
            // What is left of the segment cannot be read.
            self.open = None;
            let end = segment.end.max(from.saturating_add(1));
            damaged += end - from;
            from = end;
        }
    }

    /// Another reader of the same spool.
    pub fn another(&self) -> Self {
        Self::new(self.segments.clone())
    }

    /// Frees the memory until the next read.
    pub fn rest(&mut self) {
        self.open = None;
    }
}

impl Open {
    fn load(segments: &Segments, number: u64) -> Result<Self, SpoolError> {
        let mut open = Self { number, ..Self::default() };
        segments.visit(number, &mut |tick, body| open.ticks.push((tick, body.to_vec())))?;
        open.end = open.ticks.last().map_or(0, |(tick, _)| tick.saturating_add(1));
        Ok(open)
    }

    /// Whether the first tick from `from` on is still to be read here.
    fn reaches(&self, from: u64) -> bool {
        let last = self.read.checked_sub(1).and_then(|last| self.ticks.get(last));
        self.end > from && last.is_none_or(|(last, _)| *last < from)
    }

    /// The first tick from `from` on, if it can be read.
    fn next(&mut self, from: u64) -> Option<(u64, WriteBatch, u64)> {
        while let Some((number, body)) = self.ticks.get_mut(self.read) {
            self.read += 1;
            let (number, body) = (*number, std::mem::take(body));
            let mut batch = WriteBatch::default();
            let skipped = self.replay.read(&body, &mut batch).ok()?;
            if number >= from {
                return Some((number, batch, skipped));
            }
        }
        None
    }
}
