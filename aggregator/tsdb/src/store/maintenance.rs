//! What a store does beside its users' work: flush, merge, expire, make room.

use std::{sync::Arc, sync::atomic::Ordering};

use model::{
    matcher::Matcher,
    tenant::TenantId,
    time::{Timestamp, millis_of},
};

use super::{
    Inner,
    blocks::{DAMAGED_DIR, Shelf},
    describe,
};
use crate::{
    block::{BlockError, BlockId, reader::Block, writer::BlockPlan},
    compact::{Dropped, Merged, merge},
    flush::{Flushed, Target, flush},
    head::{
        partition::{CarriedOver, Partition},
        sealed::Sealer,
    },
    manifest::{Manifest, Tombstone, WriteError},
    outcome::StoreError,
    plan::{Merge, next_merge},
    stats::MaintenanceStats,
    wal::record::{self, Owner, Writer},
    window::{Window, class_of, longest_class},
};

/// After a failure nothing is tried for so long, in milliseconds.
const RETRY_AFTER: i64 = 30_000;
/// Between two searches for idle series, in milliseconds.
const IDLE_EVERY: i64 = 60_000;
/// A record of what is carried over is closed at this length, in bytes.
const RECORD_BYTES: usize = 1 << 20;

/// What maintenance remembers from call to call.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    pub(super) shelf: Shelf,
    /// When the head was last flushed, or first looked at.
    flushed: Option<i64>,
    searched: i64,
    retry_after: i64,
}

impl Maintenance {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self { shelf, ..Self::default() }
    }
}

impl Inner {
    /// Does what is due.
    pub(super) fn maintain(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
    ) -> MaintenanceStats {
        let mut stats = MaintenanceStats::default();
        self.now.fetch_max(now.0, Ordering::Relaxed);
        self.check_room(&mut stats);
        let tried = self.expire(maintenance, now, &mut stats);
        note(&mut stats, tried);
        if now.0 < maintenance.retry_after && maintenance.retry_after - now.0 <= RETRY_AFTER {
            return stats;
        }
        let tried = self
            .flush_if_due(maintenance, now, &mut stats)
            .and_then(|()| self.repair(maintenance, now, &mut stats))
            .and_then(|()| self.merge_if_due(maintenance, now, &mut stats));
        if tried.is_err() {
            maintenance.retry_after = now.0.saturating_add(RETRY_AFTER);
        }
        note(&mut stats, tried);
        if now.0.saturating_sub(maintenance.searched).abs() >= IDLE_EVERY {
            maintenance.searched = now.0;
            stats.series_dropped += self.forget_idle(now);
        }
        stats
    }

    /// Refuses writes while the disk is nearly full, and tries again what has failed.
    fn check_room(&self, stats: &mut MaintenanceStats) {
        match self.disk.space(&self.dir) {
            Ok(space) => {
                let reserve = self.options.reserve_bytes;
                // Somewhat more than the reserve is wanted back, so as not to flutter.
                let enough = reserve.saturating_add(reserve / 8);
                let was_full = self.full.load(Ordering::Relaxed);
                let full = space.free < if was_full { enough } else { reserve };
                self.full.store(full, Ordering::Relaxed);
            }
            Err(error) => {
                note(stats, Err(StoreError::io("ask for free space", &error)));
            }
        }
        if self.wal.is_failing()
            && let Err(error) = self.wal.commit_all()
        {
            stats.errors.push(describe(&error));
        }
    }

    fn flush_if_due(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let age = millis_of(self.options.head_age_max).max(1);
        let flushed = *maintenance.flushed.get_or_insert(now.0);
        // At even times, so that blocks end where windows do.
        let is_time = now.0.div_euclid(age) != flushed.div_euclid(age);
        let is_long = self.wal.bytes() >= self.options.wal_bytes_max;
        let is_large = || {
            let partitions = self.head.all();
            let bytes: u64 = partitions.iter().map(|partition| partition.sample_bytes()).sum();
            bytes >= self.options.head_bytes_max
        };
        if !is_time && !is_long && !is_large() {
            return Ok(());
        }
        self.flush(maintenance, stats)?;
        maintenance.flushed = Some(now.0);
        Ok(())
    }

    /// Writes the head to blocks and cuts the log.
    pub(super) fn flush(
        &self,
        maintenance: &mut Maintenance,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let wal_failed = |error| StoreError::wal("write the log", &error);
        let segment = self.wal.rotate().map_err(wal_failed)?;
        let partitions = self.head.all();
        partitions.iter().for_each(|partition| self.carry_over(partition));
        self.wal.commit_all().map_err(wal_failed)?;
        let target = Target {
            disk: &self.disk,
            dir: &self.blocks.dir,
            now: Timestamp(self.now.load(Ordering::Relaxed)),
            longest: longest_class(self.options.retention),
        };
        let mut manifest = maintenance.shelf.manifest.clone();
        let flushed = flush(target, partitions, &mut manifest.next_block);
        // Numbers are not used twice, even by blocks that were never finished.
        maintenance.shelf.manifest.next_block = manifest.next_block;
        let Flushed { blocks, series, samples } = flushed?;
        let published = self.blocks.publish(&*self.disk, &blocks);
        let opened = match published {
            Ok(opened) => opened,
            Err(error) => {
                blocks.into_iter().for_each(|block| block.abandon());
                return Err(error);
            }
        };
        manifest.blocks.extend(blocks.iter().map(|block| block.footer.id));
        manifest.wal_first = segment;
        self.change(&mut maintenance.shelf, manifest, opened)?;
        let mut sealer = Sealer::default();
        for (partition, series) in series {
            partition.drop_flushed(&series, &mut sealer);
        }
        stats.flushed_samples += samples;
        stats.blocks_written += blocks.len() as u64;
        stats.wal_segments_removed += self.wal.remove_before(segment).map_err(wal_failed)? as u64;
        Ok(())
    }

    /// Writes again what blocks do not hold and the log is about to lose.
    fn carry_over(&self, partition: &Partition) {
        let CarriedOver { exemplars, metadata } = partition.carried_over();
        if exemplars.is_empty() && metadata.is_empty() {
            return;
        }
        let owner = Owner { run: self.run, tenant: partition.number };
        let mut writer = Writer::default();
        let submit = |kind: u8, writer: &mut Writer| {
            if !writer.is_empty() {
                self.wal.submit(|frames| frames.push(kind, writer.bytes()));
            }
            writer.begin(owner);
        };
        writer.begin(owner);
        writer.tenant(partition.tenant.as_str());
        submit(record::TENANT, &mut writer);
        for (series, labels, _) in &exemplars {
            writer.series(*series, labels.as_bytes());
            if writer.bytes().len() >= RECORD_BYTES {
                submit(record::SERIES, &mut writer);
            }
        }
        submit(record::SERIES, &mut writer);
        for (series, _, exemplar) in &exemplars {
            writer.exemplar(*series, exemplar);
            if writer.bytes().len() >= RECORD_BYTES {
                submit(record::EXEMPLARS, &mut writer);
            }
        }
        submit(record::EXEMPLARS, &mut writer);
        for (metric, described) in &metadata {
            writer.metadata(metric, described);
            if writer.bytes().len() >= RECORD_BYTES {
                submit(record::METADATA, &mut writer);
            }
        }
        submit(record::METADATA, &mut writer);
    }

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

    /// Drops blocks whose samples are all older than the retention.
    fn expire(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let oldest = now.saturating_sub(self.options.retention).0;
        let current = self.blocks.current();
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
        next.drop_tombstones();
        self.change(shelf, next.manifest, added)?;
        for block in removed {
            // What cannot be removed now is removed when the store is opened.
            drop(self.disk.remove(&self.blocks.dir.join(block.file_name())));
        }
        Ok(())
    }

    fn merge_if_due(
        &self,
        maintenance: &mut Maintenance,
        now: Timestamp,
        stats: &mut MaintenanceStats,
    ) -> Result<(), StoreError> {
        let longest = longest_class(self.options.retention);
        let Some(due) = next_merge(&self.blocks.candidates(), now.0, longest) else {
            return Ok(());
        };
        self.merge(&mut maintenance.shelf, &due, now, stats)
    }

    /// Notes a deletion in all blocks that there are.
    pub(super) fn entomb(
        &self,
        maintenance: &mut Maintenance,
        tenant: &TenantId,
        matchers: Vec<Matcher>,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let mut manifest = maintenance.shelf.manifest.clone();
        let Some(until) = manifest.blocks.iter().max().copied() else { return Ok(()) };
        manifest.tombstones.push(Tombstone {
            tenant: tenant.clone(),
            matchers,
            start: start.0,
            end: end.0,
            until,
        });
        self.change(&mut maintenance.shelf, manifest, Vec::new())?;
        if let Some(partition) = self.head.get(tenant) {
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
    fn repair(
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
        let oldest = |tenant: &TenantId| self.oldest_of(tenant, now);
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
        for loss in losses {
            stats.errors.push(format!("lost in compaction: {loss}"));
            let name = loss.block().file_name();
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

    fn forget_idle(&self, now: Timestamp) -> u64 {
        let oldest = now.saturating_sub(self.options.active_window);
        let oldest = u32::try_from(oldest.0.div_euclid(1000)).unwrap_or(0);
        let mut forgotten = 0;
        for partition in self.head.all() {
            let of_partition = partition.forget_idle(oldest);
            if of_partition > 0 {
                self.head.remove_if_empty(&partition.tenant);
            }
            forgotten += of_partition;
        }
        forgotten
    }
}

fn note(stats: &mut MaintenanceStats, tried: Result<(), StoreError>) {
    if let Err(error) = tried {
        stats.errors.push(error.to_string());
    }
}
