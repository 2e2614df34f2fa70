//! An exposition as a scraper reads it: one reading after another.
//!
//! A scraper sees the same series again and again. So a reading names its series by the bytes it was
//! exposed with, and labels are worked out only when they are asked for.

use std::{borrow::Cow, sync::Arc};

use model::{
    histogram::Histogram,
    labels::{Labels, METRIC_NAME},
    metadata::MetricType,
};

use super::{
    Format, ParseError,
    created::Family,
    line::{self, Comment, CowLabels, RowExemplar, Tail},
    nhcb::{Part, take_apart},
    parse::{at, lines, metric_type, normalize, utf8},
    protobuf::Exposed,
};
use crate::limits::{LimitExceeded, Limits};

/// Takes what an exposition says, in its order.
pub trait Visitor {
    /// Why it wants no more.
    type Error: From<ParseError>;

    /// What is said of a family of metrics; in text it comes after the family's samples.
    fn family(&mut self, family: &FamilyInfo<'_>) -> Result<(), Self::Error>;

    /// Since when a group of series counts (milliseconds), where that is a line of its own; comes
    /// before all readings. [`Series::group`] tells which series it speaks of.
    fn created(&mut self, series: &Series<'_>, start: i64) -> Result<(), Self::Error>;

    fn reading(&mut self, reading: Reading<'_>) -> Result<(), Self::Error>;
}

/// What is said of one family of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyInfo<'a> {
    pub name: &'a str,
    pub kind: MetricType,
    pub help: &'a str,
    pub unit: &'a str,
}

/// One sample as exposed.
#[derive(Debug)]
pub struct Reading<'a> {
    pub series: Series<'a>,
    pub value: Value,
    /// Milliseconds; `None` when the target leaves it to the scraper.
    pub time: Option<i64>,
    /// Start timestamp in milliseconds, 0 where unknown or given by [`Visitor::created`].
    pub start: i64,
    pub exemplars: Vec<FoundExemplar>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
}

/// An exemplar whose time may be that of its sample.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundExemplar {
    pub labels: Labels,
    pub value: f64,
    /// Milliseconds.
    pub time: Option<i64>,
}

/// A series, not yet taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    key: &'a [u8],
    source: Source<'a>,
    labels_max: usize,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Text {
        text: &'a str,
        family: &'a Family<'a>,
        line: usize,
    },
    Protobuf(&'a Exposed<'a>),
    /// Put together of other series.
    Given(&'a Given),
}

/// A series that was not exposed itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) labels: Vec<(String, String)>,
    pub(super) group: Option<String>,
}

impl<'a> Series<'a> {
    pub(crate) fn protobuf(key: &'a [u8], exposed: &'a Exposed<'a>, labels_max: usize) -> Self {
        Self { key, source: Source::Protobuf(exposed), labels_max }
    }

    pub(super) fn given(key: &'a [u8], given: &'a Given) -> Self {
        Self { key, source: Source::Given(given), labels_max: usize::MAX }
    }

    /// The labels of the classic histogram that it is a row of, and which row. `announced` is what
    /// the family was said to be, where that comes before the samples.
    pub(super) fn classic_part(
        &self,
        announced: MetricType,
    ) -> Result<Option<(Given, Part)>, ParseError> {
        let kind = match self.source {
            Source::Text { family, .. } => family.kind,
            Source::Protobuf(_) => announced,
            Source::Given(_) => MetricType::Unknown,
        };
        if kind != MetricType::Histogram {
            return Ok(None);
        }
        let labels = self.labels()?;
        if let Source::Text { family, .. } = self.source {
            let metric = labels.iter().find(|(name, _)| name == METRIC_NAME);
            if !metric.is_some_and(|(_, metric)| family.owns(metric)) {
                return Ok(None);
            }
        }
        let Some((labels, part)) = take_apart(labels) else { return Ok(None) };
        Ok(Some((Given::new(labels, self.group()?), part)))
    }

    /// The same bytes mean the same series, as long as they come from one target in one format.
    pub fn key(&self) -> &'a [u8] {
        self.key
    }

    /// Its labels with the metric name, unsorted. Bounds of classic buckets and quantiles are in
    /// the one form of OpenMetrics. Names may repeat and be empty: that is for the caller to judge.
    pub fn labels(&self) -> Result<CowLabels<'a>, ParseError> {
        let labels = match self.source {
            Source::Text { text, family, line } => {
                let (metric, mut labels) = line::series(text, self.labels_max).map_err(at(line))?;
                match family.kind_of(&metric) {
                    MetricType::Histogram | MetricType::GaugeHistogram => {
                        normalize(&mut labels, "le");
                    }
                    MetricType::Summary => normalize(&mut labels, "quantile"),
                    _ => {}
                }
                labels.push((Cow::Borrowed(METRIC_NAME), metric));
                labels
            }
            Source::Protobuf(exposed) => exposed.labels()?,
            Source::Given(given) => {
                let pairs = given.labels.iter();
                pairs.map(|(name, value)| (name.into(), value.into())).collect()
            }
        };
        if labels.len() > self.labels_max {
            let limit = self.labels_max;
            return Err(LimitExceeded { what: "labels of one series", limit }.into());
        }
        Ok(labels)
    }

    /// Names the group that starts together: equal for a `_created` line and the samples it speaks
    /// of. `None` when the series belongs to no group.
    pub fn group(&self) -> Result<Option<String>, ParseError> {
        match self.source {
            Source::Text { text, family, line } => {
                let (metric, labels) = line::series(text, self.labels_max).map_err(at(line))?;
                Ok(family.owns(&metric).then(|| family.group(&labels)))
            }
            Source::Protobuf(_) => Ok(None),
            Source::Given(given) => Ok(given.group.clone()),
        }
    }
}

/// Reads a text exposition. An error of the format ends it; readings before it were handed over.
pub fn visit_text<V: Visitor>(
    format: Format,
    text: &[u8],
    limits: &Limits,
    visitor: &mut V,
) -> Result<(), V::Error> {
    let text = utf8(text)?;
    let mut walk = Walk { format, limits, visitor, family: Family::default(), starts: false };
    if format == Format::OpenMetrics && text.contains("_created") {
        walk.starts = true;
        walk.collect_starts(text)?;
    }
    walk.read(text)
}

struct Walk<'a, 'v, V> {
    format: Format,
    limits: &'v Limits,
    visitor: &'v mut V,
    family: Family<'a>,
    /// Whether `_created` lines were handed over already.
    starts: bool,
}

impl<'a, V: Visitor> Walk<'a, '_, V> {
    fn collect_starts(&mut self, text: &'a str) -> Result<(), V::Error> {
        for (number, line) in lines(text) {
            if line.starts_with('#') {
                if let Comment::Type(name, kind) =
                    line::comment(line, self.format).map_err(at(number))?
                {
                    let kind = metric_type(kind);
                    self.family = Family { name, kind, ..Family::default() };
                }
            } else if self.is_created(line) {
                let labels_max = self.limits.labels_per_series;
                let (series, rest) = split(&self.family, line, number, labels_max)?;
                let tail = self.tail(rest, number)?;
                if let Some(start) = line::seconds_to_millis(tail.value) {
                    self.visitor.created(&series, start)?;
                }
            }
        }
        self.family = Family::default();
        Ok(())
    }

    /// Asked before the line is read, so by what it begins with.
    fn is_created(&self, line: &str) -> bool {
        let name = line.split(['{', ' ', '\t']).next().unwrap_or(line);
        name.ends_with("_created") && self.family.is_created(name)
    }

    fn tail<'t>(&self, rest: &'t str, number: usize) -> Result<Tail<'t>, ParseError> {
        line::tail(rest, self.format, self.limits.labels_per_series).map_err(at(number))
    }

    fn read(&mut self, text: &'a str) -> Result<(), V::Error> {
        let open = self.format == Format::OpenMetrics;
        let (mut ended, mut samples) = (false, 0);
        for (number, line) in lines(text) {
            if ended {
                return Err(at(number)("expected nothing after '# EOF'".into()).into());
            }
            let start = line.trim_start_matches([' ', '\t']);
            if start.starts_with('#') {
                let comment = line::comment(start, self.format).map_err(at(number))?;
                ended = comment == Comment::Eof;
                if let Some(before) = self.family.describe(comment, number)? {
                    self.hand_over(&before)?;
                }
            } else if !start.is_empty() || open {
                samples += 1;
                limit(samples, self.limits.samples)?;
                self.sample(start, number)?;
            }
        }
        if open && !ended {
            return Err(ParseError::NoEof.into());
        }
        let last = std::mem::take(&mut self.family);
        self.hand_over(&last)
    }

    fn hand_over(&mut self, family: &Family<'_>) -> Result<(), V::Error> {
        if !family.says_something() {
            return Ok(());
        }
        let Family { name, kind, help, unit } = family;
        self.visitor.family(&FamilyInfo { name, kind: *kind, help, unit })
    }

    fn sample(&mut self, line: &'a str, number: usize) -> Result<(), V::Error> {
        if self.starts && self.is_created(line) {
            return Ok(());
        }
        let labels_max = self.limits.labels_per_series;
        let (series, rest) = split(&self.family, line, number, labels_max)?;
        let Tail { value, time, exemplar } = self.tail(rest, number)?;
        let exemplars = exemplar.and_then(|exemplar| keep(&exemplar, self.limits));
        let (value, exemplars) = (Value::Float(value), exemplars.into_iter().collect());
        self.visitor.reading(Reading { series, value, time, start: 0, exemplars })
    }
}

fn split<'s>(
    family: &'s Family<'s>,
    line: &'s str,
    number: usize,
    labels_max: usize,
) -> Result<(Series<'s>, &'s str), ParseError> {
    let (text, rest) = line::split_series(line)
        .ok_or_else(|| at(number)("expected a metric name and a value".into()))?;
    let source = Source::Text { text, family, line: number };
    Ok((Series { key: text.as_bytes(), source, labels_max }, rest))
}

/// Counts samples of the whole exposition, skipped by the visitor or not.
pub(crate) fn limit(samples: usize, limit: usize) -> Result<(), ParseError> {
    if samples > limit {
        return Err(LimitExceeded { what: "samples", limit }.into());
    }
    Ok(())
}

/// An exemplar with labels that can be kept; a useless one does not cost its sample.
fn keep(exemplar: &RowExemplar<'_>, limits: &Limits) -> Option<FoundExemplar> {
    let pairs = exemplar.labels.iter().map(|(name, value)| (&**name, &**value));
    found(pairs, exemplar.value, exemplar.time, limits)
}

pub(crate) fn found<'l>(
    pairs: impl Iterator<Item = (&'l str, &'l str)> + Clone,
    value: f64,
    time: Option<i64>,
    limits: &Limits,
) -> Option<FoundExemplar> {
    let text = pairs.clone().flat_map(|(name, value)| [name, value]);
    let chars: usize = text.map(|text| text.chars().count()).sum();
    let labels = Labels::new(pairs).ok()?;
    (chars <= limits.exemplar_label_chars).then_some(FoundExemplar { labels, value, time })
}

#[cfg(test)]
pub(super) mod tests;
