//! The store itself: opening, maintaining; [`Store::append_all`] and what belongs to it are in `writes`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use disk::{Disk, Lock, journal::JournalError};
use model::{
    matcher::Matcher, metadata::Metadata, query::QueryError, tenant::TenantId, time::Timestamp,
};

use crate::{
    block::BlockId,
    cardinality::{COUNTS_MAX, Cardinality},
    head::{Head, append::Workspace},
    limits::Limits,
    options::Options,
    outcome::{AppendError, Appended, OpenError, RejectReason, StoreError},
    snapshot,
    stats::{BlockStats, MaintenanceStats, OpenStats, Progress, Stats, TenantStats},
    sync::lock,
    view::{TenantSet, View},
    wal::Wal,
};

mod blocks;
mod maintenance;
mod open;
mod replacing;
mod statistics;
mod writes;

use maintenance::Maintenance;
use replacing::check_deletions;

pub use writes::{GroupHandle, Registered, Write};

pub(crate) use blocks::{BLOCKS_DIR, BlockList, Blocks};
pub use open::LOCK_FILE;
pub(crate) use open::WAL_DIR;

/// Workspaces that are kept for the next appends.
const WORKSPACES_KEPT: usize = 16;

/// An open store. Clones are cheap and share everything; the data directory is released when the
/// last clone and the last view are gone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What clones and views share.
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) head: Head,
    pub(crate) blocks: Blocks,
    wal: Wal,
    maintenance: Mutex<Maintenance>,
    /// The latest time that a caller has told.
    now: AtomicI64,
    /// Blocks in which a query has met damage.
    suspects: Mutex<BTreeSet<BlockId>>,
    damaged_reads: AtomicU64,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// Of this process, in the log.
    run: u32,
    closed: AtomicBool,
    /// Whether writes are refused for want of room.
    full: AtomicBool,
    workspaces: Mutex<Vec<Workspace>>,
    counters: Counters,
    last_error: Mutex<Option<String>>,
    _lock: Box<dyn Lock>,
}

#[derive(Debug, Default)]
struct Counters {
    samples: AtomicU64,
    exemplars: AtomicU64,
    rejected: [AtomicU64; RejectReason::ALL.len()],
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a data directory, creating it if need be: blocks are checked, the log is replayed.
    /// `progress` is called now and then from this thread.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        progress: &dyn Fn(Progress),
    ) -> Result<(Self, OpenStats), OpenError> {
        let (inner, stats) = open::open(disk, dir, options, progress)?;
        Ok((Self { inner: Arc::new(inner) }, stats))
    }

    /// Sets one tenant's limits from now on.
    pub fn set_limits(&self, tenant: &TenantId, limits: Limits) {
        self.inner.head.set_limits(tenant, limits);
    }

    /// What a set of tenants holds, now and as long as the view lives.
    pub fn view(&self, tenants: TenantSet) -> View {
        View::new(Arc::clone(&self.inner), tenants)
    }

    /// What metric names mean: of one metric, or of the first `limit` in order (0 means all).
    /// Several tenants may say different things of one name.
    pub fn metadata(
        &self,
        tenants: &TenantSet,
        metric: Option<&str>,
        limit: usize,
    ) -> BTreeMap<String, Vec<Metadata>> {
        let mut found: BTreeMap<String, Vec<Metadata>> = BTreeMap::new();
        for partition in self.inner.head.all() {
            if !tenants.contains(&partition.tenant) {
                continue;
            }
            let data = partition.data();
            let described = data.metadata.iter();
            for (name, metadata) in
                described.filter(|(name, _)| metric.is_none_or(|metric| metric == *name))
            {
                let known = found.entry(name.clone()).or_default();
                if !known.contains(metadata) {
                    known.push(metadata.clone());
                }
            }
        }
        if limit > 0 && found.len() > limit {
            found = found.into_iter().take(limit).collect();
        }
        found
    }

    /// Does what is due: flushes, compacts, expires. Call it once a second; most calls do nothing.
    /// A call may take seconds when there is work, and appends and queries go on meanwhile. When
    /// another thread is at it, this one does nothing.
    pub fn maintain(&self, now: Timestamp) -> MaintenanceStats {
        let Ok(mut maintenance) = self.inner.maintenance.try_lock() else {
            return MaintenanceStats::default();
        };
        let stats = self.inner.maintain(&mut maintenance, now);
        if let Some(error) = stats.errors.last() {
            *lock(&self.inner.last_error) = Some(error.clone());
        }
        stats
    }

    /// Deletes the samples between two times, both included, of the series that match all of
    /// `matchers`. Durable when it returns; room is made by and by. Samples that arrive while it
    /// works may stay. Refused while very many deletions wait.
    pub fn delete(
        &self,
        tenant: &TenantId,
        matchers: &[Matcher],
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        self.delete_all(&[(tenant.clone(), matchers.to_vec())], start, end)
    }

    /// Several deletions like [`Self::delete`], of which either all are done or none.
    pub fn delete_all(
        &self,
        deletions: &[(TenantId, Vec<Matcher>)],
        start: Timestamp,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let mut maintenance = lock(&self.inner.maintenance);
        check_deletions(&maintenance.shelf, deletions.iter().map(|(tenant, _)| tenant))?;
        self.inner.flush(&mut maintenance, &mut MaintenanceStats::default())?;
        self.inner.entomb(&mut maintenance, deletions, start, end)
    }

    /// Deletes all that a tenant has. Durable when it returns; room is made by and by.
    pub fn delete_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let mut maintenance = lock(&self.inner.maintenance);
        check_deletions(&maintenance.shelf, [tenant])?;
        self.inner.forget_tenant(tenant)?;
        let (start, end) = (Timestamp::MIN, Timestamp::MAX);
        self.inner.entomb(&mut maintenance, &[(tenant.clone(), Vec::new())], start, end)
    }

    /// Writes the head to blocks now, so that the log is short.
    pub fn flush(&self) -> Result<MaintenanceStats, StoreError> {
        let mut stats = MaintenanceStats::default();
        self.inner.flush(&mut lock(&self.inner.maintenance), &mut stats)?;
        Ok(stats)
    }

    /// Makes a copy of everything in a new directory on the same file system, by hard links. The
    /// copy can be opened as it is, or copied once more by [`crate::snapshot::restore`].
    pub fn snapshot(&self, target: &Path) -> Result<(), StoreError> {
        let mut maintenance = lock(&self.inner.maintenance);
        self.inner.flush(&mut maintenance, &mut MaintenanceStats::default())?;
        snapshot::link(&*self.inner.disk, &self.inner.dir, &maintenance.shelf.manifest, target)
    }

    /// Like [`Self::snapshot`], but without what is not in blocks yet.
    pub fn snapshot_blocks(&self, target: &Path) -> Result<(), StoreError> {
        let maintenance = lock(&self.inner.maintenance);
        snapshot::link(&*self.inner.disk, &self.inner.dir, &maintenance.shelf.manifest, target)
    }

    /// Rewrites blocks now, without what was deleted from them, instead of by and by. Returns how
    /// many there were.
    pub fn clean(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.clean(&mut lock(&self.inner.maintenance), now)
    }

    /// Whether writes are refused for want of room, or because the log cannot be written.
    pub fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }

    /// Counts what a set of tenants has in memory, with at most `limit` entries in each list. Counts of
    /// several tenants are added up. Ends early once `stop` says so.
    pub fn cardinality(
        &self,
        tenants: &TenantSet,
        limit: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Cardinality, QueryError> {
        self.inner.cardinality(tenants, limit.min(COUNTS_MAX), stop)
    }

    /// The blocks that have samples of a set of tenants, in order of time, with what is theirs of it.
    pub fn blocks(&self, tenants: &TenantSet) -> Vec<BlockStats> {
        self.inner.block_stats(tenants)
    }

    /// One tenant's share of [`Self::stats`]; zeros for one that has nothing in memory.
    pub fn tenant_stats(&self, tenant: &TenantId) -> TenantStats {
        self.inner.tenant_stats(tenant)
    }

    /// Refuses appends from now on. Queries still answer.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::Release);
    }
}

impl Inner {
    fn check_writable(&self) -> Result<(), AppendError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(AppendError::Closed);
        }
        if self.full.load(Ordering::Relaxed) {
            return Err(AppendError::DiskFull);
        }
        if self.wal.is_failing() {
            // One more try: whoever comes first after the trouble is over ends it.
            self.wal.commit_all().map_err(|error| self.append_error(&error))?;
        }
        Ok(())
    }

    fn append_error(&self, error: &JournalError) -> AppendError {
        let described = describe(error);
        *lock(&self.last_error) = Some(described.clone());
        if error.is_full() { AppendError::DiskFull } else { AppendError::Io(described) }
    }
}

impl Inner {
    /// Notes that a query has met damage in a block.
    pub(crate) fn suspect(&self, block: BlockId) {
        self.damaged_reads.fetch_add(1, Ordering::Relaxed);
        lock(&self.suspects).insert(block);
    }
}

impl Counters {
    fn count(&self, appended: &Appended) {
        self.samples.fetch_add(appended.samples + appended.histograms, Ordering::Relaxed);
        self.exemplars.fetch_add(appended.exemplars, Ordering::Relaxed);
        for rejected in &appended.rejected {
            if let Some(counter) = self.rejected.get(rejected.reason as usize) {
                counter.fetch_add(rejected.count, Ordering::Relaxed);
            }
        }
    }
}

/// An error with its causes.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut described = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        described.push_str(": ");
        described.push_str(&error.to_string());
        cause = error.source();
    }
    described
}
