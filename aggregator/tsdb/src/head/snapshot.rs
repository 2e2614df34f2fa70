//! What a query, or a flush, takes along from a series of the head.

use std::sync::Arc;

use codec::chunk::ChunkError;
use model::histogram::Histogram;

use super::{groups::Shared, sealed::Times, stream};
use crate::{
    piece::Piece,
    samples::{Column, Samples},
};

/// The samples of a series at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// Sealed chunks, one after the other, then the stream.
    pub(super) bytes: Box<[u8]>,
    /// Times of each chunk, and where it ends.
    pub(super) chunks: Box<[(Arc<Times>, u32)]>,
    pub(super) late: Option<Box<Late>>,
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

impl Snapshot {
    pub(crate) fn is_empty(&self) -> bool {
        let late = self.late.as_deref().is_none_or(Late::is_empty);
        self.bytes.is_empty() && self.frames.is_none() && late
    }

    /// Appends the sealed chunks to `pieces` and returns the open stream. `None` when there is
    /// something else.
    pub(crate) fn pieces<'a>(&'a self, pieces: &mut Vec<Piece<'a>>) -> Option<OpenStream<'a>> {
        let only_last = |late: &Late| late.is_empty() && late.starts.is_empty();
        if self.frames.is_some() || !self.late.as_deref().is_none_or(only_last) {
            return None;
        }
        let mut at = 0;
        for (times, end) in &self.chunks {
            let end = *end as usize;
            pieces.push(Piece::Sealed(times, self.bytes.get(at..end).unwrap_or_default()));
            at = end;
        }
        Some(OpenStream(self.bytes.get(at..).unwrap_or_default()))
    }

    /// Appends the samples, unsettled.
    pub(crate) fn decode(&self, out: &mut Samples) -> Result<(), ChunkError> {
        let mut at = 0;
        for (times, end) in &self.chunks {
            let end = *end as usize;
            times.decode(self.bytes.get(at..end).unwrap_or_default(), out)?;
            at = end;
        }
        if let Some((frames, column)) = &self.frames {
            let first = out.floats.len();
            frames.decode(*column, &mut out.floats);
            apply_starts(&mut out.floats, first, &[]);
        }
        let first = out.floats.len();
        let stream = self.bytes.get(at..).unwrap_or_default();
        stream::decode(stream, &mut out.floats.times, &mut out.floats.values);
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
