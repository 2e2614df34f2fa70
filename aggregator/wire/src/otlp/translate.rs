//! Metrics to series: one for a number, several for a histogram or a summary.

mod add_up;

use std::sync::Arc;

use model::{
    columns::stale_nan,
    histogram::{Histogram, ResetHint},
    metadata::MetricType,
    time::millis_of,
    write::{HistogramSample, Sample},
};

use super::{
    DecodeError, Decoded, Deltas, Metric, Translation, buckets,
    exemplar::Exemplar,
    labels::{LabelSet, Resource},
    name::{self, Suffix},
    point::Point,
};
use crate::{
    protobuf::{BYTES, reader::Reader, tag},
    series::{Series, Sink},
    skipped::SkipReason,
};

const METRIC_NAME: &str = model::labels::METRIC_NAME;
const TARGET_INFO: &str = "target_info";
/// Samples of `target_info` for one resource in one request.
const TARGET_SAMPLES_MAX: i64 = 256;
const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

/// The kinds of data that a metric may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    #[default]
    Gauge,
    Sum,
    Histogram,
    Exponential,
    Summary,
}

impl Shape {
    /// The kind whose data a field of a metric holds.
    pub(super) fn of(found: u32) -> Option<Self> {
        let all = [
            (5, Self::Gauge),
            (7, Self::Sum),
            (9, Self::Histogram),
            (10, Self::Exponential),
            (11, Self::Summary),
        ];
        all.into_iter().find(|(number, _)| tag(*number, BYTES) == found).map(|(_, shape)| shape)
    }
}

/// Turns metrics into series and counts what becomes of their data points.
pub(super) struct Translator<'t, 'o, 'p> {
    pub(super) translation: &'t Translation,
    sink: Sink<'o, 'p>,
    /// Where deltas are added up, if they are.
    deltas: Option<&'p mut dyn Deltas>,
    points: u64,
    refused: u64,
    /// Times of the first and last data point of the resource at hand.
    first: i64,
    last: i64,
}

/// What the series of a metric have in common.
struct Family<'m> {
    name: &'m str,
    kind: MetricType,
    help: &'m str,
    unit: &'m str,
    hint: ResetHint,
    /// Whether start timestamps mean anything.
    counts: bool,
    described: bool,
}

impl<'t, 'o, 'p> Translator<'t, 'o, 'p> {
    pub(super) fn new(
        translation: &'t Translation,
        sink: Sink<'o, 'p>,
        deltas: Option<&'p mut dyn Deltas>,
    ) -> Self {
        Self { translation, sink, deltas, points: 0, refused: 0, first: i64::MAX, last: i64::MIN }
    }

    pub(super) fn finish(self) -> Decoded {
        Decoded { points: self.points, points_refused: self.refused, stats: self.sink.into_stats() }
    }

    pub(super) fn begin_resource(&mut self) {
        (self.first, self.last) = (i64::MAX, i64::MIN);
    }

    pub(super) fn metric(
        &mut self,
        metric: &Metric<'_>,
        mut data: Reader<'_>,
        resource: &Resource<'_>,
        scope: &[(String, String)],
    ) -> Result<(), DecodeError> {
        const POINTS: u32 = tag(1, BYTES);
        let suffix = match metric.shape {
            Shape::Sum if metric.monotonic => Suffix::Total,
            Shape::Gauge => Suffix::Gauge,
            _ => Suffix::None,
        };
        let built = name::metric(self.translation.strategy, &metric.name, &metric.unit, suffix);
        let fault = match &built {
            None => Some(SkipReason::NoMetricName),
            Some(_) if !self.takes(metric) => Some(SkipReason::Temporality),
            Some(_) => None,
        };
        let unit = name::unit(&metric.unit);
        let is_delta = metric.temporality == DELTA && has_temporality(metric.shape);
        let adds_up = is_delta && self.deltas.is_some();
        let delta = is_delta && !adds_up;
        let mut family = Family {
            name: built.as_deref().unwrap_or_default(),
            kind: if delta { MetricType::Unknown } else { kind(metric) },
            help: &metric.description,
            unit: &unit,
            hint: if delta { ResetHint::Gauge } else { ResetHint::Unknown },
            counts: match metric.shape {
                Shape::Gauge => false,
                Shape::Sum => metric.monotonic,
                Shape::Histogram | Shape::Exponential | Shape::Summary => true,
            },
            described: false,
        };
        let buckets_max = self.sink.limits().histogram_buckets;
        while let Some(found) = data.tag()? {
            if found != POINTS {
                data.skip(found)?;
                continue;
            }
            self.points += 1;
            let mut point = Point::read(metric.shape, data.bytes()?, buckets_max)?;
            if point.exemplars_over > 0 {
                let over = point.exemplars_over;
                let example = || format!("{over} exemplars too many of {:?}", metric.name);
                self.sink.skip(SkipReason::InvalidExemplar, 0, example);
            }
            if !family.counts {
                point.start = 0;
            }
            self.first = self.first.min(point.time);
            self.last = self.last.max(point.time);
            let before = self.sink.taken();
            if let Some(reason) = fault {
                self.sink.skip(reason, 1, || format!("metric {:?}", metric.name));
            } else {
                let attributes = std::mem::take(&mut point.attributes);
                let labels = resource.labels(self.translation, &attributes, scope);
                self.point(metric.shape, &mut family, &mut point, &labels, adds_up)?;
            }
            self.refused += u64::from(self.sink.taken() == before);
        }
        Ok(())
    }

    fn takes(&self, metric: &Metric<'_>) -> bool {
        !has_temporality(metric.shape)
            || metric.temporality == CUMULATIVE
            || metric.temporality == DELTA
                && (self.deltas.is_some() || self.translation.allow_delta_temporality)
    }

    fn point(
        &mut self,
        shape: Shape,
        family: &mut Family<'_>,
        point: &mut Point<'_>,
        labels: &LabelSet<'_>,
        adds_up: bool,
    ) -> Result<(), DecodeError> {
        let added = if adds_up { self.add_up(shape, family.name, point, labels) } else { Ok(()) };
        if let Some(reason) = labels.fault.or(added.err()) {
            self.sink.skip(reason, 1, || format!("a data point of {:?}", family.name));
            return Ok(());
        }
        let point = &*point;
        match shape {
            Shape::Gauge | Shape::Sum => self.number(shape, family, point, labels),
            Shape::Summary => self.summary(family, point, labels),
            Shape::Histogram if self.translation.convert_histograms_to_nhcb => {
                self.native(family, point, labels, buckets::custom(point, family.hint))
            }
            Shape::Histogram => self.classic(family, point, labels),
            Shape::Exponential => {
                self.native(family, point, labels, buckets::exponential(point, family.hint))
            }
        }
    }

    fn number(
        &mut self,
        shape: Shape,
        family: &mut Family<'_>,
        point: &Point<'_>,
        labels: &LabelSet<'_>,
    ) -> Result<(), DecodeError> {
        let Some(value) = point.value.or(point.is_stale().then_some(0.0)) else {
            self.sink.skip(SkipReason::NoSamples, 1, || format!("metric {:?}", family.name));
            return Ok(());
        };
        let exemplars = if shape == Shape::Sum { point.exemplars.as_slice() } else { &[] };
        self.float(family, point, labels, ("", None), value, exemplars)
    }

    fn summary(
        &mut self,
        family: &mut Family<'_>,
        point: &Point<'_>,
        labels: &LabelSet<'_>,
    ) -> Result<(), DecodeError> {
        self.float(family, point, labels, ("_sum", None), point.sum.unwrap_or(0.0), &[])?;
        self.float(family, point, labels, ("_count", None), point.count as f64, &[])?;
        for (quantile, value) in &point.quantiles {
            let extra = Some(("quantile", bound_text(*quantile)));
            self.float(family, point, labels, ("", extra), *value, &[])?;
        }
        Ok(())
    }

    fn classic(
        &mut self,
        family: &mut Family<'_>,
        point: &Point<'_>,
        labels: &LabelSet<'_>,
    ) -> Result<(), DecodeError> {
        let limit = self.sink.limits().histogram_buckets;
        if point.bounds.len().max(point.bucket_counts.len()) > limit {
            self.sink
                .skip(SkipReason::InvalidHistogram, 1, || format!("more than {limit} buckets"));
            return Ok(());
        }
        let mut exemplars = point.exemplars.as_slice();
        if let Some(sum) = point.sum {
            self.float(family, point, labels, ("_sum", None), sum, &[])?;
        }
        self.float(family, point, labels, ("_count", None), point.count as f64, &[])?;
        let mut cumulative = 0u64;
        for (bound, count) in point.bounds.iter().zip(&point.bucket_counts) {
            cumulative = cumulative.saturating_add(*count);
            // The last bucket, of all observations, follows in any case.
            if *bound == f64::INFINITY {
                break;
            }
            let inside = exemplars.partition_point(|exemplar| exemplar.value <= Some(*bound));
            let (own, rest) = exemplars.split_at_checked(inside).unwrap_or((exemplars, &[]));
            exemplars = rest;
            let extra = Some(("le", bound_text(*bound)));
            self.float(family, point, labels, ("_bucket", extra), cumulative as f64, own)?;
        }
        let extra = Some(("le", "+Inf".to_owned()));
        self.float(family, point, labels, ("_bucket", extra), point.count as f64, exemplars)
    }

    /// Puts a series with one float; `suffix` belongs to the name and `extra` to the labels.
    fn float(
        &mut self,
        family: &mut Family<'_>,
        point: &Point<'_>,
        labels: &LabelSet<'_>,
        (suffix, extra): (&str, Option<(&str, String)>),
        value: f64,
        exemplars: &[Exemplar<'_>],
    ) -> Result<(), DecodeError> {
        self.sink.count_sample()?;
        let value = if point.is_stale() { stale_nan() } else { value };
        let name = format!("{}{suffix}", family.name);
        let mut series = Series::default();
        series.samples.push(Sample { time: point.time, value, start: point.start });
        let extra = extra.as_ref().map(|(name, value)| (*name, value.as_str()));
        self.put(family, &name, labels, extra, exemplars, series)
    }

    fn native(
        &mut self,
        family: &mut Family<'_>,
        point: &Point<'_>,
        labels: &LabelSet<'_>,
        histogram: Result<Histogram, buckets::Unusable>,
    ) -> Result<(), DecodeError> {
        self.sink.count_histogram()?;
        let limit = self.sink.limits().histogram_buckets;
        let given = point.positive.counts.len() + point.negative.counts.len();
        if given.max(point.bounds.len()).max(point.bucket_counts.len()) > limit {
            self.sink
                .skip(SkipReason::InvalidHistogram, 1, || format!("more than {limit} buckets"));
            return Ok(());
        }
        let value = match histogram {
            Ok(histogram) => Arc::new(histogram),
            Err(why) => {
                let example = || format!("{:?}: {why}", family.name);
                self.sink.skip(SkipReason::InvalidHistogram, 1, example);
                return Ok(());
            }
        };
        let mut series = Series::default();
        series.histograms.push(HistogramSample { time: point.time, value, start: point.start });
        let name = family.name;
        self.put(family, name, labels, None, &point.exemplars, series)
    }

    /// Completes the labels of a series and puts it into its batch, the first time with what its
    /// metric means.
    fn put<'s>(
        &mut self,
        family: &mut Family<'_>,
        name: &'s str,
        labels: &'s LabelSet<'_>,
        extra: Option<(&'s str, &'s str)>,
        exemplars: &[Exemplar<'_>],
        mut series: Series<'s>,
    ) -> Result<(), DecodeError> {
        self.sink.count_series()?;
        let own = labels.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let overridden =
            |name: &str| name == METRIC_NAME || extra.is_some_and(|(extra, _)| extra == name);
        series.labels.extend(own.filter(|(name, _)| !overridden(name)));
        series.labels.push((METRIC_NAME, name));
        series.labels.extend(extra);
        for exemplar in exemplars {
            self.sink.count_exemplar()?;
            exemplar.put(&mut self.sink, &mut series)?;
        }
        let committed = self.sink.commit(&mut series)?;
        if let Some(committed) = committed.filter(|_| !family.described) {
            family.described = true;
            let text = (family.help, family.unit);
            self.sink.metadata(committed.lifted, family.name, family.kind, text)?;
        }
        Ok(())
    }

    /// Says what a resource is, as often as queries need it between its first and last sample.
    pub(super) fn target_info(&mut self, resource: &Resource<'_>) -> Result<(), DecodeError> {
        let Some(labels) = resource.target_labels(self.translation) else { return Ok(()) };
        if self.first > self.last || labels.fault.is_some() {
            return Ok(());
        }
        let mut series = Series::default();
        let range = self.last.saturating_sub(self.first);
        let step = millis_of(self.translation.target_info_interval).max(1);
        let step = step.max(range / TARGET_SAMPLES_MAX);
        let between = (0..range / step + 1).map(|number| self.first + number * step);
        for time in between.filter(|time| *time < self.last).chain([self.last]) {
            self.sink.count_sample()?;
            series.samples.push(Sample { time, value: 1.0, start: 0 });
        }
        let mut family = Family {
            name: TARGET_INFO,
            kind: MetricType::Gauge,
            help: "Target metadata",
            unit: "",
            hint: ResetHint::Unknown,
            counts: false,
            described: false,
        };
        self.put(&mut family, TARGET_INFO, &labels, None, &[], series)
    }
}

fn has_temporality(shape: Shape) -> bool {
    matches!(shape, Shape::Sum | Shape::Histogram | Shape::Exponential)
}

fn kind(metric: &Metric<'_>) -> MetricType {
    match metric.shape {
        Shape::Sum if metric.monotonic => MetricType::Counter,
        Shape::Gauge | Shape::Sum => MetricType::Gauge,
        Shape::Histogram | Shape::Exponential => MetricType::Histogram,
        Shape::Summary => MetricType::Summary,
    }
}

/// A bound in decimals, never with an exponent.
fn bound_text(bound: f64) -> String {
    match bound {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => bound.to_string(),
    }
}
