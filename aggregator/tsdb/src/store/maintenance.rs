//! What a store does beside its users' work: flush, merge, expire, make room.

use std::sync::atomic::Ordering;

use model::time::{Timestamp, millis_of};

use super::{Inner, blocks::Shelf, describe};
use crate::{
    flush::{Flushed, Target, flush},
    head::{
        groups::IDLE_SECONDS,
        partition::{CarriedOver, Partition},
        sealed::Sealer,
    },
    outcome::StoreError,
    stats::MaintenanceStats,
    wal::record::{self, Owner, Writer},
    window::longest_class,
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

    fn forget_idle(&self, now: Timestamp) -> u64 {
        let oldest = now.saturating_sub(self.options.active_window);
        let oldest = u32::try_from(oldest.0.div_euclid(1000)).unwrap_or(0);
        let idle = u32::try_from(now.0.div_euclid(1000)).unwrap_or(0).saturating_sub(IDLE_SECONDS);
        let mut forgotten = 0;
        for partition in self.head.all() {
            partition.drop_idle_groups(idle);
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
