//! One series on its way from a message into a batch.

use std::borrow::Cow;

use model::{
    exemplar::Exemplar,
    labels::{InvalidLabels, Labels, METRIC_NAME},
    metadata::{Metadata, MetricType},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};

use crate::{
    decode::{DecodeOptions, DecodeStats, Partition, Refused},
    limits::{LimitExceeded, Limits},
    packed,
    skipped::{SkipReason, show_labels},
};

/// What was read of one series. Cleared and reused from series to series.
#[derive(Debug, Default)]
pub(crate) struct Series<'a> {
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) histograms: Vec<HistogramSample>,
    pub(crate) exemplars: Vec<Exemplar>,
    /// Histograms left out of it, which are counted already.
    pub(crate) histograms_skipped: usize,
    /// The first thing found wrong with the whole series.
    pub(crate) fault: Option<SkipReason>,
}

impl<'a> Series<'a> {
    pub(crate) fn clear(&mut self) {
        self.labels.clear();
        self.samples.clear();
        self.histograms.clear();
        self.exemplars.clear();
        self.histograms_skipped = 0;
        self.fault = None;
    }

    pub(crate) fn set_fault(&mut self, reason: SkipReason) {
        self.fault.get_or_insert(reason);
    }

    fn sample_count(&self) -> usize {
        self.samples.len() + self.histograms.len()
    }

    /// Whether all that it had is counted already.
    fn is_spent(&self) -> bool {
        self.sample_count() + self.exemplars.len() == 0 && self.histograms_skipped > 0
    }

    /// Takes the lifted label out and returns its value.
    fn lift(&mut self, name: Option<&str>) -> Option<&'a str> {
        let name = name?;
        let at = self.labels.iter().position(|label| label.0 == name)?;
        let (_, value) = self.labels.remove(at);
        if self.labels.iter().any(|label| label.0 == name) {
            self.set_fault(SkipReason::DuplicateLabel);
        }
        Some(value).filter(|value| !value.is_empty())
    }
}

const ELSEWHERE: Refused =
    Refused(Cow::Borrowed("the sender may not write for the place that these series name"));

/// Where decoded series go: checks limits, asks the partition, counts.
pub(crate) struct Sink<'o, 'p> {
    options: &'o DecodeOptions<'o>,
    partition: &'p mut dyn Partition,
    stats: DecodeStats,
    seen: Seen,
}

/// What counts towards the limits of the whole, skipped or not.
#[derive(Debug, Default)]
struct Seen {
    series: usize,
    samples: usize,
    histograms: usize,
    exemplars: usize,
    metadata: usize,
    text_bytes: usize,
}

/// Counts towards a limit of the whole body.
fn spend(
    seen: &mut usize,
    more: usize,
    limit: usize,
    what: &'static str,
) -> Result<(), LimitExceeded> {
    *seen += more;
    if *seen > limit { Err(LimitExceeded { what, limit }) } else { Ok(()) }
}

impl<'o, 'p> Sink<'o, 'p> {
    pub(crate) fn new(options: &'o DecodeOptions<'o>, partition: &'p mut dyn Partition) -> Self {
        Self { options, partition, stats: DecodeStats::default(), seen: Seen::default() }
    }

    pub(crate) fn into_stats(self) -> DecodeStats {
        self.stats
    }

    pub(crate) fn lift(&self) -> Option<&'o str> {
        self.options.lift
    }

    /// Samples and histograms that went into batches so far.
    pub(crate) fn taken(&self) -> u64 {
        self.stats.samples + self.stats.histograms
    }

    pub(crate) fn limits(&self) -> &'o Limits {
        &self.options.limits
    }

    pub(crate) fn count_series(&mut self) -> Result<(), LimitExceeded> {
        let limit = self.limits().series;
        spend(&mut self.seen.series, 1, limit, "series")
    }

    pub(crate) fn count_sample(&mut self) -> Result<(), LimitExceeded> {
        let limit = self.limits().samples;
        spend(&mut self.seen.samples, 1, limit, "samples")
    }

    pub(crate) fn count_histogram(&mut self) -> Result<(), LimitExceeded> {
        let limit = self.limits().histograms;
        spend(&mut self.seen.histograms, 1, limit, "histograms")
    }

    pub(crate) fn count_exemplar(&mut self) -> Result<(), LimitExceeded> {
        let limit = self.limits().exemplars;
        spend(&mut self.seen.exemplars, 1, limit, "exemplars")
    }

    pub(crate) fn count_text(&mut self, bytes: usize) -> Result<(), LimitExceeded> {
        let limit = self.limits().text_bytes;
        spend(&mut self.seen.text_bytes, bytes, limit, "bytes of label text")
    }

    pub(crate) fn skip(
        &mut self,
        reason: SkipReason,
        samples: usize,
        example: impl Fn() -> String,
    ) {
        self.stats.skipped.add(reason, samples, example);
    }

    /// Puts a series into its batch, or counts why not. Returns the lifted label when it was put
    /// there, for metadata that belongs to it.
    pub(crate) fn commit<'a>(
        &mut self,
        series: &mut Series<'a>,
    ) -> Result<Option<Committed<'a>>, LimitExceeded> {
        if series.fault.is_none() {
            self.check_labels(series)?;
        }
        let metric = series
            .labels
            .iter()
            .find(|label| label.0 == METRIC_NAME)
            .map_or("", |(_, value)| *value);
        if metric.is_empty() {
            series.set_fault(if series.labels.is_empty() {
                SkipReason::NoLabels
            } else {
                SkipReason::NoMetricName
            });
        }
        let lifted = series.lift(self.options.lift);
        if let Some(reason) = series.fault {
            self.skip(reason, series.sample_count(), || show_labels(&series.labels));
            return Ok(None);
        }
        if series.is_spent() {
            return Ok(None);
        }
        if self.is_elsewhere(series.labels.iter().copied()) {
            self.refuse(&ELSEWHERE, series, &series.labels);
            return Ok(None);
        }
        let batch = match self.partition.batch(lifted) {
            Ok(batch) => batch,
            Err(refused) => {
                self.refuse(&refused, series, &series.labels);
                return Ok(None);
            }
        };
        if let Err(invalid) = batch.begin_series(&mut series.labels) {
            let reason = match invalid {
                InvalidLabels::DuplicateName(_) => SkipReason::DuplicateLabel,
                InvalidLabels::EmptyName(_) => SkipReason::EmptyLabelName,
            };
            self.skip(reason, series.sample_count(), || show_labels(&series.labels));
            return Ok(None);
        }
        fill(batch, series, &mut self.stats);
        Ok(Some(Committed { lifted, metric }))
    }

    /// Does the same for a series whose label set was found good, and is packed.
    pub(crate) fn commit_packed<'a>(
        &mut self,
        series: &mut Series<'a>,
        packed: &[u8],
        text_bytes: usize,
        committed: Committed<'a>,
    ) -> Result<Option<Committed<'a>>, LimitExceeded> {
        self.count_text(text_bytes)?;
        if series.is_spent() {
            return Ok(None);
        }
        if self.is_elsewhere(packed::labels(packed)) {
            self.refuse(&ELSEWHERE, series, &packed::labels(packed).collect::<Vec<_>>());
            return Ok(None);
        }
        match self.partition.batch(committed.lifted) {
            Ok(batch) => {
                batch.begin_packed(packed);
                fill(batch, series, &mut self.stats);
                Ok(Some(committed))
            }
            Err(refused) => {
                self.refuse(&refused, series, &packed::labels(packed).collect::<Vec<_>>());
                Ok(None)
            }
        }
    }

    /// Whether a series is of another node than the sender's.
    fn is_elsewhere<'l>(&self, mut labels: impl Iterator<Item = (&'l str, &'l str)>) -> bool {
        self.options.bound.is_some_and(|(bound, own)| {
            labels.any(|(name, value)| name == bound && value != own && !value.is_empty())
        })
    }

    fn refuse(&mut self, Refused(why): &Refused, series: &Series<'_>, labels: &[(&str, &str)]) {
        self.skip(SkipReason::Refused, series.sample_count(), || {
            format!("{why}: {}", show_labels(labels))
        });
    }

    fn check_labels(&mut self, series: &mut Series<'_>) -> Result<(), LimitExceeded> {
        let limits = self.limits();
        if series.labels.len() > limits.labels_per_series {
            series.set_fault(SkipReason::TooManyLabels);
            return Ok(());
        }
        let mut text_bytes = 0;
        let mut fault = None;
        for (name, value) in &series.labels {
            text_bytes += name.len() + value.len();
            if name.len() > limits.label_name_bytes {
                fault = Some(SkipReason::LabelNameTooLong);
            } else if value.len() > limits.label_value_bytes {
                fault = Some(SkipReason::LabelValueTooLong);
            }
        }
        series.fault = fault;
        self.count_text(text_bytes)
    }

    /// Makes an exemplar of what was read of one, or counts why not.
    pub(crate) fn exemplar(
        &mut self,
        labels: Option<&[(&str, &str)]>,
        value: f64,
        time: i64,
        series: &mut Series<'_>,
    ) -> Result<(), LimitExceeded> {
        let Some(labels) = labels else {
            self.skip(SkipReason::InvalidExemplar, 0, || "labels that cannot be read".to_owned());
            return Ok(());
        };
        let text = || labels.iter().flat_map(|(name, value)| [name, value]);
        self.count_text(text().map(|text| text.len()).sum())?;
        let chars: usize = text().map(|text| text.chars().count()).sum();
        match Labels::new(labels.iter().copied()) {
            Ok(set) if chars <= self.limits().exemplar_label_chars => {
                series.exemplars.push(Exemplar { labels: set, value, time: Timestamp(time) });
            }
            _ => self.skip(SkipReason::InvalidExemplar, 0, || show_labels(labels)),
        }
        Ok(())
    }

    /// Puts a description into a batch, or counts why not.
    pub(crate) fn metadata(
        &mut self,
        lifted: Option<&str>,
        metric: &str,
        kind: MetricType,
        (help, unit): (&str, &str),
    ) -> Result<(), LimitExceeded> {
        let limits = self.limits();
        spend(&mut self.seen.metadata, 1, limits.metadata, "descriptions of metrics")?;
        self.count_text(metric.len() + help.len() + unit.len())?;
        if metric.is_empty()
            || metric.len() > limits.label_value_bytes
            || help.len() > limits.help_bytes
            || unit.len() > limits.label_name_bytes
        {
            self.skip(SkipReason::InvalidMetadata, 0, || format!("metric {metric:?}"));
            return Ok(());
        }
        match self.partition.batch(lifted) {
            Ok(batch) => {
                let (help, unit) = (help.to_owned(), unit.to_owned());
                batch.push_metadata(metric.to_owned(), Metadata { kind, help, unit });
                self.stats.metadata += 1;
            }
            Err(Refused(why)) => {
                self.skip(SkipReason::Refused, 0, || format!("{why}: description of {metric:?}"));
            }
        }
        Ok(())
    }
}

/// Moves what a series has into its batch, and counts it.
fn fill(batch: &mut WriteBatch, series: &mut Series<'_>, stats: &mut DecodeStats) {
    stats.series += 1;
    stats.samples += series.samples.len() as u64;
    stats.histograms += series.histograms.len() as u64;
    stats.exemplars += series.exemplars.len() as u64;
    series.samples.drain(..).for_each(|sample| batch.push_sample(sample));
    series.histograms.drain(..).for_each(|sample| batch.push_histogram(sample));
    series.exemplars.drain(..).for_each(|exemplar| batch.push_exemplar(exemplar));
}

/// A series that went into a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Committed<'a> {
    pub(crate) lifted: Option<&'a str>,
    pub(crate) metric: &'a str,
}
