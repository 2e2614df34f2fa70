//! The sender's end: finds the series of a batch in its groups, and writes frames.

use std::collections::BTreeSet;

use codec::varint::{put_i64, put_u64};
use model::{
    labels::METRIC_NAME,
    tenant::TenantId,
    write::{Sample, SeriesWrite, WriteBatch},
};

use super::{
    format::{BATCH, DROP, FRAME, GROUP, put_checksum, put_header},
    group::{Group, Offered},
    labels,
    limits::GROUP_MEMBERS_MAX,
    registry::Registry,
};
use crate::{
    limits::Limits,
    packed,
    protobuf::writer::put_message,
    remote_write::{self, Descriptions},
};

/// Neighbours share a group while these say the same, so that when one container starts or ends
/// the groups of the others stay as they are.
const SHARED: [&str; 3] = ["instance", "container", "app"];
/// A group that had no frame for so many milliseconds is dropped. What is collected more rarely than
/// everything else keeps its group meanwhile. It is told from the samples' times, not from the number
/// of bodies: each scrape may be a body of its own.
const SILENCE_MAX: i64 = 10 * 60 * 1000;
/// One body moves the encoder's clock by no more milliseconds than this, so that one target whose
/// clock is years ahead neither makes everything else look silent nor stops the clock for good.
const STEP_MAX: i64 = SILENCE_MAX / 2;

/// What went into a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeStats {
    pub groups_registered: usize,
    pub groups_dropped: usize,
    /// Samples in frames; each frame has one for each member of its group.
    pub framed: usize,
    /// Samples in the remote write message, those repeated for an exemplar or description included.
    pub batched: usize,
    /// What that message could not say.
    pub batch: remote_write::EncodeStats,
}

/// How a series of the batch at hand travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In the frame of this group.
    Frame(u32),
    /// In a group that is yet to be registered.
    New,
    /// In the remote write message.
    Batch,
}

/// The state of one sender.
#[derive(Debug)]
pub struct Encoder {
    epoch: u64,
    sequence: u64,
    lift: String,
    registry: Registry,
    /// About the newest time of a sample that was seen, in milliseconds since the Unix epoch.
    clock: Option<i64>,
    /// One for each series of the batch at hand.
    ways: Vec<Way>,
    /// Groups that have samples in the batch at hand.
    touched: Vec<u32>,
    /// Groups registered with the body at hand.
    registered: Vec<u32>,
}

impl Encoder {
    /// `epoch` is chosen at random; `lift` is the label that names a series' tenant.
    pub fn new(epoch: u64, lift: &str) -> Self {
        Self {
            epoch,
            sequence: 0,
            lift: lift.to_owned(),
            registry: Registry::default(),
            clock: None,
            ways: Vec::new(),
            touched: Vec::new(),
            registered: Vec::new(),
        }
    }

    /// Begins anew: the next body registers its groups again.
    pub fn reset(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.sequence = 0;
        self.registry = Registry::default();
        self.clock = None;
    }

    /// That of the last body.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Writes the next body into `out`, in place of what was there. It must reach the receiver
    /// before the one after it does, or the receiver will ask to begin anew.
    pub fn encode(&mut self, batch: &WriteBatch, out: &mut Vec<u8>) -> EncodeStats {
        let mut stats = EncodeStats::default();
        self.sequence += 1;
        out.clear();
        put_header(out, self.epoch, self.sequence);
        self.gather(batch);
        self.drop_changed(&mut stats, out);
        self.register(batch, &mut stats, out);
        self.put_frames(&mut stats, out);
        self.put_rest(batch, &mut stats, out);
        put_checksum(out);
        stats
    }

    /// Offers each series to the group that it is in.
    fn gather(&mut self, batch: &WriteBatch) {
        self.ways.clear();
        self.touched.clear();
        self.registered.clear();
        let mut newest = None;
        for series in batch.series() {
            let way = match plain(&series) {
                None => Way::Batch,
                Some(sample) => {
                    newest = newest.max(Some(sample.time));
                    match self.registry.find(series.labels) {
                        Some(place) => self.offer(place.group, place.slot, sample),
                        None => Way::New,
                    }
                }
            };
            self.ways.push(way);
        }
        self.clock = match (self.clock, newest) {
            (Some(clock), Some(newest)) => {
                Some(newest.clamp(clock, clock.saturating_add(STEP_MAX)))
            }
            (clock, newest) => clock.or(newest),
        };
    }

    fn offer(&mut self, group: u32, slot: u32, sample: &Sample) -> Way {
        let members = self.registry.get_mut(group);
        match members.map(|group| group.offer(slot, sample.time, sample.value.to_bits())) {
            Some(Offered::First) => self.touched.push(group),
            Some(Offered::Taken) => {}
            Some(Offered::Repeated) | None => return Way::Batch,
        }
        Way::Frame(group)
    }

    /// Drops groups that are not whole, whose series are registered in new ones, and groups that
    /// have been silent for long.
    fn drop_changed(&mut self, stats: &mut EncodeStats, out: &mut Vec<u8>) {
        let whole = |group: u32| self.registry.get(group).is_some_and(|group| group.is_whole());
        let mut gone: Vec<u32> =
            self.touched.iter().copied().filter(|group| !whole(*group)).collect();
        if !gone.is_empty() {
            gone.sort_unstable();
            for way in &mut self.ways {
                if matches!(way, Way::Frame(group) if gone.binary_search(group).is_ok()) {
                    *way = Way::New;
                }
            }
            self.touched.retain(|group| gone.binary_search(group).is_err());
        }
        // Not those that have a frame in this body: their series are on their way already.
        let clock = self.clock.unwrap_or_default();
        let silent = |group: &Group| {
            group.is_untouched() && clock.saturating_sub(group.heard()) > SILENCE_MAX
        };
        gone.extend(self.registry.iter().filter(|(_, group)| silent(group)).map(|(n, _)| n));
        gone.sort_unstable();
        gone.dedup();
        for group in gone {
            self.put_drop(group, stats, out);
        }
    }

    fn put_drop(&mut self, group: u32, stats: &mut EncodeStats, out: &mut Vec<u8>) {
        self.registry.remove(group);
        stats.groups_dropped += 1;
        put_message(out, DROP, |out| put_u64(out, group.into()));
    }

    /// Puts the series that are in no group into new ones.
    fn register(&mut self, batch: &WriteBatch, stats: &mut EncodeStats, out: &mut Vec<u8>) {
        let mut ways = std::mem::take(&mut self.ways);
        let mut open: Option<(Kinship<'_>, u32)> = None;
        for (series, way) in batch.series().zip(&mut ways).filter(|(_, way)| **way == Way::New) {
            *way = self.place(&series, &mut open).unwrap_or(Way::Batch);
        }
        self.ways = ways;
        stats.groups_registered += self.registered.len();
        for number in &self.registered {
            put_message(out, GROUP, |out| put_group(out, &self.registry, *number, &self.lift));
        }
    }

    /// Adds a series to the open group, or opens another. `None` when no group can have it.
    fn place<'a>(
        &mut self,
        series: &SeriesWrite<'a>,
        open: &mut Option<(Kinship<'a>, u32)>,
    ) -> Option<Way> {
        let sample = plain(series)?;
        let kinship = Kinship::of(series.labels, sample.time, &self.lift)?;
        // Found, it is twice in the batch.
        if self.registry.is_full() || self.registry.find(series.labels).is_some() {
            return None;
        }
        let room =
            |group: u32| self.registry.get(group).is_some_and(|g| g.len() < GROUP_MEMBERS_MAX);
        let group = match open {
            Some((kin, group)) if *kin == kinship && room(*group) => *group,
            _ => {
                let number = self.registry.open()?;
                *open = Some((kinship, number));
                self.registered.push(number);
                number
            }
        };
        let place = self.registry.add(group, series.labels);
        Some(self.offer(place.group, place.slot, sample))
    }

    fn put_frames(&mut self, stats: &mut EncodeStats, out: &mut Vec<u8>) {
        let clock = self.clock.unwrap_or_default();
        let mut time = 0;
        let mut ended = Vec::new();
        for number in &self.touched {
            let Some(group) = self.registry.get_mut(*number) else { continue };
            stats.framed += group.len();
            put_message(out, FRAME, |out| {
                put_u64(out, (*number).into());
                put_i64(out, group.time().wrapping_sub(time));
                time = group.time();
                if group.ends() {
                    ended.push(*number);
                }
                group.put_frame(clock, out);
            });
        }
        for group in ended {
            self.put_drop(group, stats, out);
        }
    }

    /// What no frame holds, as remote write.
    fn put_rest(&self, batch: &WriteBatch, stats: &mut EncodeStats, out: &mut Vec<u8>) {
        let described = self.first_described(batch);
        let travels = |(number, (series, way)): &(usize, (SeriesWrite<'_>, &Way))| {
            **way == Way::Batch || !series.exemplars.is_empty() || described.contains(number)
        };
        let rest = || batch.series().zip(&self.ways).enumerate().filter(travels);
        if rest().next().is_none() && batch.metadata().is_empty() {
            return;
        }
        let series = rest().map(|(_, (series, _))| series).inspect(|series| {
            stats.batched += series.samples.len() + series.histograms.len();
        });
        put_message(out, BATCH, |out| {
            stats.batch = remote_write::encode_v2(series, batch.metadata(), out);
        });
    }

    /// Of each tenant the first series of each metric that has a description: remote write ties
    /// descriptions to series.
    fn first_described(&self, batch: &WriteBatch) -> BTreeSet<usize> {
        if batch.metadata().is_empty() {
            return BTreeSet::new();
        }
        let descriptions = Descriptions::new(batch.metadata());
        let mut described = BTreeSet::new();
        let first = batch.series().enumerate().filter(|(_, series)| {
            let tenant = packed::find(series.labels, &self.lift).map(|(_, tenant)| tenant);
            let family = descriptions.family(packed::metric(series.labels));
            family.is_some_and(|family| described.insert((tenant, family)))
        });
        first.map(|(number, _)| number).collect()
    }
}

/// The sample of a series that has nothing else for which a frame has no room. Exemplars do not
/// matter: they follow in the remote write message.
fn plain<'a>(series: &SeriesWrite<'a>) -> Option<&'a Sample> {
    match series.samples {
        [sample] if sample.start == 0 && series.histograms.is_empty() => Some(sample),
        _ => None,
    }
}

/// What the members of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kinship<'a> {
    tenant: Option<&'a str>,
    shared: [&'a str; SHARED.len()],
    time: i64,
}

impl<'a> Kinship<'a> {
    /// `None` for what receivers do not take from a group: remote write leaves out the one series,
    /// and says why.
    fn of(packed: &'a [u8], time: i64, lift: &str) -> Option<Self> {
        let limits = Limits::default();
        let mut own = Self { tenant: None, shared: [""; SHARED.len()], time };
        let (mut count, mut named) = (0, false);
        for (name, value) in packed::labels(packed) {
            count += 1;
            if name.len() > limits.label_name_bytes || value.len() > limits.label_value_bytes {
                return None;
            }
            named |= name == METRIC_NAME;
            if name == lift {
                own.tenant = Some(value);
                TenantId::new(value).ok()?;
            }
            let shared = SHARED.iter().zip(&mut own.shared).find(|(shared, _)| **shared == name);
            if let Some((_, shared)) = shared {
                *shared = value;
            }
        }
        (named && count <= limits.labels_per_series).then_some(own)
    }
}

fn put_group(out: &mut Vec<u8>, registry: &Registry, number: u32, lift: &str) {
    let Some(group) = registry.get(number) else { return };
    let first = group.labels().get(0).unwrap_or_default();
    let tenant = packed::find(first, lift).map_or("", |(_, tenant)| tenant);
    put_u64(out, number.into());
    put_u64(out, tenant.len() as u64);
    out.extend_from_slice(tenant.as_bytes());
    put_u64(out, group.len() as u64);
    let mut previous = Vec::new();
    let mut own = Vec::new();
    for labels in group.labels().members() {
        own.clear();
        own.extend_from_slice(labels);
        if let Some((label, _)) = packed::find(labels, lift) {
            own.drain(label);
        }
        labels::put(out, &previous, &own);
        std::mem::swap(&mut previous, &mut own);
    }
}
