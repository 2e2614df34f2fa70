//! Encodes a batch as a remote write request, uncompressed.

use std::collections::HashMap;

use model::{
    exemplar::Exemplar,
    metadata::Metadata,
    write::{SeriesWrite, WriteBatch},
};
use rustc_hash::FxBuildHasher;

use super::{
    Version,
    fields::{family, metric_type_number, put_sample},
    histogram,
};
use crate::{
    packed,
    protobuf::writer::{put_bytes, put_double, put_message, put_string, put_varint},
};

/// What the format could not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeStats {
    /// Start timestamps, which 1.0 does not know.
    pub starts_dropped: usize,
    /// Descriptions of metrics without a series in the batch, and all but one of the descriptions
    /// of the same metric: 2.0 ties them to series.
    pub metadata_dropped: usize,
    /// Series without a sample, which 2.0 receivers refuse; exemplars go with them.
    pub series_dropped: usize,
}

/// Appends the request to `out`.
pub fn encode(version: Version, batch: &WriteBatch, out: &mut Vec<u8>) -> EncodeStats {
    match version {
        Version::V1 => encode_v1(batch, out),
        Version::V2 => encode_v2(batch.series(), batch.metadata(), out),
    }
}

fn encode_v1(batch: &WriteBatch, out: &mut Vec<u8>) -> EncodeStats {
    let mut stats = EncodeStats::default();
    for series in batch.series() {
        stats.starts_dropped += series.samples.iter().filter(|sample| sample.start != 0).count();
        stats.starts_dropped += series.histograms.iter().filter(|sample| sample.start != 0).count();
        put_message(out, 1, |out| {
            put_labels(out, packed::labels(series.labels));
            for sample in series.samples {
                put_message(out, 2, |out| put_sample(out, sample, false));
            }
            for exemplar in series.exemplars {
                put_message(out, 3, |out| {
                    put_labels(out, exemplar.labels.iter());
                    put_double(out, 2, exemplar.value);
                    put_varint(out, 3, exemplar.time.millis() as u64);
                });
            }
            for sample in series.histograms {
                put_message(out, 4, |out| histogram::put(out, sample, false));
            }
        });
    }
    for (metric, metadata) in batch.metadata() {
        put_message(out, 3, |out| {
            put_varint(out, 1, metric_type_number(metadata.kind));
            put_string(out, 2, metric);
            put_string(out, 4, &metadata.help);
            put_string(out, 5, &metadata.unit);
        });
    }
    stats
}

/// `Label` messages as field 1.
pub(crate) fn put_labels<'a>(out: &mut Vec<u8>, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    for (name, value) in labels {
        put_message(out, 1, |out| {
            put_string(out, 1, name);
            put_string(out, 2, value);
        });
    }
}

/// A request of 2.0 with some of a batch's series.
pub(crate) fn encode_v2<'a>(
    series: impl Iterator<Item = SeriesWrite<'a>>,
    metadata: &'a [(String, Metadata)],
    out: &mut Vec<u8>,
) -> EncodeStats {
    let mut stats = EncodeStats::default();
    let mut symbols = Symbols::default();
    symbols.number("");
    let mut descriptions = Descriptions::new(metadata);
    let mut body = Vec::new();
    for series in series {
        if series.samples.is_empty() && series.histograms.is_empty() {
            stats.series_dropped += 1;
            continue;
        }
        let metadata = descriptions.find(packed::metric(series.labels));
        put_message(&mut body, 5, |out| put_series_v2(out, &series, metadata, &mut symbols));
    }
    stats.metadata_dropped = metadata.len() - descriptions.used();
    for symbol in &symbols.in_order {
        put_bytes(out, 4, symbol.as_bytes());
    }
    // Symbols first, so that a receiver can read in one pass.
    out.append(&mut body);
    stats
}

fn put_series_v2<'a>(
    out: &mut Vec<u8>,
    series: &SeriesWrite<'a>,
    metadata: Option<&'a Metadata>,
    symbols: &mut Symbols<'a>,
) {
    put_refs(out, packed::labels(series.labels), symbols);
    for sample in series.samples {
        put_message(out, 2, |out| put_sample(out, sample, true));
    }
    for sample in series.histograms {
        put_message(out, 3, |out| histogram::put(out, sample, true));
    }
    for Exemplar { labels, value, time } in series.exemplars {
        put_message(out, 4, |out| {
            put_refs(out, labels.iter(), symbols);
            put_double(out, 2, *value);
            put_varint(out, 3, time.millis() as u64);
        });
    }
    if let Some(Metadata { kind, help, unit }) = metadata {
        put_message(out, 5, |out| {
            put_varint(out, 1, metric_type_number(*kind));
            put_varint(out, 3, symbols.number(help));
            put_varint(out, 4, symbols.number(unit));
        });
    }
}

fn put_refs<'a>(
    out: &mut Vec<u8>,
    labels: impl Iterator<Item = (&'a str, &'a str)>,
    symbols: &mut Symbols<'a>,
) {
    put_message(out, 1, |out| {
        for (name, value) in labels {
            codec::varint::put_u64(out, symbols.number(name));
            codec::varint::put_u64(out, symbols.number(value));
        }
    });
}

/// The strings of a request, each once.
#[derive(Debug, Default)]
struct Symbols<'a> {
    in_order: Vec<&'a str>,
    numbers: HashMap<&'a str, u64, FxBuildHasher>,
}

impl<'a> Symbols<'a> {
    fn number(&mut self, symbol: &'a str) -> u64 {
        *self.numbers.entry(symbol).or_insert_with(|| {
            self.in_order.push(symbol);
            self.in_order.len() as u64 - 1
        })
    }
}

/// A batch's descriptions by metric name, and which of them were used.
#[derive(Debug)]
pub(crate) struct Descriptions<'a> {
    by_metric: HashMap<&'a str, (&'a Metadata, bool), FxBuildHasher>,
}

impl<'a> Descriptions<'a> {
    pub(crate) fn new(metadata: &'a [(String, Metadata)]) -> Self {
        let by_metric = metadata.iter();
        let by_metric = by_metric.map(|(metric, metadata)| (metric.as_str(), (metadata, false)));
        Self { by_metric: by_metric.collect() }
    }

    /// What a series is described under: its own name, or the family that its suffix belongs to.
    pub(crate) fn family<'m>(&self, metric: &'m str) -> Option<&'m str> {
        if self.by_metric.is_empty() {
            return None;
        }
        if self.by_metric.contains_key(metric) {
            return Some(metric);
        }
        let (stem, _) = metric.rsplit_once('_')?;
        let (metadata, _) = self.by_metric.get(stem)?;
        Some(stem).filter(|stem| family(metric, metadata.kind) == *stem)
    }

    fn find(&mut self, metric: &str) -> Option<&'a Metadata> {
        let (metadata, used) = self.by_metric.get_mut(self.family(metric)?)?;
        *used = true;
        Some(metadata)
    }

    fn used(&self) -> usize {
        self.by_metric.values().filter(|(_, used)| *used).count()
    }
}
