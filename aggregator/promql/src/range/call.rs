//! A call of a function of a range vector.

use std::sync::Arc;

use model::{histogram::Histogram, labels::Labels, query::Need};

use super::{
    changes,
    extremes::Extreme,
    histogram_over_time, instant, over_time,
    rate::{self, Kind, Resets},
    regression,
    repeated::{Asked, Repeated},
    samples::Samples,
    window::{Extent, Window},
};
use crate::{
    annotations::{HistogramOp, Note, Notes},
    ast::Extension,
    error::{EvalError, execution},
    functions::FunctionId,
    histogram::arithmetic,
    span::Span,
    value::Sample,
};

/// What a function knows besides its window.
pub(crate) struct Cx<'a> {
    pub(crate) labels: &'a Labels,
    /// The first argument, where notes point to.
    pub(crate) span: Span,
    /// Length of the range in seconds.
    pub(crate) seconds: f64,
    pub(crate) extension: Extension,
    pub(crate) notes: &'a mut Notes,
}

impl Cx<'_> {
    pub(super) fn note(&mut self, note: Note) {
        self.notes.add(note, self.span);
    }

    pub(super) fn metric(&self) -> String {
        self.labels.metric().to_owned()
    }

    /// Adds or subtracts a histogram; `None` with a note when they do not fit together.
    pub(super) fn merge_histogram(
        &mut self,
        into: &mut Histogram,
        other: &Histogram,
        op: HistogramOp,
    ) -> Option<()> {
        let merged = match op {
            HistogramOp::Subtraction => arithmetic::subtract(into, other),
            HistogramOp::Addition | HistogramOp::Aggregation => arithmetic::add(into, other),
        };
        match merged {
            Ok(noticed) => {
                if noticed.bounds_reconciled {
                    self.note(Note::MismatchedCustomBuckets(op));
                }
                Some(())
            }
            Err(arithmetic::Incompatible) => {
                self.note(Note::MixedExponentialCustom { metric: self.metric() });
                None
            }
        }
    }

    pub(super) fn add_histogram(&mut self, into: &mut Histogram, other: &Histogram) -> Option<()> {
        self.merge_histogram(into, other, HistogramOp::Addition)
    }

    /// Notes that histograms beside floats are ignored.
    pub(super) fn ignore_histograms(&mut self, window: &Window<'_>) {
        if !window.histograms.is_empty() {
            self.note(Note::HistogramIgnoredInRange { metric: self.metric() });
        }
    }
}

/// A function with what it prepares per series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeFunction {
    id: FunctionId,
}

impl RangeFunction {
    /// The function with this name; an error when it cannot be used with the extension.
    pub(crate) fn new(id: FunctionId, name: &str, extension: Extension) -> Result<Self, EvalError> {
        use FunctionId as F;
        let (modifier, safe, list) = match extension {
            Extension::None => return Ok(Self { id }),
            Extension::Anchored => (
                "anchored",
                matches!(id, F::Changes | F::Delta | F::Increase | F::Rate | F::Resets),
                "changes, delta, increase, rate, resets",
            ),
            Extension::Smoothed => (
                "smoothed",
                matches!(id, F::Delta | F::Increase | F::Rate),
                "delta, increase, rate",
            ),
        };
        if safe {
            return Ok(Self { id });
        }
        execution(format!("{modifier} modifier can only be used with: {list} - not with {name}"))
    }

    /// Whether the result is still the metric itself.
    pub(crate) fn keeps_name(self) -> bool {
        // Nobody sees the series that `absent_over_time` looks at.
        matches!(
            self.id,
            FunctionId::LastOverTime | FunctionId::FirstOverTime | FunctionId::AbsentOverTime
        )
    }

    /// What of each window the value depends on, where that is one sample.
    pub(crate) fn need(self) -> Option<Need> {
        use FunctionId as F;
        Some(match self.id {
            F::MaxOverTime => Need::Greatest,
            F::MinOverTime => Need::Least,
            F::LastOverTime | F::TsOfLastOverTime => Need::Last,
            F::FirstOverTime | F::TsOfFirstOverTime => Need::First,
            F::PresentOverTime | F::AbsentOverTime => Need::Any,
            _ => return None,
        })
    }

    /// Whether start timestamps matter.
    pub(crate) fn uses_starts(self) -> bool {
        use FunctionId as F;
        matches!(self.id, F::Rate | F::Irate | F::Increase | F::Resets)
    }

    /// Whether the function is meant for counters.
    pub(crate) fn wants_counter(self) -> bool {
        matches!(self.id, FunctionId::Rate | FunctionId::Increase)
    }

    /// What series with these times have in common, if the function makes use of that.
    pub(crate) fn repeated(
        self,
        times: &[i64],
        extent: Extent,
        ends: impl Iterator<Item = i64>,
    ) -> Option<Repeated> {
        let asked = self.asked().filter(|_| extent.is_plain())?;
        Some(Repeated::new(asked, times, extent, ends))
    }

    fn asked(self) -> Option<Asked> {
        use FunctionId as F;
        Some(match self.id {
            F::MaxOverTime => Asked::Extreme(Extreme::Greatest),
            F::MinOverTime => Asked::Extreme(Extreme::Least),
            F::CountOverTime => Asked::Count,
            _ => Asked::Rate(self.kind()?),
        })
    }

    /// Which rate it is, if any.
    fn kind(self) -> Option<Kind> {
        use FunctionId as F;
        let (counter, per_second) = match self.id {
            F::Rate => (true, true),
            F::Increase => (true, false),
            F::Delta => (false, false),
            _ => return None,
        };
        Some(Kind { counter, per_second })
    }

    /// What is found once per series.
    pub(crate) fn prepare(self, samples: &Samples, extension: Extension) -> Resets {
        if self.wants_counter() && extension == Extension::None {
            return Resets::find(samples);
        }
        Resets::default()
    }

    /// The value at one step. The window holds at least one sample.
    pub(crate) fn evaluate(
        self,
        window: &Window<'_>,
        resets: &Resets,
        params: &[f64],
        cx: &mut Cx<'_>,
    ) -> Result<Option<Sample>, EvalError> {
        use FunctionId as F;
        let float = |value: f64| Some(Sample::Float(value));
        if let Some(kind) = self.kind() {
            return Ok(rate_of(kind, window, resets, cx));
        }
        Ok(match self.id {
            F::Irate => instant::change(window, true, cx),
            F::Idelta => instant::change(window, false, cx),
            F::Resets => changes::resets(window, cx.extension).and_then(float),
            F::Changes => changes::changes(window, cx.extension).and_then(float),
            F::Deriv => regression::deriv(window, cx).and_then(float),
            F::PredictLinear => {
                let ahead = params.first().copied().unwrap_or(f64::NAN);
                regression::predict(window, ahead, cx).and_then(float)
            }
            F::DoubleExponentialSmoothing => {
                regression::smooth(window, params, cx)?.and_then(float)
            }
            F::SumOverTime => histogram_over_time::sum(window, cx),
            F::AvgOverTime => histogram_over_time::mean(window, cx),
            F::FirstOverTime => over_time::first(window),
            F::LastOverTime => over_time::last(window),
            F::CountOverTime => float((window.floats.len() + window.histograms.len()) as f64),
            F::PresentOverTime | F::AbsentOverTime => float(1.0),
            F::TsOfFirstOverTime => over_time::time_of_first(window).and_then(float),
            F::TsOfLastOverTime => over_time::time_of_last(window).and_then(float),
            F::QuantileOverTime => {
                let fraction = params.first().copied().unwrap_or(f64::NAN);
                over_time::quantile(window, fraction, cx).and_then(float)
            }
            id => over_time::floats_only(id, window, cx).and_then(float),
        })
    }
}

fn rate_of(kind: Kind, window: &Window<'_>, resets: &Resets, cx: &mut Cx<'_>) -> Option<Sample> {
    if cx.extension == Extension::None {
        return rate::rate(kind, window, resets, cx);
    }
    super::extended::rate(kind, window, cx)
}

/// A histogram sample.
pub(super) fn histogram(histogram: Histogram) -> Option<Sample> {
    Some(Sample::Histogram(Arc::new(histogram)))
}
