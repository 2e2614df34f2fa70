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
    groups::Groups,
    index::{Bulk, Index},
    logged::Logged,
    sealed::{Arena, Sealer},
    snapshot::{Snapshot, Taking},
    table::Table,
};
use crate::{
    admission::Bucket,
    bounds::Bounds,
    hash::{Hash128, HashKey},
    limits::Limits,
    outcome::{Appended, RejectReason},
    samples::Samples,
    select::{Condition, resolve},
    sync::{lock, read, write},
};

mod census;
mod grouped;

use grouped::Windows;

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
    /// The greatest time of a sample since the store was opened, or zero.
    pub(crate) newest: i64,
    pub(crate) table: Table,
    pub(crate) groups: Groups,
    pub(crate) exemplars: Exemplars,
    pub(crate) metadata: BTreeMap<String, Metadata>,
    pub(crate) limits: Limits,
    pub(crate) sample_bucket: Bucket,
    pub(crate) byte_bucket: Bucket,
    pub(crate) series_bucket: Bucket,
    /// Whether the log knows the tenant's name.
    pub(crate) logged: Logged,
    pub(crate) arena: Arena,
    pub(crate) samples_appended: u64,
    /// By reason, in the order of [`RejectReason::ALL`].
    pub(crate) rejected: [u64; RejectReason::ALL.len()],
    /// The tenant was deleted: this partition is no longer reachable and must not be written to.
    pub(crate) deleted: bool,
}

impl Data {
    pub(crate) fn count_rejected(&mut self, appended: &Appended) {
        for rejected in &appended.rejected {
            self.rejected[rejected.reason as usize] += rejected.count;
        }
    }
}

/// What blocks do not hold, and the log is about to lose.
#[derive(Debug)]
pub(crate) struct CarriedOver {
    /// Number and labels of the series, and the exemplar.
    pub(crate) exemplars: Vec<(u32, Labels, Exemplar)>,
    pub(crate) metadata: Vec<(String, Metadata)>,
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

    /// Adds labels of series that the table has already, in the order of their numbers.
    pub(crate) fn index_bulk<T>(&self, fill: impl FnOnce(&mut Bulk<'_>) -> T) -> T {
        write(&self.index).bulk(fill)
    }

    /// Forgets a series whose labels the index could not take. Returns how many samples it had.
    pub(crate) fn forget_unindexed(&self, number: u32, sealer: &mut Sealer) -> u64 {
        let mut data = self.data();
        let Data { table, arena, .. } = &mut *data;
        let Some(series) = table.get_mut(number) else { return 0 };
        let mut samples = Samples::default();
        // The only error is damage, which chunks in memory do not have.
        let mut taking = Taking::all();
        let taken = series.freeze(arena, sealer, &mut taking);
        let decoded = taking.hold(arena).snapshot(taken).decode(&mut samples);
        debug_assert!(decoded.is_ok(), "{decoded:?}");
        series.drop_flushed(arena, sealer);
        table.remove(number);
        (samples.floats.len() + samples.histograms.len()) as u64
    }

    /// The labels of a series; none if it is not there.
    pub(crate) fn labels(&self, number: u32) -> Labels {
        read(&self.index).labels(number)
    }

    /// The numbers of the series that match.
    pub(crate) fn find(
        &self,
        conditions: &[Condition],
        bounds: &Bounds<'_>,
    ) -> Result<RoaringBitmap, QueryError> {
        resolve(conditions, &*read(&self.index), bounds)
    }

    /// Labels and samples of the series that match and have samples in a range of time, in order
    /// of number.
    pub(crate) fn select(
        &self,
        conditions: &[Condition],
        start: i64,
        end: i64,
        bounds: &Bounds<'_>,
    ) -> Result<Vec<(Labels, Snapshot)>, QueryError> {
        let found: Vec<u32> = self.find(conditions, bounds)?.into_iter().collect();
        let mut snapshots = Vec::with_capacity(found.len());
        let mut windows = Windows::default();
        for slice in found.chunks(SLICE_SERIES) {
            bounds.check()?;
            let (mut taking, mut taken) =
                (Taking::new(start, end), Vec::with_capacity(slice.len()));
            let data = self.data();
            for number in slice {
                let Some(series) = data.table.get(*number) else { continue };
                let part = series.take(&data.arena, &mut taking);
                let member = series.member();
                let of_group =
                    member.and_then(|member| windows.take(member, &data.groups, start, end));
                if of_group.is_some() || !part.is_empty() {
                    taken.push((*number, part, of_group));
                }
            }
            let holder = taking.hold(&data.arena);
            drop(data);
            let taken = taken.into_iter();
            snapshots
                .extend(taken.map(|(number, part, group)| (number, holder.snapshot(part), group)));
        }
        let windows = windows.share();
        let numbers: Vec<u32> = snapshots.iter().map(|(number, ..)| *number).collect();
        let mut framed = snapshots.into_iter().map(|(_, mut snapshot, of_group)| {
            snapshot.frames =
                of_group.and_then(|(group, at)| Some((windows.get(&group)?.clone(), at)));
            snapshot
        });
        // A series that was dropped in between has no labels any more, and had no samples.
        let mut selected = Vec::with_capacity(numbers.len());
        for slice in numbers.chunks(SLICE_SERIES) {
            bounds.check()?;
            let labels = read(&self.index).labels_of(slice);
            let found = labels.into_iter().zip(framed.by_ref());
            selected.extend(found.filter(|(labels, _)| !labels.is_empty()));
        }
        Ok(selected)
    }

    /// Which of the series that match have samples in a range of time; the first `limit` of them.
    fn active(
        &self,
        conditions: &[Condition],
        (start, end): (i64, i64),
        limit: usize,
        bounds: &Bounds<'_>,
    ) -> Result<RoaringBitmap, QueryError> {
        let numbers: Vec<u32> = self.find(conditions, bounds)?.iter().collect();
        let mut active = RoaringBitmap::new();
        for slice in numbers.chunks(SLICE_SERIES) {
            bounds.check()?;
            let missing = limit.saturating_sub(active.len() as usize);
            if missing == 0 {
                break;
            }
            let data = self.data();
            let has_samples = |number: &&u32| {
                let series = data.table.get(**number);
                series.is_some_and(|known| {
                    let of_group =
                        known.member().and_then(|member| data.groups.window(member, start, end));
                    of_group.is_some() || known.overlaps(start, end, &data.arena)
                })
            };
            active.extend(slice.iter().filter(has_samples).take(missing));
        }
        Ok(active)
    }

    /// Label sets of the series that match and have samples in a range of time, as many as the
    /// bounds allow.
    pub(crate) fn series(
        &self,
        conditions: &[Condition],
        start: i64,
        end: i64,
        bounds: &Bounds<'_>,
    ) -> Result<Vec<Labels>, QueryError> {
        let active = self.active(conditions, (start, end), bounds.limit, bounds)?;
        let active: Vec<u32> = active.iter().collect();
        let mut found = Vec::with_capacity(active.len());
        for slice in active.chunks(SLICE_SERIES) {
            bounds.check()?;
            let labels = read(&self.index).labels_of(slice);
            found.extend(labels.into_iter().filter(|labels| !labels.is_empty()));
        }
        Ok(found)
    }

    pub(crate) fn label_names(
        &self,
        conditions: &[Condition],
        times: (i64, i64),
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        let active = self.active(conditions, times, usize::MAX, bounds)?;
        read(&self.index).names_of(&active, visit);
        Ok(())
    }

    pub(crate) fn label_values(
        &self,
        name: &str,
        conditions: &[Condition],
        times: (i64, i64),
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        let active = self.active(conditions, times, usize::MAX, bounds)?;
        read(&self.index).values_of(name, &active, bounds, visit)
    }

    pub(crate) fn exemplars(
        &self,
        conditions: &[Condition],
        start: i64,
        end: i64,
        bounds: &Bounds<'_>,
    ) -> Result<BTreeMap<Labels, Vec<Exemplar>>, QueryError> {
        let found = self.find(conditions, bounds)?;
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
    pub(crate) fn carried_over(&self) -> CarriedOver {
        let data = self.data();
        let index = read(&self.index);
        let exemplars = data.exemplars.iter();
        let metadata = data.metadata.iter();
        CarriedOver {
            exemplars: exemplars
                .map(|(series, exemplar)| (*series, index.labels(*series), exemplar.clone()))
                .collect(),
            metadata: metadata.map(|(name, known)| (name.clone(), known.clone())).collect(),
        }
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
    pub(crate) fn freeze(&self, series: &[u32], sealer: &mut Sealer) -> Vec<(Labels, Snapshot)> {
        let mut data = self.data();
        let data = &mut *data;
        let index = read(&self.index);
        let (mut taking, mut frozen) = (Taking::all(), Vec::with_capacity(series.len()));
        for number in series {
            if let Some(series) = data.table.get_mut(*number) {
                let taken = series.freeze(&mut data.arena, sealer, &mut taking);
                frozen.push((index.labels(*number), taken));
            }
        }
        let holder = taking.hold(&data.arena);
        let frozen = frozen.into_iter();
        frozen.map(|(labels, taken)| (labels, holder.snapshot(taken))).collect()
    }

    /// Drops what [`Self::freeze`] gave out.
    pub(crate) fn drop_flushed(&self, series: &[u32], sealer: &mut Sealer) {
        for slice in series.chunks(SLICE_SERIES) {
            let mut data = self.data();
            let data = &mut *data;
            for number in slice {
                if let Some(series) = data.table.get_mut(*number) {
                    series.drop_flushed(&mut data.arena, sealer);
                }
            }
        }
    }

    /// Forgets the last samples of series, where they have gone to blocks. To be called when some of
    /// them have been deleted.
    pub(crate) fn forget_last(&self) {
        self.detach_sealed();
        let all: Vec<u32> = read(&self.index).all().into_iter().collect();
        for slice in all.chunks(SLICE_SERIES) {
            let mut data = self.data();
            for number in slice {
                if let Some(series) = data.table.get_mut(*number) {
                    series.forget_last();
                }
            }
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
                series.is_some_and(|series| {
                    series.is_empty() && series.member().is_none() && series.seen < oldest
                })
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
        self.data().arena.used_bytes() as u64
    }

    /// Memory in bytes of samples, and of index and series.
    pub(crate) fn heap_bytes(&self) -> (u64, u64) {
        let data = self.data();
        let table = data.table.heap_bytes() + data.groups.heap_bytes();
        let samples = data.arena.heap_bytes();
        drop(data);
        (samples as u64, (table + read(&self.index).heap_bytes()) as u64)
    }
}
