//! Changing which blocks there are: merging, expiring, deleting, repairing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use model::{matcher::Matcher, tenant::TenantId, time::Timestamp};

use super::{
    Inner,
    blocks::{DAMAGED_DIR, Shelf},
    maintenance::Maintenance,
};
use crate::{
    block::{BlockError, BlockId, reader::Block, writer::BlockPlan},
    compact::{Dropped, Merged, merge},
    manifest::{Manifest, Tombstone, WriteError},
    outcome::StoreError,
    plan::{Merge, deleted_from, next_merge},
    stats::MaintenanceStats,
    wal::record::{self, Owner, Writer},
    window::{Window, class_of, longest_class},
};

/// Deletions that may wait for blocks to be rewritten: the manifest holds them all, and every query of
/// their tenants applies them. Of each tenant so many do not count, so that however many others
/// have, there is room for its own.
const TOMBSTONES_MAX: usize = 1000;
const TOMBSTONES_PER_TENANT_FREE: usize = 10;
/// Those of one tenant. From so many on, rewriting goes before merging.
const TOMBSTONES_PER_TENANT_MAX: usize = TOMBSTONES_MAX / 4;
/// Most damaged places of a merge that are told one by one.
const LOSSES_TOLD_MAX: usize = 100;

/// Whether more deletions, one for each time that a tenant is named, may all wait.
pub(super) fn check_deletions<'t>(
    shelf: &Shelf,
    more: impl IntoIterator<Item = &'t TenantId>,
) -> Result<(), StoreError> {
    let mut by_tenant: BTreeMap<&TenantId, (usize, usize)> = BTreeMap::new();
    for tombstone in &shelf.manifest.tombstones {
        by_tenant.entry(&tombstone.tenant).or_default().0 += 1;
    }
    for tenant in more {
        by_tenant.entry(tenant).or_default().1 += 1;
    }
    let counted = |count: usize| count.saturating_sub(TOMBSTONES_PER_TENANT_FREE);
    let all: usize = by_tenant.values().map(|(waiting, more)| counted(waiting + more)).sum();
    for (waiting, more) in by_tenant.values().filter(|(_, more)| *more > 0) {
        if waiting + more > TOMBSTONES_PER_TENANT_MAX {
            return Err(StoreError::DeletionsWaiting { limit: TOMBSTONES_PER_TENANT_MAX });
        }
        if counted(waiting + more) > 0 && all > TOMBSTONES_MAX {
            return Err(StoreError::DeletionsWaiting { limit: TOMBSTONES_MAX });
        }
    }
    Ok(())
}

impl Inner {
    /// Writes a new manifest and shows queries what it says.
    pub(super) fn change(
        &self,
        shelf: &mut Shelf,
        manifest: Manifest,
        added: Vec<Arc<Block>>,
    ) -> Result<(), StoreError> {
        match manifest.write(&*self.disk, &self.dir) {
            Ok(()) => {}
            Err(WriteError::Unchanged(error)) => {
                for block in added {
                    drop(self.disk.remove(&self.blocks.dir.join(block.id().file_name())));
                }
                return Err(StoreError::io("write the manifest", &error));
            }
            // Both the old blocks and the new ones stay: either manifest finds its own.
            Err(WriteError::Unknown(error)) => {
                return Err(StoreError::io("replace the manifest", &error));
            }
        }
        shelf.manifest = manifest;
        self.blocks.install(shelf, added);
        Ok(())
    }

    /// The time against which samples expire: `now`, but not long after the newest sample, so that
    /// a clock that jumps ahead does not cost the data of years.
    fn horizon(&self, now: Timestamp) -> Timestamp {
        const AHEAD_MAX: i64 = 24 * 3600 * 1000;
        let head = self.head.all().into_iter().map(|partition| partition.data().newest);
        let current = self.blocks.current();
        let blocks = current.blocks.iter().map(|block| block.footer.max);
        let newest = head.chain(blocks).max().unwrap_or(0);
        Timestamp(now.0.min(newest.saturating_add(AHEAD_MAX)))
    }

    /// Drops blocks whose samples are all older than the retention.
    pub(super) fn expire(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let by_clock = now.saturating_sub(self.options.retention).0;
        let current = self.blocks.current();
        if current.blocks.iter().all(|block| block.footer.max >= by_clock) {
            return Ok(());
        }
        let oldest = self.horizon(now).saturating_sub(self.options.retention).0;
        let expired = current.blocks.iter().filter(|block| block.footer.max < oldest);
        let expired: Vec<BlockId> = expired.map(|block| block.id()).collect();
        if expired.is_empty() {
            return Ok(());
        }
        self.remove_blocks(&mut maintenance.shelf, &expired, Vec::new())?;
        stats.blocks_expired += expired.len() as u64;
        Ok(())
    }

    /// Takes blocks out of the store, puts others in, and removes the files.
    fn remove_blocks(
        &self,
        shelf: &mut Shelf,
        removed: &[BlockId],
        added: Vec<Arc<Block>>,
    ) -> Result<(), StoreError> {
        let mut next = Shelf { manifest: shelf.manifest.clone() };
        next.manifest.blocks.retain(|block| !removed.contains(block));
        next.manifest.blocks.extend(added.iter().map(|block| block.id()));
        next.drop_tombstones(&self.blocks.current());
        self.change(shelf, next.manifest, added)?;
        for block in removed {
            // What cannot be removed now is removed when the store is opened.
            drop(self.disk.remove(&self.blocks.dir.join(block.file_name())));
        }
        Ok(())
    }

    pub(super) fn merge_if_due(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let longest = longest_class(self.options.retention);
        let candidates = self.blocks.candidates();
        let is_pressing = maintenance.shelf.manifest.tombstones.len() >= TOMBSTONES_PER_TENANT_MAX;
        let rewritten = if is_pressing { deleted_from(&candidates) } else { None };
        let Some(due) = rewritten.or_else(|| next_merge(&candidates, now.0, longest)) else {
            return Ok(());
        };
        self.merge(&mut maintenance.shelf, &due, now, stats)
    }

    /// Rewrites all blocks that deletions concern.
    pub(super) fn clean(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut stats = MaintenanceStats::default();
        // Each round leaves one block less to do.
        while let Some(due) = deleted_from(&self.blocks.candidates()) {
            self.merge(&mut maintenance.shelf, &due, now, &mut stats)?;
        }
        Ok(stats.blocks_compacted)
    }

    /// Notes deletions in all blocks that there are, all or none of them. The blocks are rewritten by
    /// and by.
    pub(super) fn entomb(
        &self,
        maintenance: &mut Maintenance,
        deletions: &[(TenantId, Vec<Matcher>)],
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let mut manifest = maintenance.shelf.manifest.clone();
        let Some(until) = manifest.blocks.iter().max().copied() else { return Ok(()) };
        let (start, end) = (start.0, end.0);
        let current = self.blocks.current();
        let mut noted: Vec<Tombstone> = deletions
            .iter()
            .cloned()
            .map(|(tenant, matchers)| Tombstone { tenant, matchers, start, end, until })
            .collect();
        noted.retain(|tombstone| {
            manifest.blocks.iter().any(|block| current.may_concern(tombstone, *block))
        });
        if noted.is_empty() {
            return Ok(());
        }
        let tenants: BTreeSet<TenantId> = noted.iter().map(|one| one.tenant.clone()).collect();
        manifest.tombstones.append(&mut noted);
        self.change(&mut maintenance.shelf, manifest, Vec::new())?;
        for partition in tenants.iter().filter_map(|tenant| self.head.get(tenant)) {
            partition.forget_last();
        }
        Ok(())
    }

    /// Takes a tenant out of the head, durably.
    pub(super) fn forget_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        if let Some(removed) = self.head.remove(tenant) {
            let mut writer = Writer::default();
            writer.begin(Owner { run: self.run, tenant: removed.number });
            // The name too, for a log that has not told it yet.
            writer.tenant(tenant.as_str());
            self.wal.submit(|frames| {
                frames.push(record::TENANT, writer.bytes());
                frames.push(record::TENANT_DELETED, writer.bytes());
            });
        }
        // Also when there was nothing: an earlier deletion may still wait to be written.
        self.wal.commit_all().map_err(|error| StoreError::wal("write the log", &error))
    }

    /// Rewrites a block in which a query has met damage, without what is damaged.
    pub(super) fn repair(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let Some(id) = crate::sync::lock(&self.suspects).pop_first() else { return Ok(()) };
        let current = self.blocks.current();
        let Some(block) = current.blocks.iter().find(|block| block.id() == id) else {
            return Ok(());
        };
        let class = class_of(block.footer.min, block.footer.max).unwrap_or(usize::MAX);
        let window = Window::of(block.footer.min, class);
        self.merge(&mut maintenance.shelf, &Merge { blocks: vec![id], window }, now, stats)
    }

    fn merge(
        &self,
        shelf: &mut Shelf,
        due: &Merge,
        now: Timestamp,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let current = self.blocks.current();
        let chosen = current.blocks.iter().filter(|block| due.blocks.contains(&block.id()));
        let sources: Vec<Arc<Block>> = chosen.cloned().collect();
        let id = BlockId(shelf.manifest.next_block);
        shelf.manifest.next_block += 1;
        let level = sources.iter().map(|block| block.footer.level).max().unwrap_or(0);
        let plan = BlockPlan {
            id,
            start: due.window.start,
            end: due.window.end,
            level: level.saturating_add(1),
            sources: due.blocks.clone(),
        };
        let horizon = self.horizon(now);
        let oldest = |tenant: &TenantId| self.oldest_of(tenant, horizon);
        let dropped = Dropped { tombstones: &current.tombstones, oldest: &oldest };
        let Merged { block, losses } =
            merge(&self.disk, &self.blocks.dir, &sources, plan, dropped)?;
        let added = self.blocks.publish(&*self.disk, block.as_slice())?;
        if !losses.is_empty() {
            self.set_aside(&losses, stats)?;
        }
        stats.blocks_written += added.len() as u64;
        self.remove_blocks(shelf, &due.blocks, added)?;
        stats.blocks_compacted += due.blocks.len() as u64;
        Ok(())
    }

    /// Keeps a second name of damaged blocks that are about to be replaced, for whoever wants to
    /// look into them.
    fn set_aside(
        &self,
        losses: &[BlockError],
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let dir = self.dir.join(DAMAGED_DIR);
        let failed = |error: std::io::Error| StoreError::io("set a damaged block aside", &error);
        self.disk.create_dir_all(&dir).map_err(failed)?;
        // One damaged page concerns many chunks.
        let mut told: BTreeMap<String, u64> = BTreeMap::new();
        losses.iter().for_each(|loss| *told.entry(loss.to_string()).or_default() += 1);
        let told =
            told.iter().map(|(loss, count)| format!("lost in compaction: {loss} ({count} times)"));
        stats.errors.extend(told.take(LOSSES_TOLD_MAX));
        let blocks: BTreeSet<BlockId> = losses.iter().map(BlockError::block).collect();
        for block in blocks {
            let name = block.file_name();
            match self.disk.hard_link(&self.blocks.dir.join(&name), &dir.join(&name)) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                other => other.map_err(failed)?,
            }
        }
        self.disk.sync_dir(&dir).map_err(failed)
    }

    /// The oldest sample that a tenant may keep.
    pub(super) fn oldest_of(&self, tenant: &TenantId, now: Timestamp) -> i64 {
        let own = self.head.limits(tenant).retention;
        let retention = own.map_or(self.options.retention, |own| own.min(self.options.retention));
        now.saturating_sub(retention).0
    }
}
