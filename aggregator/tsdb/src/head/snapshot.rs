//! What a query, or a flush, takes along from a series of the head.

use std::{ops::Range, sync::Arc};

use codec::chunk::ChunkError;
use model::histogram::Histogram;

use super::{
    groups::Shared,
    sealed::{Arena, Chunk, Chunks},
    slabs::View,
    stream,
};
use crate::{
    piece::Piece,
    samples::{Column, Samples},
};

/// Room is made for so many chunks at once; there may be more.
const PIECES_MAX: u32 = 128;

/// What is taken along from series under one hold of the lock.
#[derive(Debug)]
pub(crate) struct Taking {
    /// The range of time that is wanted, both ends included.
    pub(super) start: i64,
    pub(super) end: i64,
    /// Open streams, one behind the other.
    pub(super) streams: Vec<u8>,
}

/// One series' part of it.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(super) chunks: Chunks,
    /// Where the open stream is among all of them.
    pub(super) stream: Range<u32>,
    pub(super) late: Option<Box<Late>>,
}

/// What series have in common that were taken along together. Chunks are not copied: they are kept
/// from going away, even if they are flushed in the meantime.
#[derive(Debug)]
struct Held {
    taking: Taking,
    view: View,
}

/// Makes snapshots of what was taken along.
#[derive(Debug)]
pub(crate) struct Holder(Arc<Held>);

/// The samples of a series at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    held: Arc<Held>,
    chunks: Chunks,
    stream: Range<u32>,
    late: Option<Box<Late>>,
    /// The open frames of the series' group, and which of their columns it is.
    pub(super) frames: Option<(Arc<Shared>, u32)>,
}

/// What few series have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Late {
    pub(super) starts: Box<[(u16, i64)]>,
    pub(super) floats: Column<f64>,
    pub(super) histograms: Column<Arc<Histogram>>,
}

/// The samples that are not sealed yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OpenStream<'a>(&'a [u8]);

impl OpenStream<'_> {
    pub(crate) fn decode(self, times: &mut Vec<i64>, values: &mut Vec<f64>) {
        stream::decode(self.0, times, values);
    }
}

impl Late {
    fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }
}

impl Taking {
    pub(crate) fn new(start: i64, end: i64) -> Self {
        Self { start, end, streams: Vec::new() }
    }

    pub(crate) fn all() -> Self {
        Self::new(i64::MIN, i64::MAX)
    }

    /// Ends taking, before anything else happens to the arena.
    pub(crate) fn hold(self, arena: &Arena) -> Holder {
        Holder(Arc::new(Held { taking: self, view: arena.view().clone() }))
    }
}

impl Taken {
    pub(crate) fn is_empty(&self) -> bool {
        let late = self.late.as_deref().is_none_or(Late::is_empty);
        self.chunks.is_empty() && self.stream.is_empty() && late
    }
}

impl Holder {
    pub(crate) fn snapshot(&self, taken: Taken) -> Snapshot {
        let Taken { chunks, stream, late } = taken;
        Snapshot { held: Arc::clone(&self.0), chunks, stream, late, frames: None }
    }
}

impl Snapshot {
    /// The sealed chunks that overlap the range of time, the newest first.
    fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> {
        let Held { taking, view } = &*self.held;
        self.chunks.overlapping(view, taking.start, taking.end)
    }

    fn stream(&self) -> OpenStream<'_> {
        let Range { start, end } = self.stream;
        let streams = &self.held.taking.streams;
        OpenStream(streams.get(start as usize..end as usize).unwrap_or_default())
    }

    /// Appends the sealed chunks and the frames to `pieces`, the oldest first, and returns the open
    /// stream. `None` when there is something else.
    pub(crate) fn pieces<'a>(&'a self, pieces: &mut Vec<Piece<'a>>) -> Option<OpenStream<'a>> {
        let only_last = |late: &Late| late.is_empty() && late.starts.is_empty();
        if !self.late.as_deref().is_none_or(only_last) {
            return None;
        }
        let first = pieces.len();
        pieces.reserve(self.chunks.len().min(PIECES_MAX) as usize);
        pieces.extend(self.chunks().map(Piece::Sealed));
        pieces.get_mut(first..).unwrap_or_default().reverse();
        pieces.extend(self.frames.iter().map(|(frames, column)| Piece::Open(frames, *column)));
        Some(self.stream())
    }

    /// Appends the samples, unsettled.
    pub(crate) fn decode(&self, out: &mut Samples) -> Result<(), ChunkError> {
        let chunks: Vec<Chunk<'_>> = self.chunks().collect();
        chunks.iter().rev().try_for_each(|chunk| chunk.decode(out))?;
        if let Some((frames, column)) = &self.frames {
            let first = out.floats.len();
            frames.decode(*column, &mut out.floats);
            apply_starts(&mut out.floats, first, &[]);
        }
        let first = out.floats.len();
        self.stream().decode(&mut out.floats.times, &mut out.floats.values);
        let Some(late) = &self.late else {
            apply_starts(&mut out.floats, first, &[]);
            return Ok(());
        };
        apply_starts(&mut out.floats, first, &late.starts);
        for (index, time) in late.floats.times.iter().enumerate() {
            out.floats.push(*time, late.floats.values[index], late.floats.start(index));
        }
        for (index, time) in late.histograms.times.iter().enumerate() {
            let value = Arc::clone(&late.histograms.values[index]);
            out.histograms.push(*time, value, late.histograms.start(index));
        }
        Ok(())
    }
}

/// Gives the samples of a column from `first` on the start timestamps of a stream.
pub(super) fn apply_starts(column: &mut Column<f64>, first: usize, starts: &[(u16, i64)]) {
    if starts.iter().all(|(_, start)| *start == 0) {
        if !column.starts.is_empty() {
            column.starts.resize(column.times.len(), 0);
        }
        return;
    }
    column.starts.resize(column.times.len(), 0);
    for (from, start) in starts {
        let from = first + usize::from(*from);
        column.starts.get_mut(from..).unwrap_or_default().fill(*start);
    }
}
