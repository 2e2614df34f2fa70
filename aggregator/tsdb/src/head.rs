//! What has not gone to blocks yet, by tenant.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

use model::tenant::TenantId;

use crate::{
    hash::HashKey,
    limits::Limits,
    sync::{read, write},
};

pub(crate) mod append;
mod exemplars;
pub(crate) mod groups;
pub(crate) mod index;
mod listing;
mod logged;
mod page;
pub(crate) mod partition;
mod pool;
mod postings;
mod records;
pub(crate) mod sealed;
mod series;
mod slabs;
pub(crate) mod snapshot;
mod stream;
mod table;

use partition::Partition;
pub(crate) use series::histogram_bytes;

/// The partitions of all tenants.
#[derive(Debug)]
pub(crate) struct Head {
    partitions: RwLock<BTreeMap<TenantId, Arc<Partition>>>,
    /// Limits of tenants that have their own.
    limits: RwLock<BTreeMap<TenantId, Limits>>,
    default_limits: Limits,
    tenants_max: usize,
    next_number: AtomicU32,
    key: HashKey,
}

impl Head {
    pub(crate) fn new(key: HashKey, default_limits: Limits, tenants_max: usize) -> Self {
        Self {
            partitions: RwLock::default(),
            limits: RwLock::default(),
            default_limits,
            tenants_max,
            next_number: AtomicU32::new(0),
            key,
        }
    }

    pub(crate) fn get(&self, tenant: &TenantId) -> Option<Arc<Partition>> {
        read(&self.partitions).get(tenant).cloned()
    }

    /// The partition of a tenant, made if need be. `None` when there are too many.
    pub(crate) fn get_or_create(&self, tenant: &TenantId) -> Option<Arc<Partition>> {
        if let Some(found) = self.get(tenant) {
            return Some(found);
        }
        let limits = self.limits(tenant);
        let mut partitions = write(&self.partitions);
        if let Some(found) = partitions.get(tenant) {
            return Some(Arc::clone(found));
        }
        if partitions.len() >= self.tenants_max {
            return None;
        }
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let partition = Arc::new(Partition::new(tenant.clone(), number, self.key, limits));
        partitions.insert(tenant.clone(), Arc::clone(&partition));
        Some(partition)
    }

    /// All partitions, in order of tenant.
    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        read(&self.partitions).values().cloned().collect()
    }

    /// Takes a partition out and marks it, so that whoever still holds it looks again.
    pub(crate) fn remove(&self, tenant: &TenantId) -> Option<Arc<Partition>> {
        let removed = write(&self.partitions).remove(tenant)?;
        removed.data().deleted = true;
        Some(removed)
    }

    /// Takes out a partition that has no series left.
    pub(crate) fn remove_if_empty(&self, tenant: &TenantId) -> bool {
        let mut partitions = write(&self.partitions);
        let Some(partition) = partitions.get(tenant) else { return false };
        let mut data = partition.data();
        if data.table.len() > 0 {
            return false;
        }
        data.deleted = true;
        drop(data);
        partitions.remove(tenant);
        true
    }

    pub(crate) fn limits(&self, tenant: &TenantId) -> Limits {
        read(&self.limits).get(tenant).unwrap_or(&self.default_limits).clone()
    }

    pub(crate) fn set_limits(&self, tenant: &TenantId, limits: Limits) {
        write(&self.limits).insert(tenant.clone(), limits.clone());
        if let Some(partition) = self.get(tenant) {
            partition.data().limits = limits;
        }
    }
}
