//! Classic histograms as native ones with custom buckets, while an exposition is read.
//!
//! The rows of one classic histogram (equal but for the bucket) have to stand together, as the formats
//! demand; when the next one begins, they become one histogram of the family's name. A histogram
//! that is exposed as a native one too is left as it is.
//! Source of the rules: Prometheus' documentation of `convert_classic_histograms_to_nhcb`.

use std::{cmp::Ordering, sync::Arc};

use model::{
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, Span},
    labels::METRIC_NAME,
    metadata::MetricType,
};

use super::visit::{FamilyInfo, FoundExemplar, Given, Reading, Series, Value, Visitor};

/// Begins the key of a histogram that was put together: no text and no name begins with it.
const KEY_MARK: u8 = 0xfe;
/// Buckets of one histogram; one with more is not put together.
const BUCKETS_MAX: usize = 10_000;

/// A visitor that hands on histograms put together of their rows.
#[derive(Debug)]
pub struct Converter<'v, V> {
    visitor: &'v mut V,
    /// Hand on the rows as well.
    keep_classic: bool,
    announced: MetricType,
    state: State,
    /// Histograms whose rows contradict each other, so that there is nothing to hand on.
    pub contradictory: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Collecting(Box<Collected>),
    /// The rows of this name and these labels are there as a native histogram.
    Native(Vec<u8>),
}

/// Which row of a classic histogram a series is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    Bucket(f64),
    Sum,
    Count,
}

/// Rows of one histogram so far.
#[derive(Debug)]
struct Collected {
    key: Vec<u8>,
    given: Given,
    rows: Rows,
    time: Option<i64>,
    start: i64,
    exemplars: Vec<FoundExemplar>,
}

/// Numbers of one histogram, as they come.
#[derive(Debug, Default)]
struct Rows {
    /// Upper bounds, as they come, and how many are not above.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    contradictory: bool,
}

impl<'v, V: Visitor> Converter<'v, V> {
    pub fn new(visitor: &'v mut V, keep_classic: bool) -> Self {
        let (announced, state) = (MetricType::Unknown, State::Start);
        Self { visitor, keep_classic, announced, state, contradictory: 0 }
    }

    /// Hands on the last histogram. To be called when all is read.
    pub fn finish(&mut self) -> Result<(), V::Error> {
        let State::Collecting(collected) = std::mem::take(&mut self.state) else { return Ok(()) };
        let Collected { key, given, rows, time, start, exemplars } = *collected;
        let Some(histogram) = rows.histogram() else {
            self.contradictory += 1;
            return Ok(());
        };
        let (series, value) = (Series::given(&key, &given), Value::Histogram(Arc::new(histogram)));
        self.visitor.reading(Reading { series, value, time, start, exemplars })
    }

    /// Whether the row became part of a histogram.
    fn collect(&mut self, reading: &mut Reading<'_>, value: f64) -> Result<bool, V::Error> {
        let found = reading.series.classic_part(self.announced)?;
        let Some((given, part)) = found else {
            self.finish()?;
            return Ok(false);
        };
        let key = key_of(&given);
        let same = match &self.state {
            State::Native(native) if *native == key => return Ok(false),
            State::Collecting(collected) => collected.key == key,
            State::Native(_) | State::Start => false,
        };
        if !same {
            self.finish()?;
            let (rows, exemplars) = (Rows::default(), Vec::new());
            let (time, start) = (reading.time, reading.start);
            let collected = Collected { key, given, rows, time, start, exemplars };
            self.state = State::Collecting(Box::new(collected));
        }
        if let State::Collecting(collected) = &mut self.state {
            collected.rows.add(part, value);
            collected.time = reading.time;
            collected.exemplars.append(&mut reading.exemplars);
        }
        Ok(true)
    }
}

impl<V: Visitor> Visitor for Converter<'_, V> {
    type Error = V::Error;

    fn family(&mut self, family: &FamilyInfo<'_>) -> Result<(), V::Error> {
        self.finish()?;
        self.announced = family.kind;
        self.visitor.family(family)
    }

    fn created(&mut self, series: &Series<'_>, start: i64) -> Result<(), V::Error> {
        self.visitor.created(series, start)
    }

    fn reading(&mut self, mut reading: Reading<'_>) -> Result<(), V::Error> {
        match reading.value {
            Value::Float(value) => {
                if self.collect(&mut reading, value)? && !self.keep_classic {
                    return Ok(());
                }
            }
            Value::Histogram(_) => {
                self.finish()?;
                let labels = reading.series.labels()?;
                let labels = labels.into_iter();
                let owned = labels.map(|(name, value)| (name.into_owned(), value.into_owned()));
                let given = Given::new(owned.collect(), None);
                self.state = State::Native(key_of(&given));
            }
        }
        self.visitor.reading(reading)
    }
}

fn key_of(given: &Given) -> Vec<u8> {
    let mut key = vec![KEY_MARK];
    for (name, value) in given.labels() {
        for text in [name, value] {
            key.extend_from_slice(text.as_bytes());
            // Never part of a text.
            key.push(0xff);
        }
    }
    key
}

impl Rows {
    fn add(&mut self, part: Part, value: f64) {
        match part {
            Part::Bucket(bound) => self.add_bucket(bound, value),
            Part::Count => {
                self.contradictory |= value < 0.0;
                self.count = Some(value);
            }
            Part::Sum => self.sum = value,
        }
    }

    fn add_bucket(&mut self, bound: f64, count: f64) {
        self.contradictory |= count < 0.0 || self.buckets.len() >= BUCKETS_MAX;
        if !self.contradictory {
            self.buckets.push((bound, count));
        }
    }

    /// In order of their bounds, whatever order they came in. Of a row that comes twice the first
    /// counts.
    fn sort(&mut self) {
        let by_bound = |(a, _): &(f64, f64), (b, _): &(f64, f64)| a.partial_cmp(b);
        self.buckets.sort_by(|a, b| by_bound(a, b).unwrap_or(Ordering::Equal));
        self.buckets.dedup_by(|(later, _), (first, _)| later == first);
        let mut pairs = self.buckets.iter().zip(self.buckets.iter().skip(1));
        self.contradictory |= pairs.any(|((_, below), (_, above))| above < below);
    }

    /// `None` when the rows contradict each other.
    fn histogram(mut self) -> Option<Histogram> {
        self.sort();
        if self.contradictory {
            return None;
        }
        let highest = self.buckets.last().map(|(_, count)| *count);
        let count = self.count.or(highest).unwrap_or(0.0);
        if self.buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let (_, all) = self.buckets.last()?;
        // Not a number is no count either.
        if *all != count {
            return None;
        }
        let custom_values = self.buckets.iter().map(|(bound, _)| *bound);
        let custom_values: Vec<f64> =
            custom_values.filter(|bound| *bound < f64::INFINITY).collect();
        let mut before = 0.0;
        let counts =
            self.buckets.iter().map(|(_, count)| count - std::mem::replace(&mut before, *count));
        let (positive_spans, positive_buckets) = spans(counts);
        let histogram = Histogram {
            schema: SCHEMA_CUSTOM,
            reset_hint: ResetHint::Unknown,
            count,
            sum: self.sum,
            positive_spans,
            positive_buckets,
            custom_values,
            ..Histogram::default()
        };
        // Rows come from whoever is scraped, so nothing is certain.
        histogram.validate().is_ok().then_some(histogram)
    }
}

/// Buckets with something in them, and where they are.
fn spans(counts: impl Iterator<Item = f64>) -> (Vec<Span>, Vec<f64>) {
    let (mut spans, mut buckets, mut gap) = (Vec::<Span>::new(), Vec::new(), 0);
    for count in counts {
        if count == 0.0 {
            gap += 1;
            continue;
        }
        match spans.last_mut().filter(|_| gap == 0) {
            Some(last) => last.length += 1,
            None => spans.push(Span { offset: gap, length: 1 }),
        }
        gap = 0;
        buckets.push(count);
    }
    (spans, buckets)
}

impl Given {
    /// Labels without the bucket; sorted, so that equal sets are equal.
    pub(super) fn new(mut labels: Vec<(String, String)>, group: Option<String>) -> Self {
        labels.sort();
        Self { labels, group }
    }

    fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What the name of a row says of it, and the name of its histogram.
pub(super) fn part_of(metric: &str, bound: Option<&str>) -> Option<(String, Part)> {
    if let Some(base) = metric.strip_suffix("_bucket") {
        let bound: f64 = bound?.parse().ok()?;
        return (!bound.is_nan()).then(|| (base.to_owned(), Part::Bucket(bound)));
    }
    let sum = metric.strip_suffix("_sum").map(|base| (base.to_owned(), Part::Sum));
    sum.or_else(|| metric.strip_suffix("_count").map(|base| (base.to_owned(), Part::Count)))
}

/// Takes the labels of a row of a classic histogram apart.
pub(super) fn take_apart(
    labels: super::line::CowLabels<'_>,
) -> Option<(Vec<(String, String)>, Part)> {
    let value = |wanted: &str| {
        let found = labels.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_ref())
    };
    let (base, part) = part_of(value(METRIC_NAME)?, value("le"))?;
    let rest = labels.into_iter().filter(|(name, _)| name != METRIC_NAME && name != "le");
    let mut own: Vec<(String, String)> =
        rest.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    own.push((METRIC_NAME.to_owned(), base));
    Some((own, part))
}

#[cfg(test)]
mod tests;
