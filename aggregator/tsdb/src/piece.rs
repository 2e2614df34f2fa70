//! Chunks of one series from wherever they are, in order of time, for series that share their
//! columns of times: then only values have to be decoded.

use std::sync::Arc;

use model::query::TimesSource;

use crate::{
    block::index::{BlockSeries, ChunkTimes},
    chunk,
    head::sealed::Times,
};

/// A chunk and its column of times.
pub(crate) enum Piece<'a> {
    /// Of the head, with its payload.
    Sealed(&'a Arc<Times>, &'a [u8]),
    /// Of a block, with its place among the chunks of the series.
    Stored(&'a BlockSeries, usize, ChunkTimes<'a>),
}

impl Piece<'_> {
    /// First and last time.
    pub(crate) fn span(&self) -> (i64, i64) {
        match self {
            Self::Sealed(times, _) => (times.min, times.max),
            Self::Stored(.., times) => (times.min, times.max),
        }
    }

    /// How many samples there are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Sealed(times, _) => usize::from(times.count),
            Self::Stored(.., times) => times.count,
        }
    }

    pub(crate) fn source(&self) -> TimesSource {
        match self {
            Self::Sealed(times, _) => TimesSource::new(Arc::<Times>::clone(times), 0),
            Self::Stored(.., times) => times.source(),
        }
    }

    pub(crate) fn has_source(&self, source: &TimesSource) -> bool {
        match self {
            Self::Sealed(times, _) => source.is(times, 0),
            Self::Stored(.., times) => times.has_source(source),
        }
    }

    /// Appends the values if they are floats without start timestamps and can be read.
    pub(crate) fn decode_plain(&self, values: &mut Vec<f64>) -> bool {
        match self {
            Self::Sealed(times, payload) => {
                chunk::decode_plain(payload, usize::from(times.count), values)
            }
            Self::Stored(series, place, _) => series.decode_plain(*place, values),
        }
    }
}
