//! Decoding series one after the other, of which many have the same times.

use std::{any::Any, sync::Arc};

use super::QueryError;
use crate::columns::Columns;

/// Where a stretch of times came from. Equal sources have equal times: what a source points to
/// stays alive and unchanged while it is held.
#[derive(Clone, Debug)]
pub struct TimesSource {
    holder: Arc<dyn Any + Send + Sync>,
    place: usize,
}

impl TimesSource {
    pub fn new(holder: Arc<dyn Any + Send + Sync>, place: usize) -> Self {
        Self { holder, place }
    }

    /// Whether this is the stretch in a place of a holder.
    pub fn is<T>(&self, holder: &Arc<T>, place: usize) -> bool {
        self.place == place && std::ptr::addr_eq(Arc::as_ptr(&self.holder), Arc::as_ptr(holder))
    }
}

/// The samples of the series decoded last.
#[derive(Debug, Default)]
pub struct Decoder {
    columns: Columns,
    /// Memory for times, those of the series before.
    spare: Vec<i64>,
    version: u64,
    sources: Vec<TimesSource>,
}

impl Decoder {
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The samples, to be changed or taken away. The next series counts as one with other times.
    pub fn columns_mut(&mut self) -> &mut Columns {
        self.version += 1;
        self.sources.clear();
        &mut self.columns
    }

    /// A number that is the same for series in a row that have the same times.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where the times came from, in order, as far as the store has told; there may be more times
    /// behind them. Empty when nothing is known.
    pub fn sources(&self) -> &[TimesSource] {
        &self.sources
    }

    /// Replaces the samples by what `decode` appends to the columns, which it finds empty.
    pub fn replace(
        &mut self,
        decode: impl FnOnce(&mut Columns) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        self.sources.clear();
        std::mem::swap(&mut self.columns.times, &mut self.spare);
        self.columns.clear();
        let decoded = decode(&mut self.columns);
        if decoded.is_err() || self.columns.times != self.spare {
            self.version += 1;
        }
        decoded
    }

    /// Says where the times of the columns came from.
    pub fn set_sources(&mut self, sources: impl Iterator<Item = TimesSource>) {
        self.sources.clear();
        self.sources.extend(sources);
    }

    /// Replaces the samples but for the times, of which the first `kept` stay and those that
    /// `decode` puts into its second argument follow. It appends all values to the first. When it
    /// finds that it cannot, there are no samples.
    pub fn replace_values(
        &mut self,
        kept: usize,
        decode: impl FnOnce(&mut Vec<f64>, &mut Vec<i64>) -> bool,
    ) -> bool {
        let columns = &mut self.columns;
        columns.values.clear();
        columns.histograms.clear();
        columns.starts.clear();
        self.spare.clear();
        let decoded = decode(&mut columns.values, &mut self.spare);
        if columns.times.get(kept..) != Some(self.spare.as_slice()) {
            self.version += 1;
            columns.times.truncate(kept);
            columns.times.append(&mut self.spare);
        }
        let whole = decoded && columns.times.len() == columns.values.len();
        if !whole {
            self.columns_mut().clear();
        }
        whole
    }
}

#[cfg(test)]
mod tests;
