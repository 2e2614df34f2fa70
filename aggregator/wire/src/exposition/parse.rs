//! Reads an exposition into a batch.

use std::borrow::Cow;

use model::{metadata::MetricType, time::Timestamp, write::Sample};

use super::{
    Format,
    created::{Family, Starts},
    line::{self, Comment, CowLabels, Fault, Row},
};
use crate::{
    decode::{DecodeOptions, DecodeStats, Partition},
    limits::LimitExceeded,
    number::push_canonical_float,
    series::{Series, Sink},
    skipped::SkipReason,
};

/// How to read an exposition.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParseOptions<'a> {
    pub decode: DecodeOptions<'a>,
    /// The time of samples that give none, or of all when `ignore_timestamps`.
    pub time: Timestamp,
    pub ignore_timestamps: bool,
    /// Labels of the target, put on every series. A label of the same name that a series has of
    /// its own is renamed with the prefix `exported_`, or wins when `honor_labels`.
    pub labels: &'a [(&'a str, &'a str)],
    pub honor_labels: bool,
}

/// Why an exposition is refused whole. The batch may hold a part of it then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Lines count from 1.
    #[error("line {line}: {fault}")]
    Line { line: usize, fault: String },
    #[error("line {line}: not UTF-8")]
    NotUtf8 { line: usize },
    /// An OpenMetrics exposition was cut short.
    #[error("the last line is not '# EOF'")]
    NoEof,
    /// A message of the protobuf format, by the byte where it stops making sense.
    #[error("byte {position}: {fault}")]
    Message { position: usize, fault: String },
    #[error(transparent)]
    TooMany(#[from] LimitExceeded),
}

/// Reads `text`. A line that cannot be read is an error; a series with invalid labels is skipped
/// and counted. In OpenMetrics, `_created` samples become the start timestamps of the samples they
/// speak of. Bounds of classic buckets and quantiles are brought to one form (`1` to `1.0`), as
/// Prometheus does, so that the same bucket is the same series whichever format it came in.
pub fn parse(
    format: Format,
    text: &[u8],
    options: &ParseOptions<'_>,
    partition: &mut dyn Partition,
) -> Result<DecodeStats, ParseError> {
    let text = utf8(text)?;
    let mut parser = Parser {
        format,
        options,
        sink: Sink::new(&options.decode, partition),
        starts: Starts::default(),
        family: Family::default(),
    };
    if format == Format::OpenMetrics && text.contains("_created") {
        parser.collect_starts(text)?;
    }
    parser.read(text)?;
    let unused = parser.starts.unused();
    for _ in 0..unused {
        parser.sink.skip(SkipReason::NoSamples, 0, || "a _created sample without others".into());
    }
    Ok(parser.sink.into_stats())
}

/// The text, or the line where it is none.
pub(super) fn utf8(text: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(text).map_err(|error| {
        let valid = text.get(..error.valid_up_to()).unwrap_or_default();
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        ParseError::NotUtf8 { line }
    })
}

/// Lines with their numbers; what follows the last line feed is one only if it is not empty.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .zip(1..)
        .map(|(line, number)| (number, line))
}

pub(super) fn at(line: usize) -> impl Fn(Fault) -> ParseError {
    move |fault| ParseError::Line { line, fault: fault.into_owned() }
}

struct Parser<'a, 'o, 'p> {
    format: Format,
    options: &'o ParseOptions<'o>,
    sink: Sink<'o, 'p>,
    starts: Starts,
    family: Family<'a>,
}

impl<'a> Parser<'a, '_, '_> {
    /// Reads only what says when metrics started.
    fn collect_starts(&mut self, text: &'a str) -> Result<(), ParseError> {
        let labels_max = self.sink.limits().labels_per_series;
        let mut family = Family::default();
        for (number, line) in lines(text) {
            if line.starts_with('#') {
                if let Comment::Type(name, kind) =
                    line::comment(line, self.format).map_err(at(number))?
                {
                    family = Family { name, kind: metric_type(kind), ..Family::default() };
                }
            } else if line.contains("_created") {
                let row = line::row(line, self.format, labels_max).map_err(at(number))?;
                if family.is_created(&row.metric) {
                    self.sink.count_sample()?;
                    self.starts.add(&family, &row);
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, text: &'a str) -> Result<(), ParseError> {
        let open = self.format == Format::OpenMetrics;
        let labels_max = self.sink.limits().labels_per_series;
        let mut ended = false;
        for (number, line) in lines(text) {
            if ended {
                return Err(at(number)("expected nothing after '# EOF'".into()));
            }
            let start = line.trim_start_matches([' ', '\t']);
            if start.starts_with('#') {
                let comment = line::comment(start, self.format).map_err(at(number))?;
                ended = comment == Comment::Eof;
                if let Some(before) = self.family.describe(comment, number)? {
                    self.end_family(before)?;
                }
            } else if !start.is_empty() || open {
                let row = line::row(line, self.format, labels_max).map_err(at(number))?;
                self.sample(row)?;
            }
        }
        if open && !ended {
            return Err(ParseError::NoEof);
        }
        let last = std::mem::take(&mut self.family);
        self.end_family(last)
    }

    /// Hands over what was said of a family.
    fn end_family(&mut self, family: Family<'a>) -> Result<(), ParseError> {
        if family.says_something() {
            let Family { name, kind, help, unit } = family;
            self.sink.metadata(None, &name, kind, (&help, &unit))?;
        }
        Ok(())
    }

    fn sample(&mut self, mut row: Row<'a>) -> Result<(), ParseError> {
        if !self.starts.is_empty() && self.family.is_created(&row.metric) {
            return Ok(());
        }
        let start = self.starts.of(&self.family, &row);
        self.sink.count_series()?;
        self.sink.count_sample()?;
        match self.family.kind_of(&row.metric) {
            MetricType::Histogram | MetricType::GaugeHistogram => normalize(&mut row.labels, "le"),
            MetricType::Summary => normalize(&mut row.labels, "quantile"),
            _ => {}
        }
        self.add_target_labels(&mut row.labels);

        let time = match row.time {
            Some(time) if !self.options.ignore_timestamps => time,
            _ => self.options.time.millis(),
        };
        let mut series = Series::default();
        series.labels.push((model::labels::METRIC_NAME, &row.metric));
        series.labels.extend(row.labels.iter().map(|(name, value)| (&**name, &**value)));
        series.samples.push(Sample { time, value: row.value, start });
        if let Some(exemplar) = &row.exemplar {
            self.sink.count_exemplar()?;
            let labels: Vec<_> =
                exemplar.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            let time = exemplar.time.unwrap_or(time);
            self.sink.exemplar(Some(&labels), exemplar.value, time, &mut series)?;
        }
        self.sink.commit(&mut series)?;
        Ok(())
    }

    fn add_target_labels(&self, labels: &mut CowLabels<'a>) {
        for (name, value) in self.options.labels {
            let own = labels.iter().position(|(own, value)| own == name && !value.is_empty());
            if let Some(own) = own {
                if self.options.honor_labels {
                    continue;
                }
                let mut renamed = format!("exported_{name}");
                while labels.iter().any(|(own, _)| *own == renamed) {
                    renamed.insert_str(0, "exported_");
                }
                if let Some((own, _)) = labels.get_mut(own) {
                    *own = Cow::Owned(renamed);
                }
            } else if labels.iter().any(|(own, _)| own == name) && self.options.honor_labels {
                continue; // it says on purpose that it has no such label
            }
            labels.retain(|(own, _)| own != name);
            labels.push((Cow::Owned((*name).to_owned()), Cow::Owned((*value).to_owned())));
        }
    }
}

/// Writes a bound that is a number in the one form of OpenMetrics.
pub(super) fn normalize(labels: &mut CowLabels<'_>, name: &str) {
    for (_, value) in labels.iter_mut().filter(|(own, _)| own == name) {
        let Ok(number) = value.parse::<f64>() else { continue };
        let mut canonical = Vec::new();
        push_canonical_float(&mut canonical, number);
        if let Ok(canonical) = String::from_utf8(canonical)
            && canonical != *value
        {
            *value = Cow::Owned(canonical);
        }
    }
}

pub(super) fn metric_type(word: &str) -> MetricType {
    match word {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        "gaugehistogram" => MetricType::GaugeHistogram,
        "summary" => MetricType::Summary,
        "info" => MetricType::Info,
        "stateset" => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}

#[cfg(test)]
mod tests;
