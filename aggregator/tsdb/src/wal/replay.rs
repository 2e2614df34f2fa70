//! Reading the log into the head, by several threads.
//!
//! Records of one tenant go to one thread and are applied in order.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
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
            dispatcher.threads.push(scope.spawn(move || run(head, &records)));
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

fn run(head: &Head, records: &Receiver<(u8, Vec<u8>)>) -> Counts {
    let mut replay = Replay::new(head);
    for (kind, payload) in records {
        replay.apply(kind, &payload);
    }
    replay.counts
}

/// Applies records to the head.
#[derive(Debug)]
struct Replay<'a> {
    head: &'a Head,
    owners: HashMap<Owner, Known>,
    sealer: Sealer,
    counts: Counts,
}

/// What the numbers of one owner mean.
#[derive(Debug)]
struct Known {
    partition: Arc<Partition>,
    series: Numbers,
}

impl<'a> Replay<'a> {
    fn new(head: &'a Head) -> Self {
        Self { head, owners: HashMap::new(), sealer: Sealer::default(), counts: Counts::default() }
    }

    fn apply(&mut self, kind: u8, payload: &[u8]) {
        let mut rest = payload;
        let Some(owner) = Owner::take(&mut rest) else {
            self.counts.malformed += 1;
            return;
        };
        self.counts.run = self.counts.run.max(owner.run);
        let understood = match kind {
            record::TENANT => self.tenant(owner, rest),
            record::TENANT_DELETED => {
                if let Some(known) = self.owners.remove(&owner) {
                    self.head.remove(&known.partition.tenant);
                }
                Some(())
            }
            _ => self.content(kind, owner, rest),
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
        self.owners.insert(owner, Known { partition, series: Numbers::default() });
        Some(())
    }

    fn content(&mut self, kind: u8, owner: Owner, payload: &[u8]) -> Option<()> {
        let (counts, sealer) = (&mut self.counts, &mut self.sealer);
        let Some(known) = self.owners.get_mut(&owner) else {
            counts.orphaned_samples += count_samples(kind, payload);
            return Some(());
        };
        let (partition, series) = (&known.partition, &mut known.series);
        let mut data = partition.data();
        let data: &mut Data = &mut data;
        let understood = match kind {
            record::SERIES => record::read_series(payload, |number, labels| {
                let key = partition.hash(labels);
                let found = data.table.find(key);
                let found = found.or_else(|| partition.create(data, key, labels));
                series.set(number, found);
            }),
            record::SAMPLES => record::read_samples(payload, |number, time, value, start| {
                match series.get(number).and_then(|found| data.table.get_mut(found)) {
                    Some(series) => {
                        series.restore(time, value, start, sealer);
                        counts.samples += 1;
                    }
                    None => counts.orphaned_samples += 1,
                }
            }),
            record::HISTOGRAMS => record::read_histograms(payload, |number, time, value, start| {
                match series.get(number).and_then(|found| data.table.get_mut(found)) {
                    Some(series) => {
                        series.restore_histogram(time, &value, start, sealer);
                        counts.samples += 1;
                    }
                    None => counts.orphaned_samples += 1,
                }
            }),
            record::EXEMPLARS => record::read_exemplars(payload, |number, exemplar| {
                if let Some(number) = series.get(number) {
                    data.exemplars.add(number, &exemplar, usize::MAX);
                }
            }),
            record::METADATA => record::read_metadata(payload, |metric, metadata| {
                data.metadata.insert(metric, metadata);
            }),
            _ => None,
        };
        data.sample_bytes += std::mem::take(&mut sealer.grown);
        understood
    }
}

/// How many samples are in a record that cannot be applied.
fn count_samples(kind: u8, payload: &[u8]) -> u64 {
    let mut count = 0;
    let read = match kind {
        record::SAMPLES => record::read_samples(payload, |_, _, _, _| count += 1),
        record::HISTOGRAMS => record::read_histograms(payload, |_, _, _, _| count += 1),
        _ => None,
    };
    // What could be read is counted, even if the record breaks off.
    read.map_or(count, |()| count)
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
