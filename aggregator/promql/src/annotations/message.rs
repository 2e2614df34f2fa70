//! The kinds of annotations and their texts.

use std::fmt;

use crate::{
    span::Span,
    text::{
        float::{General, significant},
        quote::Quoted,
    },
};

/// What was noticed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    // Warnings.
    InvalidQuantile(f64),
    InvalidRatio { ratio: f64, capped: f64 },
    BadBucketLabel { metric: String, label: String },
    MixedFloatsHistograms { metric: String },
    MixedFloatsHistogramsAggregation,
    MixedClassicNative { metric: String },
    NotCounter { metric: String },
    NotGauge { metric: String },
    MixedExponentialCustom { metric: String },
    IncompatibleBuckets { operator: &'static str },
    SortInRange,
    CounterResetCollision(HistogramOp),
    StartOverlap { metric: String, count: u64 },
    // Infos.
    PossibleNonCounter { metric: String },
    PossibleNonCounterLabel { metric: String, label: String },
    ForcedMonotonicity { metric: String, fixed: Fixed },
    IncompatibleTypes { left: &'static str, operator: &'static str, right: &'static str },
    HistogramIgnoredInAggregation(&'static str),
    HistogramIgnoredInRange { metric: String },
    QuantileNan { metric: String },
    QuantileSkewed { metric: String },
    FractionNan { metric: String },
    MismatchedCustomBuckets(HistogramOp),
}

/// What was being done with histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistogramOp {
    Addition,
    Subtraction,
    Aggregation,
}

impl HistogramOp {
    fn as_str(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

/// The extent to which classic buckets were made monotonic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fixed {
    pub(crate) bucket_min: f64,
    pub(crate) bucket_max: f64,
    pub(crate) difference_max: f64,
    /// Milliseconds.
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) count: u64,
}

impl Note {
    pub(crate) fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::InvalidQuantile(_)
                | Self::InvalidRatio { .. }
                | Self::BadBucketLabel { .. }
                | Self::MixedFloatsHistograms { .. }
                | Self::MixedFloatsHistogramsAggregation
                | Self::MixedClassicNative { .. }
                | Self::NotCounter { .. }
                | Self::NotGauge { .. }
                | Self::MixedExponentialCustom { .. }
                | Self::IncompatibleBuckets { .. }
                | Self::SortInRange
                | Self::CounterResetCollision(_)
                | Self::StartOverlap { .. }
        )
    }

    /// The text without what differs from occurrence to occurrence.
    pub(super) fn key(&self) -> String {
        self.to_string()
    }

    /// Takes in another occurrence of the same note.
    pub(super) fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::StartOverlap { count, .. }, Self::StartOverlap { count: more, .. }) => {
                *count += more;
            }
            (
                Self::ForcedMonotonicity { fixed, .. },
                Self::ForcedMonotonicity { fixed: more, .. },
            ) => {
                fixed.bucket_min = fixed.bucket_min.min(more.bucket_min);
                fixed.bucket_max = fixed.bucket_max.max(more.bucket_max);
                fixed.difference_max = fixed.difference_max.max(more.difference_max);
                fixed.first = fixed.first.min(more.first);
                fixed.last = fixed.last.max(more.last);
                fixed.count += more.count;
            }
            _ => {}
        }
    }

    /// The text for people, with its place.
    pub(super) fn text(&self, span: Span) -> String {
        match self {
            Self::ForcedMonotonicity { fixed, .. } => format!(
                "{self}, from buckets {} to {}, with a max diff of {}, over {} samples from {} to {} ({span})",
                General(fixed.bucket_min),
                General(fixed.bucket_max),
                significant(fixed.difference_max, 2),
                fixed.count,
                rfc3339(fixed.first),
                rfc3339(fixed.last),
            ),
            Self::StartOverlap { count, .. } if *count > 1 => {
                format!("{self} ({count} occurrences) ({span})")
            }
            _ => format!("{self} ({span})"),
        }
    }
}

/// ` for metric name "…"`, or nothing.
struct ForMetric<'a>(&'a str);

impl fmt::Display for ForMetric<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, " for metric name {}", Quoted(self.0))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_warning() { "PromQL warning: " } else { "PromQL info: " })?;
        if self.is_warning() { self.warning(f) } else { self.info(f) }
    }
}

impl Note {
    fn warning(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidQuantile(quantile) => {
                let quantile = General(*quantile);
                write!(f, "quantile value should be between 0 and 1, got {quantile}")
            }
            Self::InvalidRatio { ratio, capped } => {
                let (ratio, capped) = (General(*ratio), General(*capped));
                write!(
                    f,
                    "ratio value should be between -1 and 1, got {ratio}, capping to {capped}"
                )
            }
            Self::BadBucketLabel { metric, label } => write!(
                f,
                "bucket label \"le\" is missing or has a malformed value of {}{}",
                Quoted(label),
                ForMetric(metric)
            ),
            Self::MixedFloatsHistograms { metric } => write!(
                f,
                "encountered a mix of histograms and floats for metric name {}",
                Quoted(metric)
            ),
            Self::MixedFloatsHistogramsAggregation => {
                f.write_str("encountered a mix of histograms and floats for aggregation")
            }
            Self::MixedClassicNative { metric } => write!(
                f,
                "vector contains a mix of classic and native histograms{}",
                ForMetric(metric)
            ),
            Self::NotCounter { metric } => {
                write!(f, "this native histogram metric is not a counter: {}", Quoted(metric))
            }
            Self::NotGauge { metric } => {
                write!(f, "this native histogram metric is not a gauge: {}", Quoted(metric))
            }
            Self::MixedExponentialCustom { metric } => write!(
                f,
                "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {}",
                Quoted(metric)
            ),
            Self::IncompatibleBuckets { operator } => {
                write!(f, "incompatible bucket layout encountered for binary operator {operator}")
            }
            Self::SortInRange => f.write_str(
                "sort is ineffective for range queries since results are always ordered by labels",
            ),
            Self::CounterResetCollision(op) => {
                write!(f, "conflicting counter resets during histogram {}", op.as_str())
            }
            Self::StartOverlap { metric, .. } => write!(
                f,
                "sample has start time that overlaps with previous sample timestamp for metric {}",
                Quoted(metric)
            ),
            _ => Ok(()),
        }
    }

    fn info(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PossibleNonCounter { metric } => write!(
                f,
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                Quoted(metric)
            ),
            Self::PossibleNonCounterLabel { metric, label } => write!(
                f,
                "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {}: {}",
                Quoted(label),
                Quoted(metric)
            ),
            Self::ForcedMonotonicity { metric, .. } => write!(
                f,
                "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
                ForMetric(metric)
            ),
            Self::IncompatibleTypes { left, operator, right } => {
                let quoted = Quoted(operator);
                write!(
                    f,
                    "incompatible sample types encountered for binary operator {quoted}: {left} {operator} {right}"
                )
            }
            Self::HistogramIgnoredInAggregation(aggregation) => {
                write!(f, "ignored histogram in {aggregation} aggregation")
            }
            Self::HistogramIgnoredInRange { metric } => write!(
                f,
                "ignored histograms in a range containing both floats and histograms for metric name {}",
                Quoted(metric)
            ),
            Self::QuantileNan { metric } => write!(
                f,
                "input to histogram_quantile has NaN observations, result is NaN{}",
                ForMetric(metric)
            ),
            Self::QuantileSkewed { metric } => write!(
                f,
                "input to histogram_quantile has NaN observations, result is skewed higher{}",
                ForMetric(metric)
            ),
            Self::FractionNan { metric } => write!(
                f,
                "input to histogram_fraction has NaN observations, which are excluded from all fractions{}",
                ForMetric(metric)
            ),
            Self::MismatchedCustomBuckets(op) => {
                write!(f, "mismatched custom buckets were reconciled during {}", op.as_str())
            }
            _ => Ok(()),
        }
    }
}

/// A time in UTC to the second.
fn rfc3339(millis: i64) -> String {
    let (date, second) = crate::calendar::date_and_second(millis / 1000);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let crate::calendar::Date { year, month, day, .. } = date;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}
