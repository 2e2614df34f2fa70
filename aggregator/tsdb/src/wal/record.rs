//! What the write-ahead log says, record by record. `FORMAT.md` has the bytes.
//!
//! Every record stands for itself: it names the run of the process and the number of the tenant,
//! and its samples depend on no other record's, but for frames, which say what has changed. Only what a number means (a tenant, a series) is
//! told elsewhere, twice per epoch, because damage there would cost more than a record. Numbers are
//! never reused within a run, so a lost record can leave numbers without meaning but never give
//! them a wrong one.

use std::sync::Arc;

use codec::{chunk, varint};
use model::{
    exemplar::Exemplar,
    histogram::Histogram,
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
};

mod group;
mod series;

pub(crate) use group::{FrameRecord, read_frame, read_group};
pub(crate) use series::{Shared, read_numbers, read_series};

/// Kinds of records.
pub(crate) const TENANT: u8 = 1;
pub(crate) const SERIES: u8 = 2;
pub(crate) const SAMPLES: u8 = 3;
pub(crate) const HISTOGRAMS: u8 = 4;
pub(crate) const EXEMPLARS: u8 = 5;
pub(crate) const METADATA: u8 = 6;
/// The tenant has been deleted: what the log says of it up to here is void.
pub(crate) const TENANT_DELETED: u8 = 7;
pub(crate) const GROUP: u8 = 8;
pub(crate) const FRAME: u8 = 9;

/// Bits of a sample's control byte; the low half is the length of the value.
const NEXT_SERIES: u8 = 1 << 4;
const SAME_TIME: u8 = 1 << 5;
const HAS_START: u8 = 1 << 6;

/// Memory that a writer keeps between records, in bytes.
const KEPT_BYTES_MAX: usize = 128 << 10;

/// Whose a record is: the run that wrote it and the tenant's number in that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) run: u32,
    pub(crate) tenant: u32,
}

impl Owner {
    fn put(self, out: &mut Vec<u8>) {
        varint::put_u64(out, u64::from(self.run));
        varint::put_u64(out, u64::from(self.tenant));
    }

    /// Takes the owner off the front of any record.
    pub(crate) fn take(input: &mut &[u8]) -> Option<Self> {
        Some(Self { run: take_u32(input)?, tenant: take_u32(input)? })
    }
}

/// Builds the payload of one record.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    header: usize,
    last_series: u32,
    last_time: i64,
    last_start: i64,
    last_labels: Vec<u8>,
    scratch: chunk::Scratch,
}

impl Writer {
    /// Begins a record.
    pub(crate) fn begin(&mut self, owner: Owner) {
        self.bytes.clear();
        // A burst of new series need not be remembered for ever.
        self.bytes.shrink_to(KEPT_BYTES_MAX);
        owner.put(&mut self.bytes);
        self.header = self.bytes.len();
        (self.last_series, self.last_time, self.last_start) = (0, 0, 0);
        self.last_labels.clear();
    }

    /// Whether nothing follows the owner yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() == self.header
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn tenant(&mut self, name: &str) {
        self.bytes.extend_from_slice(name.as_bytes());
    }

    pub(crate) fn series(&mut self, series: u32, labels: &[u8]) {
        let old = &self.last_labels;
        let prefix = old.iter().zip(labels).take_while(|(a, b)| a == b).count();
        let shorter = old.len().min(labels.len()) - prefix;
        let ends = old.iter().rev().zip(labels.iter().rev()).take(shorter);
        let suffix = ends.take_while(|(a, b)| a == b).count();
        let middle = labels.get(prefix..labels.len() - suffix).unwrap_or_default();
        let step = i64::from(series) - i64::from(self.last_series);
        varint::put_i64(&mut self.bytes, step);
        varint::put_u64(&mut self.bytes, prefix as u64);
        varint::put_u64(&mut self.bytes, suffix as u64);
        self.put_bytes(middle);
        self.last_series = series;
        self.last_labels.clear();
        self.last_labels.extend_from_slice(labels);
    }

    #[inline]
    pub(crate) fn sample(&mut self, series: u32, time: i64, value: f64, start: i64) {
        let swapped = value.to_bits().swap_bytes();
        let length = 8 - (swapped.leading_zeros() / 8) as usize;
        let mut control = length as u8;
        let is_next = series == self.last_series.wrapping_add(1);
        let same_time = time == self.last_time;
        control |= if is_next { NEXT_SERIES } else { 0 };
        control |= if same_time { SAME_TIME } else { 0 };
        control |= if start == 0 { 0 } else { HAS_START };
        self.bytes.push(control);
        if !is_next {
            let step = i64::from(series) - i64::from(self.last_series);
            varint::put_i64(&mut self.bytes, step);
        }
        if !same_time {
            varint::put_i64(&mut self.bytes, time.wrapping_sub(self.last_time));
        }
        if start != 0 {
            varint::put_i64(&mut self.bytes, start.wrapping_sub(self.last_start));
            self.last_start = start;
        }
        self.bytes.extend_from_slice(&swapped.to_le_bytes()[..length]);
        (self.last_series, self.last_time) = (series, time);
    }

    /// Returns whether the histogram could be encoded.
    pub(crate) fn histogram(
        &mut self,
        series: u32,
        time: i64,
        value: &Arc<Histogram>,
        start: i64,
    ) -> bool {
        let mut encoded = Vec::new();
        let one = std::slice::from_ref(value);
        if chunk::encode_histograms(one, &mut encoded, &mut self.scratch).is_err() {
            return false;
        }
        varint::put_u64(&mut self.bytes, u64::from(series));
        varint::put_i64(&mut self.bytes, time);
        varint::put_i64(&mut self.bytes, start);
        self.put_bytes(&encoded);
        true
    }

    pub(crate) fn exemplar(&mut self, series: u32, exemplar: &Exemplar) {
        varint::put_u64(&mut self.bytes, u64::from(series));
        varint::put_i64(&mut self.bytes, exemplar.time.0);
        self.bytes.extend_from_slice(&exemplar.value.to_bits().to_le_bytes());
        self.put_bytes(exemplar.labels.as_bytes());
    }

    pub(crate) fn metadata(&mut self, metric: &str, metadata: &Metadata) {
        self.put_bytes(metric.as_bytes());
        self.bytes.push(type_code(metadata.kind));
        self.put_bytes(metadata.help.as_bytes());
        self.put_bytes(metadata.unit.as_bytes());
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        varint::put_u64(&mut self.bytes, bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }
}

/// Reads samples as (series, time, value, start).
pub(crate) fn read_samples(
    mut input: &[u8],
    mut visit: impl FnMut(u32, i64, f64, i64),
) -> Option<()> {
    let (mut series, mut time, mut last_start) = (0u32, 0i64, 0i64);
    while let Some((&control, rest)) = input.split_first() {
        input = rest;
        series = if control & NEXT_SERIES != 0 {
            series.wrapping_add(1)
        } else {
            u32::try_from(i64::from(series).checked_add(varint::take_i64(&mut input)?)?).ok()?
        };
        if control & SAME_TIME == 0 {
            time = time.wrapping_add(varint::take_i64(&mut input)?);
        }
        let mut start = 0;
        if control & HAS_START != 0 {
            last_start = last_start.wrapping_add(varint::take_i64(&mut input)?);
            start = last_start;
        }
        let length = usize::from(control & 15);
        let (bytes, rest) = input.split_at_checked(length)?;
        let mut word = [0; 8];
        word.get_mut(..length)?.copy_from_slice(bytes);
        input = rest;
        visit(series, time, f64::from_bits(u64::from_le_bytes(word).swap_bytes()), start);
    }
    Some(())
}

/// Reads histograms as (series, time, value, start).
pub(crate) fn read_histograms(
    mut input: &[u8],
    mut visit: impl FnMut(u32, i64, Arc<Histogram>, i64),
) -> Option<()> {
    let mut decoded = Vec::new();
    while !input.is_empty() {
        let series = take_u32(&mut input)?;
        let time = varint::take_i64(&mut input)?;
        let start = varint::take_i64(&mut input)?;
        decoded.clear();
        chunk::decode_histograms(take_bytes(&mut input)?, 1, &mut decoded).ok()?;
        visit(series, time, decoded.pop()?, start);
    }
    Some(())
}

pub(crate) fn read_exemplars(mut input: &[u8], mut visit: impl FnMut(u32, Exemplar)) -> Option<()> {
    while !input.is_empty() {
        let series = take_u32(&mut input)?;
        let time = Timestamp(varint::take_i64(&mut input)?);
        let (value, rest) = input.split_first_chunk::<8>()?;
        let value = f64::from_bits(u64::from_le_bytes(*value));
        input = rest;
        let labels = Labels::from_bytes(take_bytes(&mut input)?)?;
        visit(series, Exemplar { labels, value, time });
    }
    Some(())
}

pub(crate) fn read_metadata(
    mut input: &[u8],
    mut visit: impl FnMut(String, Metadata),
) -> Option<()> {
    while !input.is_empty() {
        let metric = take_text(&mut input)?;
        let (&kind, rest) = input.split_first()?;
        input = rest;
        let kind = type_of(kind)?;
        let help = take_text(&mut input)?;
        let unit = take_text(&mut input)?;
        visit(metric, Metadata { kind, help, unit });
    }
    Some(())
}

/// The types by their number on disk.
const TYPES: [MetricType; 8] = [
    MetricType::Unknown,
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::GaugeHistogram,
    MetricType::Summary,
    MetricType::Info,
    MetricType::StateSet,
];

fn type_code(kind: MetricType) -> u8 {
    TYPES.iter().position(|known| *known == kind).unwrap_or(0) as u8
}

fn type_of(code: u8) -> Option<MetricType> {
    TYPES.get(usize::from(code)).copied()
}

fn take_u32(input: &mut &[u8]) -> Option<u32> {
    u32::try_from(varint::take_u64(input)?).ok()
}

fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint::take_u64(input)?).ok()?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

fn take_text(input: &mut &[u8]) -> Option<String> {
    std::str::from_utf8(take_bytes(input)?).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests;
