//! One tenant's part of the head.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, RwLock},
};

use model::{
    exemplar::Exemplar, labels::Labels, metadata::Metadata, query::QueryError, tenant::TenantId,
};
use roaring::RoaringBitmap;

use super::{
    exemplars::Exemplars,
    index::Index,
    sealed::{Sealed, Sealer},
    snapshot::Snapshot,
    table::Table,
};
use crate::{
    admission::Bucket,
    hash::{Hash128, HashKey},
    limits::Limits,
    select::{Condition, resolve},
    sync::{lock, read, write},
};

/// Series that are read or changed under one hold of a lock, so that writers need not wait long.
pub(crate) const SLICE_SERIES: usize = 1024;

/// One tenant's series and what else it has in memory.
///
/// Two locks: `data` for samples, taken by every writer, and `index` for labels, changed only when
/// series come and go. Whoever needs both takes `data` first.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) tenant: TenantId,
    /// Its number in the log, of this run.
    pub(crate) number: u32,
    key: HashKey,
    index: RwLock<Index>,
    data: Mutex<Data>,
}

/// What a writer changes.
#[derive(Debug, Default)]
pub(crate) struct Data {
    pub(crate) table: Table,
    pub(crate) exemplars: Exemplars,
    pub(crate) metadata: BTreeMap<String, Metadata>,
    pub(crate) limits: Limits,
    pub(crate) sample_bucket: Bucket,
    pub(crate) series_bucket: Bucket,
    /// In which epoch of the log the tenant's name was last written.
    pub(crate) logged: u32,
    /// Memory of samples in bytes.
    pub(crate) sample_bytes: isize,
    pub(crate) samples_appended: u64,
    pub(crate) rejected: u64,
    /// The tenant was deleted: this partition is no longer reachable and must not be written to.
    pub(crate) deleted: bool,
}

impl Partition {
    pub(crate) fn new(tenant: TenantId, number: u32, key: HashKey, limits: Limits) -> Self {
        Self {
            tenant,
            number,
            key,
            index: RwLock::new(Index::new(key)),
            data: Mutex::new(Data { limits, ..Data::default() }),
        }
    }

    pub(crate) fn data(&self) -> MutexGuard<'_, Data> {
        lock(&self.data)
    }

    pub(crate) fn hash(&self, labels: &[u8]) -> Hash128 {
        self.key.hash128(labels)
    }

    /// Adds a series that the table does not have. `None` when the labels are no valid set.
    pub(crate) fn create(&self, data: &mut Data, key: Hash128, packed: &[u8]) -> Option<u32> {
        let labels = Labels::from_bytes(packed)?;
        let number = write(&self.index).add(labels.iter())?;
        data.table.push(number, key);
        Some(number)
    }

    /// The numbers of the series that match.
    pub(crate) fn find(&self, conditions: &[Condition]) -> Result<RoaringBitmap, QueryError> {
        resolve(conditions, &*read(&self.index))
    }

    /// Labels and samples of the series that match and have samples in a range of time, in order
    /// of number.
    pub(crate) fn select(
        &self,
        conditions: &[Condition],
        start: i64,
        end: i64,
    ) -> Result<Vec<(Labels, Snapshot)>, QueryError> {
        let found: Vec<u32> = self.find(conditions)?.into_iter().collect();
        let mut snapshots = Vec::with_capacity(found.len());
        for slice in found.chunks(SLICE_SERIES) {
            let data = self.data();
            for number in slice {
                let snapshot = data.table.get(*number).map(|series| series.snapshot(start, end));
                if let Some(snapshot) = snapshot.filter(|snapshot| !snapshot.is_empty()) {
                    snapshots.push((*number, snapshot));
                }
            }
        }
        let mut selected = Vec::with_capacity(snapshots.len());
        let index = read(&self.index);
        // A series that was dropped in between has no labels any more, and had no samples.
        for (number, snapshot) in snapshots {
            selected.push((index.labels(number), snapshot));
        }
        selected.retain(|(labels, _)| !labels.is_empty());
        Ok(selected)
    }

    /// Which of the series have samples in a range of time.
    fn active(&self, found: &RoaringBitmap, start: i64, end: i64) -> RoaringBitmap {
        let numbers: Vec<u32> = found.iter().collect();
        let mut active = RoaringBitmap::new();
        for slice in numbers.chunks(SLICE_SERIES) {
            let data = self.data();
            let has_samples = |number: &&u32| {
                data.table.get(**number).is_some_and(|series| series.overlaps(start, end))
            };
            active.extend(slice.iter().filter(has_samples));
        }
        active
    }

    /// Label sets of the series that match and have samples in a range of time.
    pub(crate) fn series(
        &self,
        conditions: &[Condition],
        start: i64,
        end: i64,
    ) -> Result<Vec<Labels>, QueryError> {
        let active = self.active(&self.find(conditions)?, start, end);
        let index = read(&self.index);
        Ok(active.iter().map(|number| index.labels(number)).collect())
    }

    pub(crate) fn label_names(
        &self,
        conditions: &[Condition],
        (start, end): (i64, i64),
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        let active = self.active(&self.find(conditions)?, start, end);
        read(&self.index).names_of(&active, visit);
        Ok(())
    }

    pub(crate) fn label_values(
        &self,
        name: &str,
        conditions: &[Condition],
        (start, end): (i64, i64),
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        let active = self.active(&self.find(conditions)?, start, end);
        read(&self.index).values_of(name, &active, visit);
        Ok(())
    }

    pub(crate) fn exemplars(
        &self,
        conditions: &[Condition],
        start: i64,
        end: i64,
    ) -> Result<BTreeMap<Labels, Vec<Exemplar>>, QueryError> {
        let found = self.find(conditions)?;
        let within = |time: i64| start <= time && time <= end;
        let exemplars: Vec<(u32, Exemplar)> = self
            .data()
            .exemplars
            .iter()
            .filter(|(series, exemplar)| found.contains(*series) && within(exemplar.time.0))
            .cloned()
            .collect();
        let index = read(&self.index);
        let mut by_series: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        for (series, exemplar) in exemplars {
            by_series.entry(index.labels(series)).or_default().push(exemplar);
        }
        Ok(by_series)
    }

    /// Exemplars with their series, and metadata: what has to be written again when the log is cut.
    pub(crate) fn carried_over(&self) -> (Vec<(u32, Labels, Exemplar)>, Vec<(String, Metadata)>) {
        let data = self.data();
        let index = read(&self.index);
        let exemplars = data.exemplars.iter();
        let exemplars = exemplars
            .map(|(series, exemplar)| (*series, index.labels(*series), exemplar.clone()))
            .collect();
        let metadata = data.metadata.iter();
        (exemplars, metadata.map(|(name, known)| (name.clone(), known.clone())).collect())
    }

    /// All series with samples, in order of labels.
    pub(crate) fn in_order(&self) -> Vec<u32> {
        let listing = read(&self.index).listing();
        let order = listing.in_order();
        let mut kept = Vec::with_capacity(order.len());
        for slice in order.chunks(SLICE_SERIES) {
            let data = self.data();
            let has_samples =
                |number: &&u32| data.table.get(**number).is_some_and(|series| !series.is_empty());
            kept.extend(slice.iter().filter(has_samples));
        }
        kept
    }

    /// Seals the samples of some series and gives them out with the labels.
    pub(crate) fn freeze(&self, series: &[u32], sealer: &mut Sealer) -> Vec<(Labels, Vec<Sealed>)> {
        let mut data = self.data();
        let index = read(&self.index);
        let mut frozen = Vec::with_capacity(series.len());
        for number in series {
            let mut sealed = Vec::new();
            if let Some(series) = data.table.get_mut(*number) {
                series.freeze(sealer, &mut sealed);
                frozen.push((index.labels(*number), sealed));
            }
        }
        data.sample_bytes += std::mem::take(&mut sealer.grown);
        frozen
    }

    /// Drops what [`Self::freeze`] gave out.
    pub(crate) fn drop_flushed(&self, series: &[u32], sealer: &mut Sealer) {
        for slice in series.chunks(SLICE_SERIES) {
            let mut data = self.data();
            for number in slice {
                if let Some(series) = data.table.get_mut(*number) {
                    series.drop_flushed(sealer);
                }
            }
            data.sample_bytes += std::mem::take(&mut sealer.grown);
        }
    }

    /// Forgets series without samples that were last written before `oldest`, in seconds since
    /// the epoch. Returns how many.
    pub(crate) fn forget_idle(&self, oldest: u32) -> u64 {
        let all: Vec<u32> = read(&self.index).all().into_iter().collect();
        let mut forgotten = 0;
        for slice in all.chunks(SLICE_SERIES) {
            let mut data = self.data();
            let idle = |number: &&u32| {
                let series = data.table.get(**number);
                series.is_some_and(|series| series.is_empty() && series.seen < oldest)
            };
            let idle: RoaringBitmap = slice.iter().filter(idle).collect();
            if idle.is_empty() {
                continue;
            }
            idle.iter().for_each(|number| data.table.remove(number));
            data.exemplars.retain(|series| !idle.contains(series));
            write(&self.index).remove(&idle);
            forgotten += idle.len();
        }
        forgotten
    }

    /// Memory in bytes of samples.
    pub(crate) fn sample_bytes(&self) -> u64 {
        u64::try_from(self.data().sample_bytes).unwrap_or(0)
    }

    /// Memory in bytes of samples, and of index and series.
    pub(crate) fn heap_bytes(&self) -> (u64, u64) {
        let data = self.data();
        let samples = u64::try_from(data.sample_bytes).unwrap_or(0);
        let table = data.table.heap_bytes();
        drop(data);
        (samples, (table + read(&self.index).heap_bytes()) as u64)
    }
}
