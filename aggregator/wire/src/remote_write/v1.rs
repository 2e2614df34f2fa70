//! Decodes remote write 1.0.
//!
//! ```text
//! WriteRequest    repeated TimeSeries timeseries = 1; (2 is reserved)
//!                 repeated MetricMetadata metadata = 3;
//! TimeSeries      repeated Label labels = 1; repeated Sample samples = 2;
//!                 repeated Exemplar exemplars = 3; repeated Histogram histograms = 4;
//! Label           string name = 1; string value = 2;
//! Exemplar        repeated Label labels = 1; double value = 2; int64 timestamp = 3;
//! MetricMetadata  MetricType type = 1; string metric_family_name = 2; string help = 4;
//!                 string unit = 5;
//! ```
//!
//! Source: `prompb/remote.proto` and `prompb/types.proto` of Prometheus.
//! Numbers 4 and 5 of the request are what 2.0 uses, so they mean a wrong content type.

use std::str::from_utf8;

use super::{
    DecodeError, Version,
    fields::{metric_type, read_sample},
    histogram,
    template::Template,
};
use crate::{
    protobuf::{
        BYTES, FIXED64, VARINT,
        reader::{Reader, Result as Read},
        tag,
    },
    series::{Series, Sink},
    skipped::SkipReason,
};

const TIMESERIES: u32 = tag(1, BYTES);
const METADATA: u32 = tag(3, BYTES);
const SYMBOLS_OF_V2: u32 = tag(4, BYTES);
const TIMESERIES_OF_V2: u32 = tag(5, BYTES);

const LABELS: u32 = tag(1, BYTES);
const SAMPLES: u32 = tag(2, BYTES);
const EXEMPLARS: u32 = tag(3, BYTES);
const HISTOGRAMS: u32 = tag(4, BYTES);

const LABEL_NAME: u32 = tag(1, BYTES);
const LABEL_VALUE: u32 = tag(2, BYTES);

pub(crate) fn decode(body: &[u8], sink: &mut Sink<'_, '_>) -> Result<(), DecodeError> {
    let mut reader = Reader::new(body);
    let mut series = Series::default();
    let mut decoder = Decoder {
        raw: RawLabels::default(),
        keys: Vec::new(),
        template: Template::default(),
        sink,
    };
    loop {
        let position = reader.position();
        let Some(tag) = reader.tag()? else { return Ok(()) };
        match tag {
            TIMESERIES => {
                decoder.sink.count_series()?;
                series.clear();
                decoder.series(reader.bytes()?, &mut series)?;
            }
            METADATA => read_metadata(reader.bytes()?, decoder.sink)?,
            SYMBOLS_OF_V2 | TIMESERIES_OF_V2 => {
                return Err(DecodeError::WrongVersion {
                    position,
                    field: tag >> 3,
                    announced: Version::V1,
                    other: Version::V2,
                });
            }
            _ => reader.skip(tag)?,
        }
    }
}

struct Decoder<'a, 's, 'o, 'p> {
    /// Labels of the series at hand that the template does not hold.
    raw: RawLabels,
    /// All of them as they came, one more than allowed at most.
    keys: Vec<&'a [u8]>,
    template: Template<'a, &'a [u8]>,
    sink: &'s mut Sink<'o, 'p>,
}

impl<'a> Decoder<'a, '_, '_, '_> {
    fn series(&mut self, message: Reader<'a>, series: &mut Series<'a>) -> Result<(), DecodeError> {
        self.read(message, series)?;
        let empty = series.samples.is_empty()
            && series.histograms.is_empty()
            && series.exemplars.is_empty()
            && series.histograms_skipped == 0;
        let value_bytes = self.sink.limits().label_value_bytes;
        if !empty && self.template.follow(&self.keys, label, value_bytes) {
            let template = &self.template;
            let (packed, text_bytes) = (template.packed(), template.text_bytes());
            self.sink.commit_packed(series, packed, text_bytes, template.committed())?;
            return Ok(());
        }
        self.resolve(message, series)?;
        // A sender may name a series without saying anything of it: nothing is lost.
        if (!empty || series.fault.is_some()) && self.sink.commit(series)?.is_some() {
            self.template.learn(&self.keys, label, self.sink.lift());
        }
        Ok(())
    }

    fn read(
        &mut self,
        mut message: Reader<'a>,
        series: &mut Series<'a>,
    ) -> Result<(), DecodeError> {
        self.raw.clear();
        self.keys.clear();
        let labels_max = self.sink.limits().labels_per_series;
        while let Some(tag) = message.tag()? {
            match tag {
                LABELS => {
                    let label = message.bytes()?;
                    if !self.template.holds(self.keys.len(), label.rest()) {
                        self.raw.read(label, labels_max)?;
                    }
                    if self.keys.len() <= labels_max {
                        self.keys.push(label.rest());
                    }
                }
                SAMPLES => {
                    self.sink.count_sample()?;
                    series.samples.push(read_sample(message.bytes()?)?);
                }
                EXEMPLARS => {
                    self.sink.count_exemplar()?;
                    read_exemplar(message.bytes()?, series, self.sink)?;
                }
                HISTOGRAMS => {
                    self.sink.count_histogram()?;
                    let buckets_max = self.sink.limits().histogram_buckets;
                    match histogram::read(message.bytes()?, buckets_max)? {
                        Ok(sample) => series.histograms.push(sample),
                        Err(why) => {
                            series.histograms_skipped += 1;
                            self.sink.skip(SkipReason::InvalidHistogram, 1, || why.to_string());
                        }
                    }
                }
                _ => message.skip(tag)?,
            }
        }
        Ok(())
    }

    /// Looks all labels up, when the template does not help.
    fn resolve(&mut self, whole: Reader<'a>, series: &mut Series<'a>) -> Result<(), DecodeError> {
        if self.raw.ranges.len() < self.keys.len() {
            // Some were passed over.
            self.raw.clear();
            let labels_max = self.sink.limits().labels_per_series;
            let mut message = whole;
            while let Some(tag) = message.tag()? {
                match tag {
                    LABELS => self.raw.read(message.bytes()?, labels_max)?,
                    _ => message.skip(tag)?,
                }
            }
        }
        if self.raw.resolve(whole, &mut series.labels).is_none() {
            series.set_fault(SkipReason::InvalidUtf8);
        }
        if self.raw.too_many {
            series.set_fault(SkipReason::TooManyLabels);
        }
        Ok(())
    }
}

/// Name and value of a label's message.
fn label(content: &[u8]) -> Option<(&str, &str)> {
    let mut message = Reader::new(content);
    let (mut name, mut value) = (&b""[..], &b""[..]);
    while let Some(tag) = message.tag().ok()? {
        match tag {
            LABEL_NAME => name = message.bytes().ok()?.rest(),
            LABEL_VALUE => value = message.bytes().ok()?.rest(),
            _ => message.skip(tag).ok()?,
        }
    }
    Some((from_utf8(name).ok()?, from_utf8(value).ok()?))
}

/// Labels as ranges of the body, not yet known to be UTF-8.
///
/// The labels of a series lie side by side, and their tags and lengths are mostly ASCII. So one
/// check of the whole run nearly always replaces two for each label; slices of a checked string
/// need no check of their own, only their ends must be at character boundaries.
#[derive(Debug, Default)]
struct RawLabels {
    /// Start and end of name and value, as offsets into the body.
    ranges: Vec<[usize; 4]>,
    /// There were more than the caller wanted; those are not kept.
    too_many: bool,
}

impl RawLabels {
    fn clear(&mut self) {
        self.ranges.clear();
        self.too_many = false;
    }

    #[inline]
    fn read(&mut self, mut message: Reader<'_>, max: usize) -> Read<()> {
        let mut range = [message.position(); 4];
        while let Some(tag) = message.tag()? {
            match tag {
                LABEL_NAME => {
                    range[1] = {
                        let name = message.bytes()?;
                        range[0] = name.position();
                        range[0] + name.rest().len()
                    };
                }
                LABEL_VALUE => {
                    range[3] = {
                        let value = message.bytes()?;
                        range[2] = value.position();
                        range[2] + value.rest().len()
                    };
                }
                _ => message.skip(tag)?,
            }
        }
        if self.ranges.len() < max {
            self.ranges.push(range);
        } else {
            self.too_many = true;
        }
        Ok(())
    }

    /// Appends the labels, `None` when one is not UTF-8. `message` holds them all.
    fn resolve<'a>(&self, message: Reader<'a>, labels: &mut Vec<(&'a str, &'a str)>) -> Option<()> {
        let (first, last) = match (self.ranges.first(), self.ranges.last()) {
            (Some(first), Some(last)) => (first[0].min(first[2]), last[1].max(last[3])),
            _ => return Some(()),
        };
        let base = message.position();
        let bytes = message.rest();
        let run = bytes.get(first - base..last - base).and_then(|run| from_utf8(run).ok());
        if let Some(run) = run {
            // A slice fails only where a label ends amid a character, so is not UTF-8 by itself.
            let slice = |from: usize, to: usize| run.get(from.checked_sub(first)?..to - first);
            return self.ranges.iter().try_for_each(|&[a, b, c, d]| {
                labels.push((slice(a, b)?, slice(c, d)?));
                Some(())
            });
        }
        let slice = |from: usize, to: usize| from_utf8(bytes.get(from - base..to - base)?).ok();
        self.ranges.iter().try_for_each(|&[a, b, c, d]| {
            labels.push((slice(a, b)?, slice(c, d)?));
            Some(())
        })
    }
}

fn read_exemplar(
    mut message: Reader<'_>,
    series: &mut Series<'_>,
    sink: &mut Sink<'_, '_>,
) -> Result<(), DecodeError> {
    const EXEMPLAR_VALUE: u32 = tag(2, FIXED64);
    const EXEMPLAR_TIMESTAMP: u32 = tag(3, VARINT);
    let whole = message;
    let mut raw = RawLabels::default();
    let (mut value, mut time) = (0.0, 0);
    while let Some(tag) = message.tag()? {
        match tag {
            LABELS => raw.read(message.bytes()?, sink.limits().labels_per_series)?,
            EXEMPLAR_VALUE => value = message.double()?,
            EXEMPLAR_TIMESTAMP => time = message.varint()? as i64,
            _ => message.skip(tag)?,
        }
    }
    let mut labels = Vec::new();
    let resolved = raw.resolve(whole, &mut labels).filter(|()| !raw.too_many);
    let labels = resolved.map(|()| labels.as_slice());
    Ok(sink.exemplar(labels, value, time, series)?)
}

fn read_metadata(mut message: Reader<'_>, sink: &mut Sink<'_, '_>) -> Result<(), DecodeError> {
    const KIND: u32 = tag(1, VARINT);
    const FAMILY: u32 = tag(2, BYTES);
    const HELP: u32 = tag(4, BYTES);
    const UNIT: u32 = tag(5, BYTES);
    let (mut kind, mut family, mut help, mut unit) = (0, &b""[..], &b""[..], &b""[..]);
    while let Some(tag) = message.tag()? {
        match tag {
            KIND => kind = message.varint()?,
            FAMILY => family = message.bytes()?.rest(),
            HELP => help = message.bytes()?.rest(),
            UNIT => unit = message.bytes()?.rest(),
            _ => message.skip(tag)?,
        }
    }
    match (from_utf8(family), from_utf8(help), from_utf8(unit)) {
        (Ok(family), Ok(help), Ok(unit)) => {
            Ok(sink.metadata(None, family, metric_type(kind), (help, unit))?)
        }
        _ => {
            sink.skip(SkipReason::InvalidMetadata, 0, || {
                format!("text of metric {:?} is not UTF-8", String::from_utf8_lossy(family))
            });
            Ok(())
        }
    }
}
