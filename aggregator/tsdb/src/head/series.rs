//! One series of the head: its newest samples, sealed and open.

use std::sync::Arc;

use codec::chunk::ChunkError;
use model::histogram::Histogram;

use super::{
    sealed::{Sealed, Sealer},
    snapshot::{Late, Snapshot, apply_starts},
    stream::{self, SEAL_COUNT, Stream},
};
use crate::{
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
    sealed: Vec<Sealed>,
    extra: Option<Box<Extra>>,
    /// How many of the sealed chunks, from the front, are being written to a block.
    flushing: u16,
    has_floats: bool,
    /// When the last sample arrived, in seconds since the epoch.
    pub(crate) seen: u32,
    /// In which epoch of the log its labels were last written.
    pub(crate) logged: u32,
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
        self.stream.count() == 0
            && self.sealed.is_empty()
            && self
                .extra
                .as_ref()
                .is_none_or(|extra| extra.late.is_empty() && extra.histograms.is_empty())
    }

    #[inline]
    pub(crate) fn push(
        &mut self,
        time: i64,
        value: f64,
        start: i64,
        sealer: &mut Sealer,
    ) -> Pushed {
        let bits = value.to_bits();
        if self.has_floats && time <= self.stream.last_time() {
            if time == self.stream.last_time() {
                let same = self.stream.last_value() == bits;
                return if same { Pushed::Same } else { Pushed::Conflict };
            }
            return self.push_late(time, value, start, sealer);
        }
        if start != 0 || self.extra.is_some() {
            if let Some(extra) = &self.extra
                && extra.last_histogram.as_ref().is_some_and(|(last, _)| *last == time)
            {
                return Pushed::Conflict;
            }
            self.note_start(start);
        }
        let before = self.stream.heap_bytes();
        self.stream.push(time, bits);
        self.has_floats = true;
        sealer.grown += self.stream.heap_bytes() as isize - before as isize;
        if self.stream.count() >= SEAL_COUNT {
            self.seal_stream(sealer);
        }
        Pushed::Stored
    }

    fn note_start(&mut self, start: i64) {
        let extra = self.extra.get_or_insert_default();
        let last = extra.starts.last().map_or(0, |(_, start)| *start);
        if last != start {
            extra.starts.push((self.stream.count(), start));
        }
    }

    fn push_late(&mut self, time: i64, value: f64, start: i64, sealer: &mut Sealer) -> Pushed {
        let extra = self.extra.get_or_insert_default();
        if extra.last_histogram.as_ref().is_some_and(|(last, _)| *last == time) {
            return Pushed::Conflict;
        }
        match extra.late.times.binary_search(&time) {
            Ok(found) => {
                let same = extra.late.values.get(found).is_some_and(|old| same_float(*old, value));
                return if same { Pushed::Same } else { Pushed::Conflict };
            }
            Err(at) => insert(&mut extra.late, at, time, value, start),
        }
        sealer.grown += LATE_BYTES;
        if extra.late.len() >= LATE_SEAL_COUNT {
            self.seal_late(sealer);
        }
        Pushed::Stored
    }

    pub(crate) fn push_histogram(
        &mut self,
        time: i64,
        value: &Arc<Histogram>,
        start: i64,
        sealer: &mut Sealer,
    ) -> Pushed {
        if self.has_floats && self.stream.last_time() == time {
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
            Err(at) => insert(&mut extra.histograms, at, time, Arc::clone(value), start),
        }
        if extra.last_histogram.as_ref().is_none_or(|(last, _)| *last < time) {
            extra.last_histogram = Some((time, Arc::clone(value)));
        }
        sealer.grown += histogram_bytes(value);
        if extra.histograms.len() >= HISTOGRAM_SEAL_COUNT {
            self.seal_histograms(sealer);
        }
        Pushed::Stored
    }

    /// Takes a float from the log. What was once accepted is kept, even where it conflicts with
    /// what is here now: samples that came before it may have gone to blocks, so that conflicts
    /// are not what they were.
    pub(crate) fn restore(&mut self, time: i64, value: f64, start: i64, sealer: &mut Sealer) {
        if self.push(time, value, start, sealer) != Pushed::Conflict {
            return;
        }
        let late = &mut self.extra.get_or_insert_default().late;
        match late.times.binary_search(&time) {
            Ok(found) if compare_floats(value, late.values[found]).is_gt() => {
                late.values[found] = value;
            }
            Ok(_) => {}
            Err(at) => {
                insert(late, at, time, value, start);
                sealer.grown += LATE_BYTES;
            }
        }
    }

    /// Takes a histogram from the log, as [`Self::restore`] takes a float.
    pub(crate) fn restore_histogram(
        &mut self,
        time: i64,
        value: &Arc<Histogram>,
        start: i64,
        sealer: &mut Sealer,
    ) {
        if self.push_histogram(time, value, start, sealer) != Pushed::Conflict {
            return;
        }
        let histograms = &mut self.extra.get_or_insert_default().histograms;
        match histograms.times.binary_search(&time) {
            Ok(found) if compare_histograms(value, &histograms.values[found]).is_gt() => {
                sealer.grown += histogram_bytes(value) - histogram_bytes(&histograms.values[found]);
                histograms.values[found] = Arc::clone(value);
            }
            Ok(_) => {}
            Err(at) => {
                insert(histograms, at, time, Arc::clone(value), start);
                sealer.grown += histogram_bytes(value);
            }
        }
    }

    fn seal_stream(&mut self, sealer: &mut Sealer) {
        if self.stream.count() == 0 {
            return;
        }
        sealer.floats.clear();
        self.read_stream(&mut sealer.floats);
        sealer.grown -= self.stream.heap_bytes() as isize;
        self.stream.clear();
        if let Some(extra) = &mut self.extra {
            let last = extra.starts.last().map(|(_, start)| (0, *start));
            extra.starts.clear();
            extra.starts.extend(last);
        }
        let sealed = sealer.seal_floats();
        self.push_sealed(sealed);
    }

    fn seal_late(&mut self, sealer: &mut Sealer) {
        let Some(extra) = &mut self.extra else { return };
        if extra.late.is_empty() {
            return;
        }
        sealer.grown -= LATE_BYTES * extra.late.len() as isize;
        sealer.floats = std::mem::take(&mut extra.late);
        let sealed = sealer.seal_floats();
        self.push_sealed(sealed);
    }

    fn seal_histograms(&mut self, sealer: &mut Sealer) {
        let Some(extra) = &mut self.extra else { return };
        if extra.histograms.is_empty() {
            return;
        }
        let column = std::mem::take(&mut extra.histograms);
        let bytes: isize = column.values.iter().map(|value| histogram_bytes(value)).sum();
        sealer.grown -= bytes;
        // One by one if they are too large together.
        sealer.histograms.copy_from(&column, 0..column.len());
        let mut sealed = vec![sealer.seal_histograms()];
        if sealed.iter().any(Result::is_err) {
            sealed.clear();
            for index in 0..column.len() {
                sealer.histograms.copy_from(&column, index..index + 1);
                sealed.push(sealer.seal_histograms());
            }
        }
        sealed.into_iter().for_each(|sealed| self.push_sealed(sealed));
    }

    fn push_sealed(&mut self, sealed: Result<Sealed, ChunkError>) {
        // Encoding fails only for counts and sizes that admission and the seal counts exclude.
        debug_assert!(sealed.is_ok(), "{sealed:?}");
        if let Ok(sealed) = sealed {
            self.sealed.reserve_exact(1);
            self.sealed.push(sealed);
        }
    }

    fn read_stream(&self, out: &mut Column<f64>) {
        let first = out.times.len();
        stream::decode(self.stream.bytes(), &mut out.times, &mut out.values);
        let starts = self.extra.as_ref().map_or([].as_slice(), |extra| &extra.starts);
        apply_starts(out, first, starts);
    }

    /// Seals everything and gives it out to be written to a block. It stays readable here until
    /// [`Self::drop_flushed`].
    pub(crate) fn freeze(&mut self, sealer: &mut Sealer, out: &mut Vec<Sealed>) {
        self.seal_stream(sealer);
        self.seal_late(sealer);
        self.seal_histograms(sealer);
        let count = self.sealed.len().min(usize::from(u16::MAX));
        self.flushing = count as u16;
        out.extend(self.sealed.iter().take(count).cloned());
    }

    /// Drops what the last [`Self::freeze`] gave out.
    pub(crate) fn drop_flushed(&mut self, sealer: &mut Sealer) {
        let count = usize::from(std::mem::take(&mut self.flushing)).min(self.sealed.len());
        let freed: u64 = self.sealed.drain(..count).map(|s| u64::from(s.heap_bytes)).sum();
        sealer.grown -= freed as isize;
        self.sealed.shrink_to_fit();
    }

    /// Whether there may be samples in a range of time.
    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        let late = |extra: &Extra| {
            let within = |time: &i64| start <= *time && *time <= end;
            extra.late.times.iter().any(within) || extra.histograms.times.iter().any(within)
        };
        (self.stream.count() > 0
            && self.stream.last_time() >= start
            && self.stream.first_time() <= end)
            || self.sealed.iter().any(|sealed| sealed.overlaps(start, end))
            || self.extra.as_ref().is_some_and(|extra| late(extra))
    }

    /// A copy of the samples in a range of time, cheap because chunks are shared.
    pub(crate) fn snapshot(&self, start: i64, end: i64) -> Snapshot {
        let sealed = self.sealed.iter().filter(|sealed| sealed.overlaps(start, end));
        let mut snapshot = Snapshot { sealed: sealed.cloned().collect(), ..Snapshot::default() };
        if self.stream.count() > 0 && self.stream.last_time() >= start {
            snapshot.stream = self.stream.bytes().into();
        }
        if let Some(extra) = &self.extra {
            let (starts, floats) = (extra.starts.as_slice().into(), extra.late.clone());
            let histograms = extra.histograms.clone();
            snapshot.late = Some(Box::new(Late { starts, floats, histograms }));
        }
        snapshot
    }
}

/// Memory of one late sample, in bytes: time, value and start.
const LATE_BYTES: isize = 24;

fn histogram_bytes(histogram: &Histogram) -> isize {
    let buckets = histogram.positive_buckets.len() + histogram.negative_buckets.len();
    let spans = histogram.positive_spans.len() + histogram.negative_spans.len();
    (size_of::<Histogram>() + 8 * (buckets + spans + histogram.custom_values.len())) as isize
}

fn insert<V: Clone>(column: &mut Column<V>, at: usize, time: i64, value: V, start: i64) {
    if start != 0 && column.starts.is_empty() {
        column.starts.resize(column.times.len(), 0);
    }
    if start != 0 || !column.starts.is_empty() {
        column.starts.insert(at, start);
    }
    column.times.insert(at, time);
    column.values.insert(at, value);
}

#[cfg(test)]
mod tests;
