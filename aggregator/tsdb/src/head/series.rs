//! One series of the head: its newest samples, sealed and open.

use std::sync::Arc;

use codec::chunk::ChunkError;
use model::histogram::Histogram;

use super::{
    logged::Logged,
    sealed::{Arena, Chunks, Sealer},
    snapshot::{Late, Taken, Taking, apply_starts},
    stream::{self, SEAL_COUNT, Stream},
};
use crate::{
    cardinality::Census,
    hash::Hash128,
    samples::{Column, compare_floats, compare_histograms, same_float, same_histogram},
};

/// Samples out of order that a series holds before they are sealed.
const LATE_SEAL_COUNT: usize = 64;
/// Histograms that a series holds before they are sealed.
const HISTOGRAM_SEAL_COUNT: usize = 32;

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Stored,
    /// It is there already.
    Same,
    /// Another one is there for this time.
    Conflict,
}

/// A series in the head.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) key: Hash128,
    stream: Stream,
    sealed: Chunks,
    extra: Option<Box<Extra>>,
    /// How many sealed chunks, the oldest, are being written to a block.
    flushing: u32,
    /// When the last sample arrived, in seconds since the epoch.
    pub(crate) seen: u32,
    pub(crate) logged: Logged,
    has_floats: bool,
    /// Whether new samples come with the frames of a group. The stream is empty then, and in place
    /// of its last value stands which member this is.
    in_group: bool,
}

/// What few series have.
#[derive(Debug, Default)]
struct Extra {
    /// Float samples that came late, in order of time.
    late: Column<f64>,
    /// Histograms in order of time, late ones among them.
    histograms: Column<Arc<Histogram>>,
    last_histogram: Option<(i64, Arc<Histogram>)>,
    /// Start timestamps of the open stream, as (index of the first sample that has it, start).
    starts: Vec<(u16, i64)>,
}

impl Series {
    pub(crate) fn new(key: Hash128) -> Self {
        Self { key, ..Self::default() }
    }

    /// Whether all samples have gone to blocks.
    pub(crate) fn is_empty(&self) -> bool {
        let late = |extra: &Extra| extra.late.is_empty() && extra.histograms.is_empty();
        self.stream.count == 0 && self.sealed.is_empty() && self.extra.as_deref().is_none_or(late)
    }

    #[inline]
    pub(crate) fn push(
        &mut self,
        time: i64,
        value: f64,
        start: i64,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) -> Pushed {
        debug_assert!(!self.in_group, "a member of a group is detached first");
        let bits = value.to_bits();
        if self.has_floats && time <= self.stream.last_time {
            if time == self.stream.last_time {
                let same = self.stream.last_value == bits;
                return if same { Pushed::Same } else { Pushed::Conflict };
            }
            return self.push_late(time, value, start, arena, sealer);
        }
        if start != 0 || self.extra.is_some() {
            if let Some(extra) = &self.extra
                && extra.last_histogram.as_ref().is_some_and(|(last, _)| *last == time)
            {
                return Pushed::Conflict;
            }
            self.note_start(start);
        }
        self.stream.push(time, bits, &mut arena.pool);
        self.has_floats = true;
        if self.stream.count >= SEAL_COUNT {
            self.seal_stream(arena, sealer);
        }
        Pushed::Stored
    }

    fn note_start(&mut self, start: i64) {
        let count = u16::from(self.stream.count);
        let extra = self.extra.get_or_insert_default();
        let last = extra.starts.last().map_or(0, |(_, start)| *start);
        if last != start {
            extra.starts.push((count, start));
        }
    }

    fn push_late(
        &mut self,
        time: i64,
        value: f64,
        start: i64,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) -> Pushed {
        let extra = self.extra.get_or_insert_default();
        if extra.last_histogram.as_ref().is_some_and(|(last, _)| *last == time) {
            return Pushed::Conflict;
        }
        match extra.late.times.binary_search(&time) {
            Ok(found) => {
                let same = extra.late.values.get(found).is_some_and(|old| same_float(*old, value));
                return if same { Pushed::Same } else { Pushed::Conflict };
            }
            Err(at) => extra.late.insert(at, time, value, start),
        }
        arena.other_bytes += LATE_BYTES;
        if extra.late.len() >= LATE_SEAL_COUNT {
            self.seal_late(arena, sealer);
        }
        Pushed::Stored
    }

    pub(crate) fn push_histogram(
        &mut self,
        time: i64,
        value: &Arc<Histogram>,
        start: i64,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) -> Pushed {
        if self.has_floats && self.stream.last_time == time {
            return Pushed::Conflict;
        }
        let extra = self.extra.get_or_insert_default();
        let same = |old: &Histogram| {
            if same_histogram(old, value) { Pushed::Same } else { Pushed::Conflict }
        };
        if let Some((last, old)) = &extra.last_histogram
            && *last == time
        {
            return same(old);
        }
        match extra.histograms.times.binary_search(&time) {
            Ok(found) => {
                return extra.histograms.values.get(found).map_or(Pushed::Same, |h| same(h));
            }
            Err(at) => extra.histograms.insert(at, time, Arc::clone(value), start),
        }
        if extra.last_histogram.as_ref().is_none_or(|(last, _)| *last < time) {
            extra.last_histogram = Some((time, Arc::clone(value)));
        }
        arena.other_bytes += histogram_bytes(value);
        if extra.histograms.len() >= HISTOGRAM_SEAL_COUNT {
            self.seal_histograms(arena, sealer);
        }
        Pushed::Stored
    }

    /// Takes a float from the log. What was once accepted is kept, even where it conflicts with
    /// what is here now: samples that came before it may have gone to blocks, so that conflicts
    /// are not what they were.
    pub(crate) fn restore(
        &mut self,
        time: i64,
        value: f64,
        start: i64,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) {
        self.note_seen(time);
        if self.push(time, value, start, arena, sealer) != Pushed::Conflict {
            return;
        }
        let late = &mut self.extra.get_or_insert_default().late;
        match late.times.binary_search(&time) {
            Ok(found) if compare_floats(value, late.values[found]).is_gt() => {
                late.values[found] = value;
            }
            Ok(_) => {}
            Err(at) => {
                late.insert(at, time, value, start);
                arena.other_bytes += LATE_BYTES;
            }
        }
    }

    /// Takes a histogram from the log, as [`Self::restore`] takes a float.
    pub(crate) fn restore_histogram(
        &mut self,
        time: i64,
        value: &Arc<Histogram>,
        start: i64,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) {
        self.note_seen(time);
        if self.push_histogram(time, value, start, arena, sealer) != Pushed::Conflict {
            return;
        }
        let histograms = &mut self.extra.get_or_insert_default().histograms;
        match histograms.times.binary_search(&time) {
            Ok(found) if compare_histograms(value, &histograms.values[found]).is_gt() => {
                arena.other_bytes += histogram_bytes(value);
                arena.other_bytes -= histogram_bytes(&histograms.values[found]);
                histograms.values[found] = Arc::clone(value);
            }
            Ok(_) => {}
            Err(at) => {
                histograms.insert(at, time, Arc::clone(value), start);
                arena.other_bytes += histogram_bytes(value);
            }
        }
    }

    /// The log does not say when samples arrived; mostly it was when they were taken.
    fn note_seen(&mut self, time: i64) {
        self.seen = self.seen.max(u32::try_from(time / 1000).unwrap_or(0));
    }

    fn seal_stream(&mut self, arena: &mut Arena, sealer: &mut Sealer) {
        if self.stream.count == 0 {
            return;
        }
        sealer.bytes.clear();
        arena.pool.copy(&self.stream.bytes, &mut sealer.bytes);
        sealer.floats.clear();
        stream::decode(&sealer.bytes, &mut sealer.floats.times, &mut sealer.floats.values);
        self.stream.clear(&mut arena.pool);
        if let Some(extra) = &mut self.extra {
            apply_starts(&mut sealer.floats, 0, &extra.starts);
            let last = extra.starts.last().map(|(_, start)| (0, *start));
            extra.starts.clear();
            extra.starts.extend(last);
        }
        let sealed = arena.seal_floats(&mut self.sealed, sealer);
        expect_sealed(&sealed);
    }

    fn seal_late(&mut self, arena: &mut Arena, sealer: &mut Sealer) {
        let Some(extra) = &mut self.extra else { return };
        if extra.late.is_empty() {
            return;
        }
        arena.other_bytes -= LATE_BYTES * extra.late.len();
        sealer.floats = std::mem::take(&mut extra.late);
        let sealed = arena.seal_floats(&mut self.sealed, sealer);
        expect_sealed(&sealed);
    }

    fn seal_histograms(&mut self, arena: &mut Arena, sealer: &mut Sealer) {
        let Some(extra) = &mut self.extra else { return };
        if extra.histograms.is_empty() {
            return;
        }
        let column = std::mem::take(&mut extra.histograms);
        let bytes: usize = column.values.iter().map(|value| histogram_bytes(value)).sum();
        arena.other_bytes -= bytes;
        sealer.histograms.copy_from(&column, 0..column.len());
        let sealed = arena.seal_histograms(&mut self.sealed, sealer);
        if sealed.is_ok() {
            expect_sealed(&sealed);
            return;
        }
        // One by one, as they are too large together.
        for index in 0..column.len() {
            sealer.histograms.copy_from(&column, index..index + 1);
            let sealed = arena.seal_histograms(&mut self.sealed, sealer);
            expect_sealed(&sealed);
        }
    }

    /// Seals everything and gives it out to be written to a block. It stays readable here until
    /// [`Self::drop_flushed`].
    pub(crate) fn freeze(
        &mut self,
        arena: &mut Arena,
        sealer: &mut Sealer,
        taking: &mut Taking,
    ) -> Taken {
        self.seal_stream(arena, sealer);
        self.seal_late(arena, sealer);
        self.seal_histograms(arena, sealer);
        self.flushing = self.sealed.len();
        self.take(arena, taking)
    }

    /// Drops what the last [`Self::freeze`] gave out.
    pub(crate) fn drop_flushed(&mut self, arena: &mut Arena, sealer: &mut Sealer) {
        let count = std::mem::take(&mut self.flushing);
        arena.drop_oldest(&mut self.sealed, count, sealer);
    }

    /// Forgets the last sample if it is no longer here. To be called when samples have been
    /// deleted, so that a deleted one that is sent again is not taken for one that is there.
    pub(crate) fn forget_last(&mut self) {
        if self.stream.count == 0 && !self.in_group {
            self.has_floats = false;
        }
        if let Some(extra) = &mut self.extra
            && extra.histograms.is_empty()
        {
            extra.last_histogram = None;
        }
    }

    /// Whether there may be samples in a range of time.
    pub(crate) fn overlaps(&self, start: i64, end: i64, arena: &Arena) -> bool {
        if self.stream.count > 0 && self.stream.last_time >= start {
            let first = arena.pool.first_word(&self.stream.bytes).map(i64::from_le_bytes);
            if first.is_some_and(|first| first <= end) {
                return true;
            }
        }
        let within = |time: &i64| start <= *time && *time <= end;
        let late = |extra: &Extra| {
            extra.late.times.iter().any(within) || extra.histograms.times.iter().any(within)
        };
        self.extra.as_deref().is_some_and(late) || arena.has_chunk(self.sealed, start, end)
    }

    /// Counts what is not sealed.
    pub(crate) fn count_open(&self, arena: &Arena, census: &mut Census) {
        let first = arena.pool.first_word(&self.stream.bytes).map(i64::from_le_bytes);
        if let Some(first) = first.filter(|_| self.stream.count > 0) {
            census.chunks(1, first, self.stream.last_time);
        }
        let late = self.extra.as_deref().into_iter();
        for times in late.flat_map(|extra| [&extra.late.times, &extra.histograms.times]) {
            if let (Some(first), Some(last)) = (times.first(), times.last()) {
                census.chunks(1, *first, *last);
            }
        }
    }

    /// Takes the samples in a range of time along.
    pub(crate) fn take(&self, arena: &Arena, taking: &mut Taking) -> Taken {
        let chunks = self.sealed.within(arena.view(), taking.start, taking.end);
        let before = taking.streams.len();
        if self.stream.count > 0 && self.stream.last_time >= taking.start {
            arena.pool.copy(&self.stream.bytes, &mut taking.streams);
        }
        let late = self.extra.as_ref().map(|extra| {
            let (starts, floats) = (extra.starts.as_slice().into(), extra.late.clone());
            Box::new(Late { starts, floats, histograms: extra.histograms.clone() })
        });
        Taken { chunks, stream: before as u32..taking.streams.len() as u32, late }
    }
}

mod member;

pub(crate) use member::Member;

fn expect_sealed(sealed: &Result<(), ChunkError>) {
    // Encoding fails only for counts and sizes that admission and the seal counts exclude.
    debug_assert!(sealed.is_ok(), "{sealed:?}");
}

/// Memory of one late sample, in bytes: time, value and start.
const LATE_BYTES: usize = 24;

/// What a histogram takes in memory.
pub(crate) fn histogram_bytes(histogram: &Histogram) -> usize {
    let buckets = histogram.positive_buckets.len() + histogram.negative_buckets.len();
    let spans = histogram.positive_spans.len() + histogram.negative_spans.len();
    size_of::<Histogram>() + 8 * (buckets + spans + histogram.custom_values.len())
}

#[cfg(test)]
mod tests;
