//! Families of metrics: what they are, which samples belong to them, and since when they count.
//!
//! In OpenMetrics 1.0 the start of a counter, histogram or summary is a sample of its own, named
//! with the suffix `_created`, which may come after the samples it speaks of.

use std::{borrow::Cow, collections::HashMap};

use model::metadata::MetricType;

use super::{
    ParseError,
    line::{Comment, CowLabels, Row, seconds_to_millis},
    parse::{at, metric_type},
};

/// What is said of one metric, and which family a row is to be read as.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: MetricType,
    pub(crate) help: Cow<'a, str>,
    pub(crate) unit: Cow<'a, str>,
}

impl<'a> Family<'a> {
    /// Takes in what a comment says. Returns the family before, when it speaks of another one.
    pub(crate) fn describe(
        &mut self,
        comment: Comment<'a>,
        line: usize,
    ) -> Result<Option<Self>, ParseError> {
        let (Comment::Help(name, _) | Comment::Type(name, _) | Comment::Unit(name, _)) = &comment
        else {
            return Ok(None);
        };
        let before = (*name != self.name).then(|| {
            let next = Self { name: name.clone(), ..Self::default() };
            std::mem::replace(self, next)
        });
        match comment {
            Comment::Help(_, help) => self.help = help,
            Comment::Unit(_, unit) => self.unit = Cow::Borrowed(unit),
            Comment::Type(_, word) => {
                self.kind = metric_type(word);
                if self.kind == MetricType::Unknown && !matches!(word, "unknown" | "untyped") {
                    let word: String = word.chars().take(40).collect();
                    return Err(at(line)(format!("{word:?} is not a metric type").into()));
                }
            }
            Comment::Eof | Comment::Other => {}
        }
        Ok(before)
    }

    pub(crate) fn says_something(&self) -> bool {
        let said =
            self.kind != MetricType::Unknown || !self.help.is_empty() || !self.unit.is_empty();
        said && !self.name.is_empty()
    }

    /// Whether a sample of this name is one of the family.
    pub(crate) fn owns(&self, metric: &str) -> bool {
        let Some(suffix) = metric.strip_prefix(&*self.name) else { return false };
        let suffixes: &[&str] = match self.kind {
            MetricType::Counter => &["", "_total", "_created"],
            MetricType::Histogram => &["_bucket", "_count", "_sum", "_created"],
            MetricType::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
            MetricType::Summary => &["", "_count", "_sum", "_created"],
            MetricType::Info => &["", "_info"],
            MetricType::Gauge | MetricType::StateSet | MetricType::Unknown => &[""],
        };
        suffixes.contains(&suffix)
    }

    /// The type of a sample: that of the family if it is one of it.
    pub(crate) fn kind_of(&self, metric: &str) -> MetricType {
        if self.owns(metric) { self.kind } else { MetricType::Unknown }
    }

    /// Whether the sample says when another one started.
    pub(crate) fn is_created(&self, metric: &str) -> bool {
        metric.strip_prefix(&*self.name) == Some("_created")
            && matches!(
                self.kind,
                MetricType::Counter | MetricType::Histogram | MetricType::Summary
            )
    }

    /// Its name and the labels that its samples share: all but the bucket and the quantile.
    pub(crate) fn group(&self, labels: &CowLabels<'_>) -> String {
        let own = match self.kind {
            MetricType::Histogram => "le",
            MetricType::Summary => "quantile",
            _ => "",
        };
        let mut labels: Vec<_> = labels.iter().filter(|(name, _)| name != own).collect();
        labels.sort();
        // A byte that no label can be confused with: lengths make the text unambiguous.
        let mut key = format!("{}:{}", self.name.len(), self.name);
        for (name, value) in labels {
            key.push_str(&format!("{}:{name}{}:{value}", name.len(), value.len()));
        }
        key
    }
}

/// Starts by family and labels.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    by_group: HashMap<String, (i64, bool)>,
}

impl Starts {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_group.is_empty()
    }

    pub(crate) fn add(&mut self, family: &Family<'_>, row: &Row<'_>) {
        if let Some(start) = seconds_to_millis(row.value) {
            self.by_group.insert(family.group(&row.labels), (start, false));
        }
    }

    /// The start of a sample, 0 when unknown.
    pub(crate) fn of(&mut self, family: &Family<'_>, row: &Row<'_>) -> i64 {
        if self.by_group.is_empty() || !family.owns(&row.metric) {
            return 0;
        }
        match self.by_group.get_mut(&family.group(&row.labels)) {
            Some((start, used)) => {
                *used = true;
                *start
            }
            None => 0,
        }
    }

    /// How many speak of no sample.
    pub(crate) fn unused(&self) -> usize {
        self.by_group.values().filter(|(_, used)| !used).count()
    }
}
