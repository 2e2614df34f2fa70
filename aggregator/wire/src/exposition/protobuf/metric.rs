//! One `Metric`: the readings that it stands for.

use std::sync::Arc;

use model::metadata::MetricType;

use super::{
    Described, Exposed, Histograms, ParseError,
    histogram::{self, Parts},
    read_pair, read_time,
};
use crate::{
    exposition::visit::{FoundExemplar, Reading, Series, Value, Visitor, found, limit},
    limits::Limits,
    protobuf::{BYTES, FIXED64, VARINT, reader::Reader},
};

/// Takes metrics apart. What it allocates is kept from metric to metric.
pub(super) struct Metrics<'a, 'o> {
    wanted: Histograms,
    limits: &'o Limits,
    samples: usize,
    labels: Vec<Reader<'a>>,
    labels_text: Vec<u8>,
    key: Vec<u8>,
}

/// What a metric holds besides its labels.
#[derive(Debug, Default)]
struct Held<'a> {
    value: Option<Reader<'a>>,
    time: Option<i64>,
}

/// A counter, gauge or untyped value.
#[derive(Debug, Default)]
struct Single {
    value: f64,
    exemplar: Option<FoundExemplar>,
    start: i64,
}

/// What all readings of one metric share.
#[derive(Clone, Copy)]
struct Common<'f> {
    family: &'f str,
    time: Option<i64>,
    start: i64,
}

type Bound = Option<(&'static str, f64)>;

impl<'a, 'o> Metrics<'a, 'o> {
    pub(super) fn new(wanted: Histograms, limits: &'o Limits) -> Self {
        let (labels, labels_text, key) = (Vec::new(), Vec::new(), Vec::new());
        Self { wanted, limits, samples: 0, labels, labels_text, key }
    }

    pub(super) fn visit<V: Visitor>(
        &mut self,
        family: &Described<'_>,
        message: Reader<'a>,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let kind = family.info.kind;
        let Held { value, time } = self.read(kind, message)?;
        let value = value.unwrap_or_else(|| Reader::new(&[]));
        let common = Common { family: family.info.name, time, start: 0 };
        match kind {
            MetricType::Summary => self.summary(common, value, visitor),
            MetricType::Histogram | MetricType::GaugeHistogram => {
                let parts = histogram::read(value, self.limits)?;
                let common = Common { start: parts.start, ..common };
                self.histogram(common, kind == MetricType::GaugeHistogram, parts, visitor)
            }
            _ => {
                let single = self.single(value)?;
                let common = Common { start: single.start, ..common };
                let exemplars = single.exemplar.into_iter().collect();
                self.give(common, "", None, Value::Float(single.value), exemplars, visitor)
            }
        }
    }

    /// Collects the labels, and finds the value of the family's type.
    fn read(&mut self, kind: MetricType, mut message: Reader<'a>) -> Result<Held<'a>, ParseError> {
        let wanted = match kind {
            MetricType::Gauge => 2,
            MetricType::Counter => 3,
            MetricType::Summary => 4,
            MetricType::Histogram | MetricType::GaugeHistogram => 7,
            _ => 5,
        };
        self.labels.clear();
        self.labels_text.clear();
        let mut held = Held::default();
        while let Some(tag) = message.tag()? {
            match (tag >> 3, tag & 7) {
                (1, BYTES) => {
                    let pair = message.bytes()?;
                    // One more than allowed is enough to see that there are too many.
                    if self.labels.len() <= self.limits.labels_per_series {
                        self.labels.push(pair);
                    }
                    let text = pair.rest();
                    self.labels_text.extend_from_slice(&text.len().to_le_bytes());
                    self.labels_text.extend_from_slice(text);
                }
                (number, BYTES) if number == wanted => held.value = Some(message.bytes()?),
                // Zero cannot be told from absent, and no target means 1970.
                (6, VARINT) => {
                    held.time = Some(message.varint()?.cast_signed()).filter(|time| *time != 0);
                }
                _ => message.skip(tag)?,
            }
        }
        Ok(held)
    }

    fn single(&self, mut message: Reader<'_>) -> Result<Single, ParseError> {
        let mut single = Single::default();
        while let Some(tag) = message.tag()? {
            match (tag >> 3, tag & 7) {
                (1, FIXED64) => single.value = message.double()?,
                (2, BYTES) => single.exemplar = exemplar(message.bytes()?, self.limits)?,
                (3, BYTES) => single.start = read_time(message.bytes()?)?,
                _ => message.skip(tag)?,
            }
        }
        Ok(single)
    }

    fn summary<V: Visitor>(
        &mut self,
        common: Common<'_>,
        message: Reader<'_>,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let (mut count, mut sum, mut start, mut quantiles) = (0, 0.0, 0, Vec::new());
        let mut read = |mut message: Reader<'_>| -> Result<(), ParseError> {
            while let Some(tag) = message.tag()? {
                match (tag >> 3, tag & 7) {
                    (1, VARINT) => count = message.varint()?,
                    (2, FIXED64) => sum = message.double()?,
                    (3, BYTES) => {
                        limit(quantiles.len(), self.limits.histogram_buckets)?;
                        quantiles.push(quantile(message.bytes()?)?);
                    }
                    (4, BYTES) => start = read_time(message.bytes()?)?,
                    _ => message.skip(tag)?,
                }
            }
            Ok(())
        };
        read(message)?;
        let common = Common { start, ..common };
        self.float(common, "_count", None, count as f64, visitor)?;
        self.float(common, "_sum", None, sum, visitor)?;
        for (quantile, value) in quantiles {
            self.float(common, "", Some(("quantile", quantile)), value, visitor)?;
        }
        Ok(())
    }

    fn histogram<V: Visitor>(
        &mut self,
        common: Common<'_>,
        is_gauge: bool,
        mut parts: Parts,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let native = self.wanted.native && parts.is_native();
        let exemplars = if native { parts.native_exemplars() } else { Vec::new() };
        if !native || self.wanted.classic && !parts.buckets.is_empty() {
            let count = parts.message.count;
            self.float(common, "_count", None, count, visitor)?;
            self.float(common, "_sum", None, parts.message.sum, visitor)?;
            let mut open = true;
            for bucket in &mut parts.buckets {
                let bound = Some(("le", bucket.bound));
                open &= bucket.bound != f64::INFINITY;
                let exemplars = bucket.exemplar.take().into_iter().collect();
                self.give(
                    common,
                    "_bucket",
                    bound,
                    Value::Float(bucket.count),
                    exemplars,
                    visitor,
                )?;
            }
            if open {
                self.float(common, "_bucket", Some(("le", f64::INFINITY)), count, visitor)?;
            }
        }
        if native {
            let mut message = parts.message;
            if is_gauge {
                message.reset_hint = 3; // gauge
            }
            let sample = message
                .into_sample(self.limits.histogram_buckets)
                .map_err(|error| super::fault(parts.position, &format!("histogram: {error}")))?;
            let value = Value::Histogram(Arc::clone(&sample.value));
            self.give(common, "", None, value, exemplars, visitor)?;
        }
        Ok(())
    }

    fn float<V: Visitor>(
        &mut self,
        common: Common<'_>,
        suffix: &'static str,
        bound: Bound,
        value: f64,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        self.give(common, suffix, bound, Value::Float(value), Vec::new(), visitor)
    }

    fn give<V: Visitor>(
        &mut self,
        common: Common<'_>,
        suffix: &'static str,
        bound: Bound,
        value: Value,
        exemplars: Vec<FoundExemplar>,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        self.samples += 1;
        limit(self.samples, self.limits.samples)?;
        let exposed = Exposed { family: common.family, suffix, labels: &self.labels, bound };
        exposed.key(&self.labels_text, &mut self.key);
        let series = Series::protobuf(&self.key, &exposed, self.limits.labels_per_series);
        let Common { time, start, .. } = common;
        visitor.reading(Reading { series, value, time, start, exemplars })
    }
}

fn quantile(mut message: Reader<'_>) -> Result<(f64, f64), ParseError> {
    let (mut quantile, mut value) = (0.0, 0.0);
    while let Some(tag) = message.tag()? {
        match (tag >> 3, tag & 7) {
            (1, FIXED64) => quantile = message.double()?,
            (2, FIXED64) => value = message.double()?,
            _ => message.skip(tag)?,
        }
    }
    Ok((quantile, value))
}

/// An exemplar; `None` when its labels cannot be kept.
pub(super) fn exemplar(
    mut message: Reader<'_>,
    limits: &Limits,
) -> Result<Option<FoundExemplar>, ParseError> {
    let (mut pairs, mut value, mut time) = (Vec::new(), 0.0, None);
    while let Some(tag) = message.tag()? {
        match (tag >> 3, tag & 7) {
            (1, BYTES) => {
                let pair = read_pair(message.bytes()?)?;
                if pairs.len() <= limits.labels_per_series {
                    pairs.push(pair);
                }
            }
            (2, FIXED64) => value = message.double()?,
            (3, BYTES) => time = Some(read_time(message.bytes()?)?),
            _ => message.skip(tag)?,
        }
    }
    Ok(found(pairs.iter().copied(), value, time, limits))
}
