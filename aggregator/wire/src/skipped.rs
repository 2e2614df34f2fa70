//! What a decoder left out of a body that it otherwise accepted, and why.

use std::{collections::BTreeMap, fmt};

/// Longest example kept, in characters.
const EXAMPLE_CHARS_MAX: usize = 240;

/// Why a part of a body was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// A label or text is not UTF-8.
    InvalidUtf8,
    /// A reference points outside the symbol table, or a name has no value.
    InvalidReference,
    /// The series has no labels.
    NoLabels,
    NoMetricName,
    EmptyLabelName,
    DuplicateLabel,
    TooManyLabels,
    LabelNameTooLong,
    LabelValueTooLong,
    /// The series carries neither a sample nor a histogram.
    NoSamples,
    InvalidHistogram,
    InvalidExemplar,
    InvalidMetadata,
    /// The metric counts since its last sample, or does not say since when.
    Temporality,
    /// A delta that is older than its stream or the stream's last point.
    DeltaOutOfOrder,
    /// A delta of a time too far in the future.
    DeltaInFuture,
    /// A delta of a new stream, where there are as many as there may be.
    DeltaStreams,
    /// The caller's [`crate::decode::Partition`] did not take it.
    Refused,
}

impl SkipReason {
    /// A stable word for a metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidReference => "invalid_reference",
            Self::NoLabels => "no_labels",
            Self::NoMetricName => "no_metric_name",
            Self::EmptyLabelName => "empty_label_name",
            Self::DuplicateLabel => "duplicate_label",
            Self::TooManyLabels => "too_many_labels",
            Self::LabelNameTooLong => "label_name_too_long",
            Self::LabelValueTooLong => "label_value_too_long",
            Self::NoSamples => "no_samples",
            Self::InvalidHistogram => "invalid_histogram",
            Self::InvalidExemplar => "invalid_exemplar",
            Self::InvalidMetadata => "invalid_metadata",
            Self::Temporality => "temporality",
            Self::DeltaOutOfOrder => "delta_out_of_order",
            Self::DeltaInFuture => "delta_in_future",
            Self::DeltaStreams => "delta_streams",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

/// What was left out for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    /// Series, histograms, exemplars or descriptions, whichever the reason speaks of.
    pub count: u64,
    /// Float and histogram samples lost with them.
    pub samples: u64,
    /// The first one, for a person.
    pub example: String,
}

/// Everything that was left out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    by_reason: BTreeMap<SkipReason, Skip>,
}

impl Skipped {
    pub fn is_empty(&self) -> bool {
        self.by_reason.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (SkipReason, &Skip)> {
        self.by_reason.iter().map(|(reason, skip)| (*reason, skip))
    }

    pub fn get(&self, reason: SkipReason) -> Option<&Skip> {
        self.by_reason.get(&reason)
    }

    /// Samples and histograms lost for all reasons.
    pub fn samples(&self) -> u64 {
        self.by_reason.values().map(|skip| skip.samples).sum()
    }

    /// Counts one more; `example` is asked for only the first time.
    pub fn add(&mut self, reason: SkipReason, samples: usize, example: impl Fn() -> String) {
        let skip = self.by_reason.entry(reason).or_insert_with(|| Skip {
            example: example().chars().take(EXAMPLE_CHARS_MAX).collect(),
            ..Skip::default()
        });
        skip.count += 1;
        skip.samples += samples as u64;
    }

    /// Adds what another decoder left out.
    pub fn merge(&mut self, other: Self) {
        for (reason, skip) in other.by_reason {
            let mine = self.by_reason.entry(reason).or_default();
            mine.count += skip.count;
            mine.samples += skip.samples;
            if mine.example.is_empty() {
                mine.example = skip.example;
            }
        }
    }
}

/// `2 no metric name (e.g. {job="x"}), 1 duplicate label (e.g. …)`.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (reason, skip)) in self.by_reason.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(f, "{separator}{} {reason} (e.g. {})", skip.count, skip.example)?;
        }
        Ok(())
    }
}

/// Labels as an example shows them, whatever is wrong with them.
pub(crate) fn show_labels(labels: &[(&str, &str)]) -> String {
    let mut shown = String::from("{");
    for (number, (name, value)) in labels.iter().enumerate() {
        if shown.len() > EXAMPLE_CHARS_MAX {
            break;
        }
        let separator = if number == 0 { "" } else { ", " };
        shown.extend([separator, name, "="]);
        shown.push_str(&model::labels::Quoted(value).to_string());
    }
    shown.push('}');
    shown
}

#[cfg(test)]
mod tests;
