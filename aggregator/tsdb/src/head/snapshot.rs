//! What a query takes along from a series of the head.

use std::sync::Arc;

use codec::chunk::ChunkError;
use model::histogram::Histogram;

use super::{sealed::Sealed, stream};
use crate::samples::{Column, Samples};

/// The samples of a series at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(super) sealed: Vec<Sealed>,
    pub(super) stream: Box<[u8]>,
    pub(super) late: Option<Box<Late>>,
}

/// What few series have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Late {
    pub(super) starts: Box<[(u16, i64)]>,
    pub(super) floats: Column<f64>,
    pub(super) histograms: Column<Arc<Histogram>>,
}

impl Snapshot {
    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty()
            && self.stream.is_empty()
            && self
                .late
                .as_ref()
                .is_none_or(|late| late.floats.is_empty() && late.histograms.is_empty())
    }

    /// Appends the samples, unsettled.
    pub(crate) fn decode(&self, out: &mut Samples) -> Result<(), ChunkError> {
        for sealed in &self.sealed {
            sealed.decode(out)?;
        }
        let first = out.floats.len();
        stream::decode(&self.stream, &mut out.floats.times, &mut out.floats.values);
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
