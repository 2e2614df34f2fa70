//! Which ticks are in which segment. The spool and its readers share one list.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use disk::{
    Disk,
    journal::{self, JournalError, Record, ReplayStats},
};

/// The kind of a record that holds a tick.
pub(crate) const TICK: u8 = 1;

/// One segment that holds at least one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    /// Its first tick.
    pub(crate) first: u64,
    /// One more than its last tick.
    pub(crate) end: u64,
}

/// The list, and where the files are. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Segments {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) options: journal::Options,
    list: Arc<Mutex<VecDeque<Segment>>>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, options: journal::Options) -> Self {
        Self { disk, dir, options, list: Arc::default() }
    }

    fn list(&self) -> MutexGuard<'_, VecDeque<Segment>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tick is in a segment from now on.
    pub(crate) fn add(&self, number: u64, tick: u64) {
        let mut list = self.list();
        match list.back_mut() {
            Some(last) if last.number == number => last.end = last.end.max(tick.saturating_add(1)),
            _ => list.push_back(Segment { number, first: tick, end: tick.saturating_add(1) }),
        }
    }

    /// The first segment with a tick of this number or a later one.
    pub(crate) fn find(&self, tick: u64) -> Option<Segment> {
        self.list().iter().find(|segment| segment.end > tick).copied()
    }

    pub(crate) fn oldest(&self) -> Option<Segment> {
        self.list().front().copied()
    }

    pub(crate) fn newest(&self) -> Option<Segment> {
        self.list().back().copied()
    }

    pub(crate) fn remove_oldest(&self) {
        self.list().pop_front();
    }

    /// Visits the ticks of a segment, numbers and bodies.
    pub(crate) fn visit(
        &self,
        number: u64,
        visit: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<ReplayStats, JournalError> {
        let visit = &mut |record: Record<'_>| {
            if let Some((tick, body)) = parse(&record) {
                visit(tick, body);
            }
        };
        journal::inspect_segment(&*self.disk, &self.dir, self.options, number, visit)
    }
}

/// The number and body of the tick that a record holds.
pub(crate) fn parse<'a>(record: &Record<'a>) -> Option<(u64, &'a [u8])> {
    let (number, body) = record.payload.split_first_chunk()?;
    (record.kind == TICK).then_some((u64::from_le_bytes(*number), body))
}
