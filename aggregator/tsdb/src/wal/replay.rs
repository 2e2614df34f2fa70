//! Reading the log into the head, by several threads.
//!
//! Records of one tenant go to one thread and are applied in order.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{Scope, ScopedJoinHandle},
};

use disk::journal::Record;
use model::tenant::TenantId;

use super::record::{self, Owner};
use crate::head::{
    Head,
    partition::{Data, Partition},
    sealed::Sealer,
};

mod groups;
mod orphans;
mod series;

use groups::ReplayedGroup;
use orphans::{Orphan, Orphans, Value};
use series::Unindexed;

/// Records that may wait for a thread.
const QUEUE_RECORDS_MAX: usize = 64;

/// What replay counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) samples: u64,
    pub(crate) orphaned_samples: u64,
    /// Records with a good checksum that make no sense.
    pub(crate) malformed: u64,
    /// The greatest run seen.
    pub(crate) run: u32,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.orphaned_samples += other.orphaned_samples;
        self.malformed += other.malformed;
        self.run = self.run.max(other.run);
    }
}

/// Hands records to the threads.
#[derive(Debug)]
pub(crate) struct Dispatcher<'scope> {
    queues: Vec<SyncSender<(u8, Vec<u8>)>>,
    threads: Vec<ScopedJoinHandle<'scope, Counts>>,
    /// Which thread has a tenant.
    routes: BTreeMap<Owner, usize>,
}

impl<'scope> Dispatcher<'scope> {
    pub(crate) fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        head: &'env Head,
        threads: usize,
    ) -> Self {
        let mut dispatcher =
            Self { queues: Vec::new(), threads: Vec::new(), routes: BTreeMap::new() };
        for _ in 0..threads.max(1) {
            let (queue, records) = sync_channel(QUEUE_RECORDS_MAX);
            dispatcher.queues.push(queue);
            dispatcher.threads.push(scope.spawn(move || run(head, records)));
        }
        dispatcher
    }

    pub(crate) fn dispatch(&mut self, record: Record<'_>) {
        let mut rest = record.payload;
        let route = Owner::take(&mut rest).map_or(0, |owner| {
            if record.kind == record::TENANT {
                let route = BuildHasherDefault::<DefaultHasher>::default().hash_one(rest);
                self.routes.insert(owner, route as usize % self.queues.len());
            }
            self.routes.get(&owner).copied().unwrap_or(0)
        });
        if let Some(queue) = self.queues.get(route) {
            // A thread that is gone has panicked, which `finish` reports.
            drop(queue.send((record.kind, record.payload.to_vec())));
        }
    }

    /// Waits for all records to be applied.
    pub(crate) fn finish(self) -> Counts {
        drop(self.queues);
        let mut counts = Counts::default();
        for thread in self.threads {
            match thread.join() {
                Ok(counted) => counts.add(counted),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        counts
    }
}

/// Applies the records of some tenants, while another thread adds their series to the indexes.
fn run(head: &Head, records: impl IntoIterator<Item = (u8, Vec<u8>)>) -> Counts {
    std::thread::scope(|scope| {
        let (tasks, waiting) = sync_channel(series::TASKS_MAX);
        let indexing = scope.spawn(move || series::index(&waiting));
        let mut replay = Replay::new(head, tasks);
        for (kind, payload) in records {
            replay.apply(kind, payload);
        }
        replay.adopt_orphans();
        let (counts, sealer) = replay.finish();
        match indexing.join() {
            Ok(unindexed) => counts.without(unindexed, sealer),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Applies records to the head.
#[derive(Debug)]
struct Replay<'a> {
    head: &'a Head,
    owners: HashMap<Owner, Known>,
    orphans: Orphans,
    sealer: Sealer,
    counts: Counts,
    /// Series that are in the tables, for the indexes.
    indexing: SyncSender<series::Task>,
}

/// What the numbers of one owner mean.
#[derive(Debug)]
struct Known {
    partition: Arc<Partition>,
    series: Numbers,
    groups: HashMap<u32, ReplayedGroup>,
}

impl<'a> Replay<'a> {
    fn new(head: &'a Head, indexing: SyncSender<series::Task>) -> Self {
        Self {
            head,
            owners: HashMap::new(),
            orphans: Orphans::default(),
            sealer: Sealer::default(),
            counts: Counts::default(),
            indexing,
        }
    }

    fn finish(self) -> (Counts, Sealer) {
        (self.counts, self.sealer)
    }

    fn apply(&mut self, kind: u8, payload: Vec<u8>) {
        let mut rest = payload.as_slice();
        let Some(owner) = Owner::take(&mut rest) else {
            self.counts.malformed += 1;
            return;
        };
        self.counts.run = self.counts.run.max(owner.run);
        let understood = match kind {
            record::TENANT => self.tenant(owner, rest),
            record::TENANT_DELETED => {
                self.orphans.forget(owner);
                if let Some(known) = self.owners.remove(&owner) {
                    self.head.remove(&known.partition.tenant);
                }
                Some(())
            }
            record::SERIES => {
                let header = payload.len() - rest.len();
                self.series(owner, payload, header)
            }
            record::SAMPLES => self.samples(owner, rest),
            record::HISTOGRAMS => self.histograms(owner, rest),
            record::GROUP => self.group(owner, rest),
            record::FRAME => self.frame(owner, rest),
            _ => self.descriptions(kind, owner, rest),
        };
        if understood.is_none() {
            self.counts.malformed += 1;
        }
    }

    fn tenant(&mut self, owner: Owner, name: &[u8]) -> Option<()> {
        if self.owners.contains_key(&owner) {
            return Some(());
        }
        let tenant = TenantId::new(std::str::from_utf8(name).ok()?).ok()?;
        let partition = self.head.get_or_create(&tenant)?;
        self.owners
            .insert(owner, Known { partition, series: Numbers::default(), groups: HashMap::new() });
        Some(())
    }

    fn samples(&mut self, owner: Owner, payload: &[u8]) -> Option<()> {
        let (counts, orphans, sealer) = (&mut self.counts, &mut self.orphans, &mut self.sealer);
        let mut orphaned = |series, time, value, start| {
            let value = Value::Float(value);
            let kept = orphans.keep(Orphan { owner, series, time, start, value });
            counts.orphaned_samples += u64::from(!kept);
        };
        let Some(known) = self.owners.get(&owner) else {
            return record::read_samples(payload, orphaned);
        };
        let mut data = known.partition.data();
        let Data { table, arena, newest, .. } = &mut *data;
        let mut stored = 0;
        let understood = record::read_samples(payload, |number, time, value, start| {
            match known.series.get(number).and_then(|found| table.get_mut(found)) {
                Some(series) => {
                    series.restore(time, value, start, arena, sealer);
                    *newest = (*newest).max(time);
                    stored += 1;
                }
                None => orphaned(number, time, value, start),
            }
        });
        counts.samples += stored;
        understood
    }

    fn histograms(&mut self, owner: Owner, payload: &[u8]) -> Option<()> {
        let (counts, orphans, sealer) = (&mut self.counts, &mut self.orphans, &mut self.sealer);
        let mut orphaned = |series, time, value, start| {
            let value = Value::Histogram(value);
            let kept = orphans.keep(Orphan { owner, series, time, start, value });
            counts.orphaned_samples += u64::from(!kept);
        };
        let Some(known) = self.owners.get(&owner) else {
            return record::read_histograms(payload, orphaned);
        };
        let mut data = known.partition.data();
        let Data { table, arena, newest, .. } = &mut *data;
        let mut stored = 0;
        let understood =
            record::read_histograms(payload, |number, time, value, start| {
                match known.series.get(number).and_then(|found| table.get_mut(found)) {
                    Some(series) => {
                        series.restore_histogram(time, &value, start, arena, sealer);
                        *newest = (*newest).max(time);
                        stored += 1;
                    }
                    None => orphaned(number, time, value, start),
                }
            });
        counts.samples += stored;
        understood
    }

    /// What is no sample.
    fn descriptions(&mut self, kind: u8, owner: Owner, payload: &[u8]) -> Option<()> {
        let Some(known) = self.owners.get(&owner) else { return Some(()) };
        let series = &known.series;
        let mut data = known.partition.data();
        let data: &mut Data = &mut data;
        match kind {
            record::EXEMPLARS => record::read_exemplars(payload, |number, exemplar| {
                if let Some(number) = series.get(number) {
                    data.exemplars.add(number, &exemplar, usize::MAX);
                }
            }),
            record::METADATA => record::read_metadata(payload, |metric, metadata| {
                data.metadata.insert(metric, metadata);
            }),
            _ => None,
        }
    }

    /// Looks once more for the series of samples that had none.
    fn adopt_orphans(&mut self) {
        let (frames, samples) = self
            .orphans
            .take()
            .into_iter()
            .partition::<Vec<_>, _>(|orphan| matches!(orphan.value, Value::Frame(_)));
        frames.iter().for_each(|orphan| self.adopt_frame(orphan));
        let of_frames = self.orphans.take();
        for orphan in samples.into_iter().chain(of_frames) {
            let Orphan { owner, series, time, start, value } = orphan;
            let known = self.owners.get(&owner);
            let found = known.and_then(|known| Some((known, known.series.get(series)?)));
            let stored = found.is_some_and(|(known, number)| {
                let mut data = known.partition.data();
                let Data { table, arena, .. } = &mut *data;
                let Some(series) = table.get_mut(number) else { return false };
                match value {
                    Value::Float(value) => {
                        series.restore(time, value, start, arena, &mut self.sealer);
                    }
                    Value::Histogram(value) => {
                        series.restore_histogram(time, &value, start, arena, &mut self.sealer);
                    }
                    Value::Frame(_) => return false,
                }
                true
            });
            if stored {
                self.counts.samples += 1;
            } else {
                self.counts.orphaned_samples += 1;
            }
        }
    }
}

impl Counts {
    /// Takes back what was counted for series that are not in the index.
    fn without(mut self, unindexed: Unindexed, mut sealer: Sealer) -> Self {
        for (partition, number) in unindexed {
            let samples = partition.forget_unindexed(number, &mut sealer);
            self.samples = self.samples.saturating_sub(samples);
            self.orphaned_samples += samples;
        }
        self
    }
}

/// Series of the log to series of the head.
#[derive(Debug, Default)]
struct Numbers {
    pages: Vec<Option<Box<[u32; PAGE]>>>,
}

const PAGE: usize = 1024;
const UNKNOWN: u32 = u32::MAX;

impl Numbers {
    fn set(&mut self, number: u32, found: Option<u32>) {
        let page = number as usize / PAGE;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Box::new([UNKNOWN; PAGE]));
        page[number as usize % PAGE] = found.unwrap_or(UNKNOWN);
    }

    fn get(&self, number: u32) -> Option<u32> {
        let page = self.pages.get(number as usize / PAGE)?.as_ref()?;
        Some(page[number as usize % PAGE]).filter(|found| *found != UNKNOWN)
    }
}
