//! Writing the head to blocks.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use disk::Disk;
use model::{labels::Labels, time::Timestamp};

use crate::{
    block::{
        BlockId,
        writer::{BlockPlan, BlockWriter, Finished},
    },
    head::{partition::Partition, sealed::Sealer, snapshot::Snapshot},
    outcome::StoreError,
    samples::Samples,
    window::{Window, flush_window},
};

/// Series that are sealed under one hold of their tenant's lock.
const SLICE_SERIES: usize = 256;

/// Blocks that are complete, and the series whose samples are in them.
#[derive(Debug)]
pub(crate) struct Flushed {
    pub(crate) blocks: Vec<Finished>,
    /// By partition, the series to be told once the blocks can be read.
    pub(crate) series: Vec<(Arc<Partition>, Vec<u32>)>,
    pub(crate) samples: u64,
}

/// Where and how blocks are written.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) disk: &'a Arc<dyn Disk>,
    pub(crate) dir: &'a Path,
    pub(crate) now: Timestamp,
    /// The longest class of windows in use.
    pub(crate) longest: usize,
}

/// Blocks being written, by window.
struct Writers<'a> {
    target: Target<'a>,
    open: BTreeMap<Window, BlockWriter>,
    next: &'a mut u64,
    part: Samples,
}

/// Writes all samples that the partitions hold. They stay readable in the head.
pub(crate) fn flush(
    target: Target<'_>,
    partitions: Vec<Arc<Partition>>,
    next_block: &mut u64,
) -> Result<Flushed, StoreError> {
    let mut writers =
        Writers { target, open: BTreeMap::new(), next: next_block, part: Samples::default() };
    let mut series = Vec::new();
    let mut samples = 0;
    for partition in partitions {
        match writers.partition(&partition) {
            Ok((order, count)) => {
                samples += count;
                series.push((partition, order));
            }
            Err(error) => {
                writers.open.into_values().for_each(BlockWriter::abandon);
                return Err(error);
            }
        }
    }
    let blocks = finish_all(writers.open)?;
    Ok(Flushed { blocks, series, samples })
}

fn finish_all(writers: BTreeMap<Window, BlockWriter>) -> Result<Vec<Finished>, StoreError> {
    let mut finished: Vec<Finished> = Vec::new();
    let mut failure = None;
    for writer in writers.into_values() {
        if failure.is_some() {
            writer.abandon();
            continue;
        }
        match writer.finish() {
            Ok(block) => finished.push(block),
            Err(error) => failure = Some(StoreError::io("write a block", &error)),
        }
    }
    match failure {
        None => Ok(finished),
        Some(error) => {
            finished.into_iter().for_each(Finished::abandon);
            Err(error)
        }
    }
}

impl Writers<'_> {
    /// Writes one tenant. Returns its series in the order in which they were written, and how
    /// many samples there were.
    fn partition(&mut self, partition: &Partition) -> Result<(Vec<u32>, u64), StoreError> {
        let mut sealer = Sealer::default();
        // Frames that come from now on are in the log's new epoch.
        partition.seal_groups(&mut sealer);
        let order = partition.in_order();
        let mut count = 0;
        for slice in order.chunks(SLICE_SERIES) {
            for (labels, frozen) in partition.freeze(slice, &mut sealer) {
                count += self.series(partition, &labels, &frozen)?;
            }
        }
        Ok((order, count))
    }

    fn series(
        &mut self,
        partition: &Partition,
        labels: &Labels,
        frozen: &Snapshot,
    ) -> Result<u64, StoreError> {
        let mut samples = Samples::default();
        frozen
            .decode(&mut samples)
            .map_err(|error| StoreError::Damaged(format!("{labels} in memory: {error}")))?;
        samples.settle();
        let count = samples.len() as u64;
        while let Some(first) = samples.first_time() {
            let window = flush_window(first, self.target.now.0, self.target.longest);
            let mut part = std::mem::take(&mut self.part);
            samples.split_before(window.end, &mut part);
            let written = self
                .writer(window)
                .and_then(|writer| writer.push(&partition.tenant, labels, &part))
                .map_err(|error| StoreError::io("write a block", &error));
            self.part = part;
            written?;
        }
        Ok(count)
    }

    fn writer(&mut self, window: Window) -> std::io::Result<&mut BlockWriter> {
        match self.open.entry(window) {
            std::collections::btree_map::Entry::Occupied(found) => Ok(found.into_mut()),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let plan = BlockPlan {
                    id: BlockId(*self.next),
                    start: window.start,
                    end: window.end,
                    level: 0,
                    sources: Vec::new(),
                };
                *self.next += 1;
                Ok(vacant.insert(BlockWriter::create(self.target.disk, self.target.dir, plan)?))
            }
        }
    }
}
