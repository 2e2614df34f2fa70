//! Merging blocks into one, without what was deleted or has expired.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use disk::Disk;
use model::{labels::Labels, tenant::TenantId};

use crate::{
    block::{
        BlockError,
        cursor::Cursor,
        index::BlockSeries,
        reader::Block,
        writer::{BlockPlan, BlockWriter, Finished},
    },
    manifest::Tombstone,
    outcome::StoreError,
    samples::Samples,
};

/// What a merge gave.
#[derive(Debug)]
pub(crate) struct Merged {
    /// `None` when nothing is left.
    pub(crate) block: Option<Finished>,
    /// What could not be read of the sources and is missing from the result.
    pub(crate) losses: Vec<BlockError>,
}

/// What is not to be kept.
#[derive(Clone, Copy)]
pub(crate) struct Dropped<'a> {
    pub(crate) tombstones: &'a [Tombstone],
    /// Older samples of a tenant have expired.
    pub(crate) oldest: &'a dyn Fn(&TenantId) -> i64,
}

/// Merges blocks. Damaged parts are left out and reported; the sources are not touched.
pub(crate) fn merge(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    sources: &[Arc<Block>],
    plan: BlockPlan,
    dropped: Dropped<'_>,
) -> Result<Merged, StoreError> {
    let failed = |error: std::io::Error| StoreError::io("write a block", &error);
    let mut writer = BlockWriter::create(disk, dir, plan).map_err(failed)?;
    let mut losses = Vec::new();
    let tenants = sources.iter().flat_map(|block| &block.tenants);
    let tenants: BTreeSet<&TenantId> = tenants.map(|entry| &entry.tenant).collect();
    for tenant in tenants {
        let merged = merge_tenant(sources, tenant, &mut writer, dropped, &mut losses);
        if let Err(error) = merged {
            writer.abandon();
            return Err(error);
        }
    }
    let finished = writer.finish().map_err(failed)?;
    if finished.footer.series == 0 {
        finished.abandon();
        return Ok(Merged { block: None, losses });
    }
    Ok(Merged { block: Some(finished), losses })
}

fn merge_tenant(
    sources: &[Arc<Block>],
    tenant: &TenantId,
    writer: &mut BlockWriter,
    dropped: Dropped<'_>,
    losses: &mut Vec<BlockError>,
) -> Result<(), StoreError> {
    let oldest = (dropped.oldest)(tenant);
    let mut cursors = Vec::new();
    for block in sources {
        match Cursor::open(block, tenant) {
            Ok(Some(cursor)) => {
                let applying: Vec<&Tombstone> = dropped
                    .tombstones
                    .iter()
                    .filter(|tombstone| tombstone.applies_to(tenant, block.id()))
                    .collect();
                cursors.push((cursor, applying));
            }
            Ok(None) => {}
            Err(error) => lose(losses, error)?,
        }
    }
    let mut samples = Samples::default();
    let mut part = Samples::default();
    loop {
        for (cursor, _) in &mut cursors {
            while let Err(error) = cursor.fill() {
                lose(losses, error)?;
            }
        }
        let least = cursors.iter().filter_map(|(cursor, _)| cursor.peek()).min().cloned();
        let Some(labels) = least else { return Ok(()) };
        samples.clear();
        for (cursor, tombstones) in &mut cursors {
            if cursor.peek() != Some(&labels) {
                continue;
            }
            if let Some((_, series)) = cursor.next() {
                read(&series, &labels, tombstones, &mut part, losses)?;
                samples.append(&mut part);
            }
        }
        samples.settle();
        samples.retain(|time| time >= oldest);
        writer
            .push(tenant, &labels, &samples)
            .map_err(|error| StoreError::io("write a block", &error))?;
    }
}

/// Reads what is left of one series in one block.
fn read(
    series: &BlockSeries,
    labels: &Labels,
    tombstones: &[&Tombstone],
    part: &mut Samples,
    losses: &mut Vec<BlockError>,
) -> Result<(), StoreError> {
    part.clear();
    if let Err(error) = series.decode_readable(part, &mut |error| losses.push(error)) {
        return lose(losses, error);
    }
    for tombstone in tombstones.iter().filter(|tombstone| tombstone.matches(labels)) {
        part.retain(|time| time < tombstone.start || time > tombstone.end);
    }
    Ok(())
}

/// Damage is noted and left behind. What cannot be read for other reasons may be readable later.
fn lose(losses: &mut Vec<BlockError>, error: BlockError) -> Result<(), StoreError> {
    match error {
        BlockError::Io { .. } => {
            Err(StoreError::Io { action: "read a block", message: error.to_string() })
        }
        damaged => {
            losses.push(damaged);
            Ok(())
        }
    }
}
