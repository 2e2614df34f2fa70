//! Taking a batch into a tenant's head: resolve series, check, store, and write the log.

use model::{
    labels::Labels,
    time::{Timestamp, millis_of},
    write::{SeriesWrite, WriteBatch},
};

use super::{
    exemplars::Added,
    partition::{Data, Partition},
    records::Records,
    sealed::{Arena, Sealer},
    series::{Pushed, Series},
};
use crate::{
    hash::Hash128,
    options::Options,
    outcome::{Appended, RejectReason},
    wal::{
        Ticket, Wal,
        record::{self, Owner, Writer},
    },
};

mod frame;
mod register;

pub(crate) use frame::{Frame, append_frame};
pub(crate) use register::register;

/// Longest help or unit text that is kept, in bytes.
const METADATA_BYTES_MAX: usize = 4096;

/// Most buckets and bounds of one histogram. So many fit in a chunk whatever their spans.
const HISTOGRAM_BUCKETS_MAX: usize = 10_000;

/// Stands for a series that was refused.
const REFUSED: u32 = u32::MAX;

/// What an appending thread reuses.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    keys: Vec<Hash128>,
    numbers: Vec<u32>,
    pub(crate) sealer: Sealer,
    series: Records,
    samples: Records,
    histograms: Records,
    exemplars: Records,
    metadata: Records,
    groups: Records,
    frames: Records,
    /// A key frame in the making.
    key: Vec<u8>,
}

/// What the store gives an append.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) wal: &'a Wal,
    pub(crate) options: &'a Options,
    pub(crate) run: u32,
    pub(crate) now: Timestamp,
}

/// One append in progress.
struct Appending<'a> {
    partition: &'a Partition,
    context: Context<'a>,
    epoch: u32,
    owner: Owner,
    oldest: i64,
    newest: i64,
    seen: u32,
    /// Samples that the rates still let through.
    allowance: u64,
    /// Which rate it is that lets no more through.
    short_of: RejectReason,
    appended: Appended,
}

/// Takes a batch. Durable once the log is committed up to the ticket. `None` when the tenant has
/// been deleted meanwhile: look the partition up again.
pub(crate) fn append(
    partition: &Partition,
    batch: &WriteBatch,
    context: Context<'_>,
    work: &mut Workspace,
) -> Option<(Appended, Ticket)> {
    work.keys.clear();
    work.keys.extend(batch.series().map(|series| partition.hash(series.labels)));
    let epoch = context.wal.epoch();
    let mut data = partition.data();
    if data.deleted {
        return None;
    }
    let wanted = (batch.sample_count() as u64, batch.byte_count() as u64);
    let mut appending = Appending::new(partition, &mut data, context, *epoch, wanted);
    appending.begin(work);
    appending.resolve(&mut data, batch, work);
    appending.store(&mut data, batch, work);
    appending.metadata(&mut data, batch, work);
    Some(appending.finish(&mut data, work))
}

/// Queues the records of a batch, in the order in which they make sense.
fn submit(wal: &Wal, work: &mut Workspace, owner: Owner, name: Option<&str>) -> Ticket {
    let kinds = [
        (record::SERIES, &work.series),
        (record::SAMPLES, &work.samples),
        (record::HISTOGRAMS, &work.histograms),
        (record::EXEMPLARS, &work.exemplars),
        (record::METADATA, &work.metadata),
        (record::GROUP, &work.groups),
        (record::FRAME, &work.frames),
    ];
    if name.is_none() && kinds.iter().all(|(_, records)| records.is_empty()) {
        // What was there already may still wait for its sync.
        return wal.position();
    }
    wal.submit(|frames| {
        if let Some(name) = name {
            let mut writer = Writer::default();
            writer.begin(owner);
            writer.tenant(name);
            frames.push(record::TENANT, writer.bytes());
        }
        kinds.iter().for_each(|(kind, records)| records.frame(*kind, frames));
    })
}

impl<'a> Appending<'a> {
    fn new(
        partition: &'a Partition,
        data: &mut Data,
        context: Context<'a>,
        epoch: u32,
        (wanted, bytes): (u64, u64),
    ) -> Self {
        let (store, now) = (context.options.retention, context.now);
        let retention = data.limits.retention.map_or(store, |own| own.min(store));
        let within = data.byte_bucket.take_whole(bytes, data.limits.bytes_per_second, now.0);
        let rate = data.limits.samples_per_second;
        let allowance = if within { data.sample_bucket.take(wanted, rate, now.0) } else { 0 };
        Self {
            partition,
            epoch,
            owner: Owner { run: context.run, tenant: partition.number },
            oldest: now.saturating_sub(retention).0,
            newest: now.0.saturating_add(millis_of(context.options.future_max)),
            seen: u32::try_from(now.0 / 1000).unwrap_or(0),
            allowance,
            short_of: if within { RejectReason::SampleRate } else { RejectReason::ByteRate },
            appended: Appended::default(),
            context,
        }
    }

    /// Counts what was done and queues its records.
    fn finish(self, data: &mut Data, work: &mut Workspace) -> (Appended, Ticket) {
        data.sample_bucket.give_back(self.allowance);
        let appended = self.appended;
        data.samples_appended += appended.samples + appended.histograms;
        data.count_rejected(&appended);
        let name = data.logged.is_due(self.epoch).then(|| self.partition.tenant.as_str());
        let ticket = submit(self.context.wal, work, self.owner, name);
        (appended, ticket)
    }

    fn begin(&self, work: &mut Workspace) {
        for records in [
            &mut work.series,
            &mut work.samples,
            &mut work.histograms,
            &mut work.exemplars,
            &mut work.metadata,
            &mut work.groups,
            &mut work.frames,
        ] {
            records.begin(self.owner);
        }
    }

    /// Finds the number of each series of the batch; creates those that are new and welcome.
    fn resolve(&mut self, data: &mut Data, batch: &WriteBatch, work: &mut Workspace) {
        work.numbers.clear();
        work.numbers.extend(work.keys.iter().map(|key| data.table.find(*key).unwrap_or(REFUSED)));
        for (at, series) in batch.series().enumerate() {
            let number = match work.numbers[at] {
                // Looked for again: the batch may name a series twice.
                REFUSED => data.table.find(work.keys[at]),
                number => Some(number),
            };
            let number = match number {
                Some(number) => number,
                None => match self.create(data, work.keys[at], &series) {
                    Ok(number) => number,
                    Err((reason, detail)) => {
                        self.refuse(&series, reason, detail);
                        REFUSED
                    }
                },
            };
            work.numbers[at] = number;
            if let Some(known) = data.table.get_mut(number)
                && known.logged.is_due(self.epoch)
            {
                work.series.writer.series(number, series.labels);
                work.series.check_length(self.owner);
            }
        }
    }

    fn create(
        &mut self,
        data: &mut Data,
        key: Hash128,
        series: &SeriesWrite<'_>,
    ) -> Result<u32, (RejectReason, &'static str)> {
        let times = series.samples.iter().map(|sample| sample.time);
        let mut times = times.chain(series.histograms.iter().map(|sample| sample.time));
        if !times.any(|time| self.oldest <= time && time <= self.newest) {
            // Nothing of it can be stored, so there is no reason for it to exist.
            let first = series.samples.first().map(|sample| sample.time);
            let first = first.or_else(|| series.histograms.first().map(|sample| sample.time));
            return Err(match first {
                Some(time) if time < self.oldest => (RejectReason::TooOld, "older than retention"),
                Some(_) => (RejectReason::TooFarInFuture, "ahead of the clock"),
                None => (RejectReason::Exemplar, "no such series"),
            });
        }
        if self.allowance == 0 {
            return Err((self.short_of, "new, and no sample is let through at the moment"));
        }
        self.admit_series(data, key, series.labels)
    }

    fn refuse(&mut self, series: &SeriesWrite<'_>, reason: RejectReason, detail: &str) {
        let samples = (series.samples.len() + series.histograms.len()) as u64;
        self.appended.reject(reason, samples, || describe(series.labels, detail));
        let exemplars = series.exemplars.len() as u64;
        self.appended.reject(RejectReason::Exemplar, exemplars, || {
            describe(series.labels, "no such series")
        });
    }

    fn store(&mut self, data: &mut Data, batch: &WriteBatch, work: &mut Workspace) {
        for (at, series) in batch.series().enumerate() {
            let number = work.numbers[at];
            let Data { table, arena, exemplars, newest, groups, .. } = data;
            let member = table.get(number).and_then(Series::member);
            let repeats = member.is_some_and(|member| groups.repeats(member, &series));
            if let Some(member) = member.filter(|_| !repeats) {
                groups.disturb(member, table, arena, &mut work.sealer);
            }
            let Some(known) = table.get_mut(number) else { continue };
            known.seen = self.seen;
            let samples = if repeats { &[] } else { series.samples };
            self.appended.samples += (series.samples.len() - samples.len()) as u64;
            for sample in samples {
                if let Err(reason) = self.admit(sample.time) {
                    self.reject(reason, &series, sample.time);
                    continue;
                }
                let (time, value, start) = (sample.time, sample.value, sample.start);
                match known.push(time, value, start, arena, &mut work.sealer) {
                    Pushed::Stored => {
                        *newest = (*newest).max(time);
                        work.samples.writer.sample(number, time, value, start);
                        work.samples.check_length(self.owner);
                        self.appended.samples += 1;
                    }
                    Pushed::Same => self.appended.samples += 1,
                    Pushed::Conflict => {
                        self.reject(RejectReason::DuplicateTimestamp, &series, time);
                    }
                }
            }
            if !series.histograms.is_empty() {
                let last = self.store_histograms(known, arena, number, &series, work);
                *newest = (*newest).max(last);
            }
            for exemplar in series.exemplars {
                let limit = self.context.options.exemplars_per_tenant;
                match exemplars.add(number, exemplar, limit) {
                    Added::Stored => {
                        work.exemplars.writer.exemplar(number, exemplar);
                        self.appended.exemplars += 1;
                    }
                    Added::Same => self.appended.exemplars += 1,
                    Added::Refused => {
                        self.reject(RejectReason::Exemplar, &series, exemplar.time.0);
                    }
                }
            }
            work.exemplars.check_length(self.owner);
        }
    }

    /// Returns the greatest time of those that were stored.
    fn store_histograms(
        &mut self,
        known: &mut Series,
        arena: &mut Arena,
        number: u32,
        series: &SeriesWrite<'_>,
        work: &mut Workspace,
    ) -> i64 {
        let mut newest = i64::MIN;
        for sample in series.histograms {
            let admitted = self.admit(sample.time).and_then(|()| {
                let histogram = &sample.value;
                let buckets = histogram.positive_buckets.len() + histogram.negative_buckets.len();
                let bounds = histogram.custom_values.len();
                let valid =
                    buckets + bounds <= HISTOGRAM_BUCKETS_MAX && histogram.validate().is_ok();
                if valid { Ok(()) } else { Err(RejectReason::InvalidHistogram) }
            });
            if let Err(reason) = admitted {
                self.reject(reason, series, sample.time);
                continue;
            }
            let (time, start) = (sample.time, sample.start);
            match known.push_histogram(time, &sample.value, start, arena, &mut work.sealer) {
                Pushed::Stored => {
                    newest = newest.max(time);
                    work.histograms.writer.histogram(number, time, &sample.value, start);
                    work.histograms.check_length(self.owner);
                    self.appended.histograms += 1;
                }
                Pushed::Same => self.appended.histograms += 1,
                Pushed::Conflict => {
                    self.reject(RejectReason::DuplicateTimestamp, series, sample.time);
                }
            }
        }
        newest
    }

    #[inline]
    fn check_time(&self, time: i64) -> Result<(), RejectReason> {
        if time < self.oldest {
            return Err(RejectReason::TooOld);
        }
        if time > self.newest {
            return Err(RejectReason::TooFarInFuture);
        }
        Ok(())
    }

    #[inline]
    fn admit(&mut self, time: i64) -> Result<(), RejectReason> {
        self.check_time(time)?;
        if self.allowance == 0 {
            return Err(self.short_of);
        }
        self.allowance -= 1;
        Ok(())
    }

    #[cold]
    fn reject(&mut self, reason: RejectReason, series: &SeriesWrite<'_>, time: i64) {
        self.appended.reject(reason, 1, || describe(series.labels, &format!("at {time}")));
    }

    fn metadata(&mut self, data: &mut Data, batch: &WriteBatch, work: &mut Workspace) {
        for (metric, metadata) in batch.metadata() {
            if data.metadata.get(metric) == Some(metadata) {
                continue;
            }
            let is_full = data.metadata.len() >= self.context.options.metadata_per_tenant;
            let is_long = [metric, &metadata.help, &metadata.unit]
                .iter()
                .any(|text| text.len() > METADATA_BYTES_MAX);
            if is_long || (is_full && !data.metadata.contains_key(metric)) {
                self.appended.metadata_dropped += 1;
                continue;
            }
            work.metadata.writer.metadata(metric, metadata);
            work.metadata.check_length(self.owner);
            data.metadata.insert(metric.clone(), metadata.clone());
        }
    }
}

/// A series and what is wrong with it, for a person.
fn describe(packed: &[u8], detail: &str) -> String {
    const SHOWN_MAX: usize = 300;
    match Labels::from_bytes(packed) {
        Some(labels) => {
            let shown: String = labels.to_string().chars().take(SHOWN_MAX).collect();
            format!("{shown}: {detail}")
        }
        None => detail.to_owned(),
    }
}
