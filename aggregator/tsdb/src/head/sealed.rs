//! Sealed chunks of the head: typed, compressed, shared with whoever reads them.

use std::sync::Arc;

use codec::chunk::{ChunkError, Scratch};
use model::histogram::Histogram;

use crate::{
    chunk,
    samples::{Column, Samples},
};

/// Columns of times that are remembered for series that have the same.
const COLUMNS_KEPT: usize = 16;

/// Times of a sealed chunk, shared between series.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) count: u16,
    pub(crate) bytes: Box<[u8]>,
}

/// A chunk of samples in memory.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) times: Arc<Times>,
    pub(crate) payload: Arc<[u8]>,
    /// Memory in bytes that came with it, the times included if it brought them.
    pub(crate) heap_bytes: u32,
}

impl Sealed {
    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        self.times.min <= end && self.times.max >= start
    }

    pub(crate) fn decode(&self, out: &mut Samples) -> Result<(), ChunkError> {
        let mut times = Vec::new();
        codec::chunk::decode_times(&self.times.bytes, usize::from(self.times.count), &mut times)?;
        chunk::decode(&times, &self.payload, out)
    }
}

/// What a sealing thread reuses, and the columns of times it has seen last.
#[derive(Debug, Default)]
pub(crate) struct Sealer {
    scratch: Scratch,
    pub(super) floats: Column<f64>,
    pub(super) histograms: Column<Arc<Histogram>>,
    bytes: Vec<u8>,
    columns: Vec<Arc<Times>>,
    next_column: usize,
    /// By how much the memory of samples has grown since this was last taken, in bytes.
    pub(crate) grown: isize,
}

impl Sealer {
    fn times(&mut self, times: &[i64]) -> Result<(Arc<Times>, usize), ChunkError> {
        self.bytes.clear();
        codec::chunk::encode_times(times, &mut self.bytes, &mut self.scratch)?;
        let (min, max) = (times.first().copied(), times.last().copied());
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or_default());
        let known = self
            .columns
            .iter()
            .find(|known| known.min == min && known.max == max && *known.bytes == *self.bytes);
        if let Some(known) = known {
            return Ok((Arc::clone(known), 0));
        }
        let count = times.len() as u16;
        let times = Arc::new(Times { min, max, count, bytes: self.bytes.as_slice().into() });
        if self.columns.len() < COLUMNS_KEPT {
            self.columns.push(Arc::clone(&times));
        } else {
            self.columns[self.next_column] = Arc::clone(&times);
            self.next_column = (self.next_column + 1) % COLUMNS_KEPT;
        }
        Ok((times, self.bytes.len() + size_of::<Times>()))
    }

    pub(super) fn seal_floats(&mut self) -> Result<Sealed, ChunkError> {
        let column = std::mem::take(&mut self.floats);
        let times = self.times(&column.times);
        self.bytes.clear();
        let encoded = chunk::encode_floats(&column, &mut self.bytes, &mut self.scratch);
        self.floats = column;
        encoded?;
        Ok(self.sealed(times?))
    }

    pub(super) fn seal_histograms(&mut self) -> Result<Sealed, ChunkError> {
        let column = std::mem::take(&mut self.histograms);
        let times = self.times(&column.times);
        self.bytes.clear();
        let encoded = chunk::encode_histograms(&column, &mut self.bytes, &mut self.scratch);
        self.histograms = column;
        encoded?;
        Ok(self.sealed(times?))
    }

    fn sealed(&mut self, (times, times_bytes): (Arc<Times>, usize)) -> Sealed {
        let payload: Arc<[u8]> = self.bytes.as_slice().into();
        let heap_bytes = times_bytes + payload.len() + ARC_BYTES + size_of::<Sealed>();
        self.grown += heap_bytes as isize;
        Sealed { times, payload, heap_bytes: heap_bytes as u32 }
    }
}

/// What a shared allocation takes beside its content, in bytes.
const ARC_BYTES: usize = 16;
