//! What a store says about itself.

use std::sync::{Arc, atomic::Ordering};

use model::{query::QueryError, tenant::TenantId};

use super::Inner;
use crate::{
    block::reader::Block,
    cardinality::{self, Cardinality, Sum},
    head::partition::Partition,
    outcome::RejectReason,
    stats::{BlockStats, Stats, TenantStats},
    sync::lock,
    view::TenantSet,
};

impl Inner {
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed) || self.wal.is_failing()
    }

    pub(super) fn stats(&self) -> Stats {
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = Stats {
            samples_appended: load(&self.counters.samples),
            exemplars_appended: load(&self.counters.exemplars),
            wal_bytes: self.wal.bytes(),
            wal_syncs: self.wal.syncs(),
            wal_failures: self.wal.failures(),
            disk_full: self.is_full(),
            damaged_reads: load(&self.damaged_reads),
            last_error: lock(&self.last_error).clone(),
            ..Stats::default()
        };
        let counts = RejectReason::ALL.into_iter().zip(&self.counters.rejected);
        stats.rejected = counts.map(|(reason, counter)| (reason, load(counter))).collect();
        for partition in self.head.all() {
            let share = share_of(&partition);
            stats.head_sample_bytes += share.sample_bytes;
            stats.head_index_bytes += share.index_bytes;
            stats.tenants.push(share);
        }
        stats.series = stats.tenants.iter().map(|tenant| tenant.series).sum();
        for block in &self.blocks.current().blocks {
            stats.blocks += 1;
            stats.block_bytes += block.bytes;
            stats.block_samples += block.footer.samples;
        }
        stats.disk_bytes = stats.wal_bytes + stats.block_bytes;
        stats
    }

    pub(super) fn cardinality(
        &self,
        tenants: &TenantSet,
        limit: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Cardinality, QueryError> {
        if let TenantSet::One(tenant) = tenants {
            let own = self.head.get(tenant);
            return own.map_or(Ok(Cardinality::default()), |own| own.cardinality(limit, stop));
        }
        let mut sum = Sum::default();
        for partition in self.head.all() {
            if tenants.contains(&partition.tenant) {
                sum.add(partition.cardinality(cardinality::candidates(limit), stop)?);
            }
        }
        Ok(sum.finish(limit))
    }

    pub(super) fn block_stats(&self, tenants: &TenantSet) -> Vec<BlockStats> {
        let blocks = self.blocks.current();
        let share = |block: &Arc<Block>| {
            let mut stats = BlockStats {
                id: block.id().0,
                min: i64::MAX,
                max: i64::MIN,
                samples: 0,
                series: 0,
                level: block.footer.level,
                sources: block.footer.sources.iter().map(|source| source.0).collect(),
            };
            for entry in block.tenants.iter().filter(|entry| tenants.contains(&entry.tenant)) {
                stats.min = stats.min.min(entry.min);
                stats.max = stats.max.max(entry.max);
                stats.samples += entry.samples;
                stats.series += u64::from(entry.series);
            }
            (stats.series > 0).then_some(stats)
        };
        let mut found: Vec<BlockStats> = blocks.blocks.iter().filter_map(share).collect();
        found.sort_by_key(|block| (block.min, block.id));
        found
    }

    pub(super) fn tenant_stats(&self, tenant: &TenantId) -> TenantStats {
        match self.head.get(tenant) {
            Some(partition) => share_of(&partition),
            None => TenantStats {
                tenant: tenant.clone(),
                series: 0,
                samples_appended: 0,
                rejected: 0,
                rejected_for: Default::default(),
                sample_bytes: 0,
                index_bytes: 0,
                limits: self.head.limits(tenant),
            },
        }
    }
}

fn share_of(partition: &Partition) -> TenantStats {
    let (sample_bytes, index_bytes) = partition.heap_bytes();
    let data = partition.data();
    TenantStats {
        tenant: partition.tenant.clone(),
        series: data.table.len() as u64,
        samples_appended: data.samples_appended,
        rejected: data.rejected.iter().sum(),
        rejected_for: data.rejected,
        sample_bytes,
        index_bytes,
        limits: data.limits.clone(),
    }
}
