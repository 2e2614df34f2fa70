//! One target's scrapes, from body to batch: labels, limits, staleness, and the report.
//!
//! A scrape is taken whole or not at all. One that fails is like an empty one: all series of the
//! scrape before are marked stale, at the time of the failed scrape. Samples with a time of their
//! own are not marked, because nobody knows when the next one is due.
//! Source: Prometheus' documentation, "Staleness" and "Automatically generated labels and time series".

mod reading;
mod shape;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{
    columns::stale_nan,
    labels::{InvalidLabels, Labels, METRIC_NAME},
    metadata::Metadata,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use wire::{
    exposition::{Converter, Histograms, ParseError, Visitor, visit_protobuf, visit_text},
    limits::Limits as WireLimits,
};

use crate::{config::Job, protocol::BodyFormat, seen::Seen, target::Target};
use reading::{Groups, Reader};
use shape::Shape;

/// Families whose description is kept; further ones go without.
const FAMILIES_MAX: usize = 20_000;
/// A description is sent again every so many scrapes, for a receiver that came later.
const METADATA_EVERY: u64 = 120;
/// Descriptions are forgotten when they were missing in this many scrapes.
const METADATA_KEPT: u64 = 10;
/// Labels of one series, whatever a job allows.
const LABELS_MAX: usize = 1024;

const REPORT: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// What a target answered.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    pub content_type: Option<&'a str>,
    /// Decompressed.
    pub bytes: &'a [u8],
}

/// Why a scrape failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScrapeError {
    /// There was no answer, or not a good one.
    #[error("{0}")]
    Fetch(String),
    #[error("the answer's Content-Type {0:?} is no known format, and the job has no fallback")]
    ContentType(String),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Labels(#[from] InvalidLabels),
    #[error("relabelling left a series without a metric name: {0}")]
    NoName(String),
    #[error("invalid metric name or label name: {0:?}")]
    Name(String),
    #[error("sample_limit exceeded ({limit})")]
    SampleLimit { limit: u64 },
    #[error("label_limit exceeded ({series}: {labels} labels, limit {limit})")]
    LabelLimit { series: String, labels: u64, limit: u64 },
    #[error("{what} exceeded ({series}, label {label:?}: {length} bytes, limit {limit})")]
    LengthLimit { what: &'static str, series: String, label: String, length: u64, limit: u64 },
}

/// What became of a scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// `None` when the target is up.
    pub error: Option<ScrapeError>,
    /// Samples that the target exposed.
    pub scraped: u64,
    /// Those that relabelling left. Beyond the limit of samples new series are not relabelled, and
    /// count.
    pub kept: u64,
    /// Series that the scrape before did not have.
    pub added: u64,
    /// Samples left out because the series had one already.
    pub duplicates: u64,
    /// Series marked stale.
    pub stale: u64,
    /// Classic histograms that could not be converted, because their rows contradict each other.
    pub contradictory: u64,
}

/// One target's scrapes, one after another.
#[derive(Debug)]
pub struct Scraped {
    job: Arc<Job>,
    shape: Shape,
    seen: Seen,
    groups: Groups,
    families: BTreeMap<String, Described>,
    report: Vec<Labels>,
    scrapes: u64,
    /// Whether a report is out that is to be marked stale at the end.
    reported: bool,
}

/// What there was to read.
enum Read {
    Samples,
    /// An empty body: the target is up and has nothing to say.
    Nothing,
}

/// What a target says of a family.
#[derive(Clone, Debug)]
struct Described {
    metadata: Metadata,
    seen: u64,
}

impl Scraped {
    /// `external` labels are put on series that have none of that name.
    pub fn new(job: Arc<Job>, target: &Target, external: &[(String, String)]) -> Self {
        let shape = Shape::new(&job, target, external);
        let report = REPORT.iter().filter_map(|name| shape.report(name)).collect();
        Self {
            job,
            shape,
            seen: Seen::default(),
            groups: Groups::default(),
            families: BTreeMap::new(),
            report,
            scrapes: 0,
            reported: false,
        }
    }

    /// Takes over what an earlier one of the same labels left open, so that a target that comes back
    /// at once is not marked stale.
    pub fn take_over(&mut self, earlier: Self) {
        self.seen = earlier.seen;
        self.seen.forget_rows();
        self.reported = earlier.reported;
    }

    /// One scrape: its samples, stale marks and the report.
    pub fn handle_scrape(
        &mut self,
        answer: Result<Body<'_>, ScrapeError>,
        time: Timestamp,
        duration: Duration,
    ) -> (WriteBatch, Outcome) {
        self.scrapes += 1;
        self.seen.begin();
        let mut own = WriteBatch::default();
        let mut outcome = Outcome::default();
        let read = answer.and_then(|body| self.read(body, time, &mut own, &mut outcome));
        let mut stale = 0;
        let mut mark = |batch: &mut WriteBatch, labels: &Labels| {
            batch.begin_set(labels);
            batch.push_sample(Sample { time: time.millis(), value: stale_nan(), start: 0 });
            stale += 1;
        };
        match read {
            Ok(Read::Samples) => self.seen.end_good(|labels| mark(&mut own, labels)),
            Ok(Read::Nothing) => self.seen.end_failed(|labels| mark(&mut own, labels)),
            Err(error) => {
                own.clear();
                self.seen.end_failed(|labels| mark(&mut own, labels));
                outcome.error = Some(error);
            }
        }
        outcome.stale = stale;
        self.tidy();
        let up = f64::from(u8::from(outcome.error.is_none()));
        let counts = [outcome.scraped, outcome.kept, outcome.added].map(|count| count as f64);
        let [scraped, kept, added] = counts;
        self.push_report([up, duration.as_secs_f64(), scraped, kept, added], time, &mut own);
        self.reported = true;
        (own, outcome)
    }

    /// The target is gone: marks everything stale that the last scrape had, and the report.
    pub fn handle_end(&self, time: Timestamp, batch: &mut WriteBatch) -> u64 {
        if !self.reported {
            return 0;
        }
        let mut stale = 0;
        for labels in self.seen.tracked() {
            batch.begin_set(labels);
            batch.push_sample(Sample { time: time.millis(), value: stale_nan(), start: 0 });
            stale += 1;
        }
        self.push_report([stale_nan(); 5], time, batch);
        stale
    }

    fn push_report(&self, values: [f64; 5], time: Timestamp, batch: &mut WriteBatch) {
        for (labels, value) in self.report.iter().zip(values) {
            batch.begin_set(labels);
            batch.push_sample(Sample { time: time.millis(), value, start: 0 });
        }
    }

    fn read(
        &mut self,
        body: Body<'_>,
        time: Timestamp,
        batch: &mut WriteBatch,
        outcome: &mut Outcome,
    ) -> Result<Read, ScrapeError> {
        if body.bytes.is_empty() {
            return Ok(Read::Nothing);
        }
        let settings = &self.job.settings;
        let format = BodyFormat::of(body.content_type, settings.fallback_scrape_protocol)
            .ok_or_else(|| {
                let said = body.content_type.unwrap_or("");
                ScrapeError::ContentType(said.chars().take(100).collect())
            })?;
        let taken = self.job.histograms;
        let wanted = Histograms { native: taken.native, classic: taken.classic };
        let limits = WireLimits { labels_per_series: LABELS_MAX, ..WireLimits::default() };
        let mut reader = Reader {
            job: &self.job,
            shape: &self.shape,
            seen: &mut self.seen,
            groups: &mut self.groups,
            families: &mut self.families,
            scrape: self.scrapes,
            time,
            batch,
            outcome,
            over_limit: None,
        };
        reader.groups.begin();
        if taken.custom {
            let mut converter = Converter::new(&mut reader, taken.classic);
            visit(format, body.bytes, wanted, &limits, &mut converter)?;
            converter.finish()?;
            let contradictory = converter.contradictory;
            reader.outcome.contradictory = contradictory;
        } else {
            visit(format, body.bytes, wanted, &limits, &mut reader)?;
        }
        match reader.over_limit {
            Some(error) => Err(error),
            None => Ok(Read::Samples),
        }
    }

    /// Keeps what is remembered in proportion to what the target exposes.
    fn tidy(&mut self) {
        let scrape = self.scrapes;
        self.families.retain(|_, family| scrape - family.seen <= METADATA_KEPT);
        if self.groups.outgrow(self.seen.row_count()) {
            self.seen.forget_rows();
            self.groups = Groups::default();
        }
    }

    /// What the target says of its metrics.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &Metadata)> {
        self.families.iter().map(|(name, family)| (name.as_str(), &family.metadata))
    }
}

fn visit<V: Visitor>(
    format: BodyFormat,
    bytes: &[u8],
    wanted: Histograms,
    limits: &WireLimits,
    visitor: &mut V,
) -> Result<(), V::Error> {
    match format {
        BodyFormat::Text(format) => visit_text(format, bytes, limits, visitor),
        BodyFormat::Protobuf => visit_protobuf(bytes, wanted, limits, visitor),
    }
}

/// Labels as an error shows them.
fn show(labels: &Labels) -> String {
    labels.get(METRIC_NAME).unwrap_or_default().chars().take(50).collect()
}

#[cfg(test)]
mod tests;
