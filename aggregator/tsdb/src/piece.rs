//! Chunks of one series from wherever they are, in order of time, for series that share their
//! columns of times: then only values have to be decoded.

use std::sync::Arc;

use model::query::TimesSource;

use crate::{
    block::index::{BlockSeries, ChunkTimes},
    head::{
        groups::{Shared, Window},
        sealed::Chunk,
    },
};

/// A chunk and its column of times.
pub(crate) enum Piece<'a> {
    /// Of the head.
    Sealed(Chunk<'a>),
    /// Open frames of a group, and which of their columns.
    Open(&'a Shared, u32),
    /// Of a block, with its place among the chunks of the series.
    Stored(&'a BlockSeries, usize, ChunkTimes<'a>),
}

impl Piece<'_> {
    /// First and last time.
    pub(crate) fn span(&self) -> (i64, i64) {
        match self {
            Self::Sealed(chunk) => (chunk.times.min, chunk.times.max),
            // There are frames, or they would not have been taken along.
            Self::Open(frames, _) => frames.window.ends().unwrap_or_default(),
            Self::Stored(.., times) => (times.min, times.max),
        }
    }

    /// How many samples there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Sealed(chunk) => usize::from(chunk.times.count),
            Self::Open(frames, _) => frames.window.len(),
            Self::Stored(.., times) => times.count,
        }
    }

    pub(crate) fn source(&self) -> TimesSource {
        match self {
            Self::Sealed(chunk) => chunk.times.source(),
            Self::Open(frames, _) => TimesSource::new(Arc::<Window>::clone(&frames.window), 0),
            Self::Stored(.., times) => times.source(),
        }
    }

    pub(crate) fn has_source(&self, source: &TimesSource) -> bool {
        match self {
            Self::Sealed(chunk) => chunk.times.has_source(source),
            Self::Open(frames, _) => source.is(&frames.window, 0),
            Self::Stored(.., times) => times.has_source(source),
        }
    }

    /// Appends the values if they are floats without start timestamps and can be read.
    pub(crate) fn decode_plain(&self, values: &mut Vec<f64>) -> bool {
        match self {
            Self::Sealed(chunk) => chunk.decode_plain(values),
            Self::Open(frames, column) => {
                values.extend_from_slice(frames.values(*column));
                true
            }
            Self::Stored(series, place, _) => series.decode_plain(*place, values),
        }
    }
}
