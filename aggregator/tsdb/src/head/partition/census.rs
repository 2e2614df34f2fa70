//! Counting what a tenant has in memory, a slice at a time.

use model::query::QueryError;

use super::{Partition, SLICE_SERIES};
use crate::{
    cardinality::{Cardinality, Census},
    sync::read,
};

/// Pairs of labels that are counted under one hold of the lock.
const SLICE_PAIRS: usize = 16 * 1024;

impl Partition {
    /// Counts series by their labels, and chunks. `stop` is asked between two slices.
    pub(crate) fn cardinality(
        &self,
        limit: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Cardinality, QueryError> {
        let mut census = Census::new(limit);
        let mut next = 0;
        loop {
            if stop() {
                return Err(QueryError::Cancelled);
            }
            let index = read(&self.index);
            index.count_pairs(next..next + SLICE_PAIRS, &mut census);
            next += SLICE_PAIRS;
            if next >= index.pair_numbers() {
                index.count_names(&mut census);
                break;
            }
        }
        self.count_chunks(&mut census, stop)?;
        Ok(census.finish())
    }

    fn count_chunks(&self, census: &mut Census, stop: &dyn Fn() -> bool) -> Result<(), QueryError> {
        let all: Vec<u32> = read(&self.index).all().into_iter().collect();
        for slice in all.chunks(SLICE_SERIES) {
            if stop() {
                return Err(QueryError::Cancelled);
            }
            let data = self.data();
            for number in slice {
                if let Some(series) = data.table.get(*number) {
                    series.count_open(&data.arena, census);
                }
            }
        }
        let mut next = 0;
        loop {
            let data = self.data();
            data.arena.count_sealed(next..next + SLICE_PAIRS, census);
            next += SLICE_PAIRS;
            if next >= data.arena.columns() {
                data.groups.count_open(census);
                return Ok(());
            }
        }
    }
}
