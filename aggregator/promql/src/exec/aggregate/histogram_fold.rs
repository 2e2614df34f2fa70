//! Sums and means of histograms within a group.

use model::histogram::{Histogram, ResetHint};

use crate::{
    annotations::{HistogramOp, Note, Notes},
    histogram::{
        accumulate::{Accumulator, Mean},
        arithmetic::Incompatible,
        compact,
    },
    span::Span,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Sum,
    Mean,
}

/// The histograms of a group at one step.
#[derive(Debug)]
pub(super) struct HistogramState {
    total: Total,
    reset: bool,
    not_reset: bool,
}

#[derive(Debug)]
enum Total {
    Sum(Accumulator),
    Mean(Mean),
    /// Exponential and custom buckets were mixed: there is no total.
    Mixed,
    /// There is a float already, so that the total does not matter.
    BesideFloat,
}

impl HistogramState {
    pub(super) fn new(kind: Kind, first: &Histogram) -> Self {
        let total = match kind {
            Kind::Sum => Total::Sum(Accumulator::of(first)),
            Kind::Mean => Total::Mean(Mean::of(first)),
        };
        let mut state = Self { total, reset: false, not_reset: false };
        state.see(first);
        state
    }

    /// Histograms that come after a float.
    pub(super) fn beside_float() -> Self {
        Self { total: Total::BesideFloat, reset: false, not_reset: false }
    }

    /// Whether what comes now does not matter any more.
    pub(super) fn is_mixed(&self) -> bool {
        matches!(self.total, Total::Mixed)
    }

    fn see(&mut self, histogram: &Histogram) {
        self.reset |= histogram.reset_hint == ResetHint::Reset;
        self.not_reset |= histogram.reset_hint == ResetHint::NotReset;
    }

    pub(super) fn add(
        &mut self,
        histogram: &Histogram,
        metric: &str,
        notes: &mut Notes,
        span: Span,
    ) {
        let added = match &mut self.total {
            Total::Sum(sum) => sum.add(histogram),
            Total::Mean(mean) => mean.add(histogram),
            Total::Mixed | Total::BesideFloat => return,
        };
        self.see(histogram);
        match added {
            Ok(noticed) if noticed.bounds_reconciled => {
                notes.add(Note::MismatchedCustomBuckets(HistogramOp::Aggregation), span);
            }
            Ok(_) => {}
            Err(Incompatible) => {
                notes.add(Note::MixedExponentialCustom { metric: metric.to_owned() }, span);
                self.total = Total::Mixed;
            }
        }
    }

    /// Whether some say that they come after a reset and others that they do not.
    pub(super) fn has_reset_collision(&self) -> bool {
        self.reset && self.not_reset
    }

    pub(super) fn finish(self) -> Option<Histogram> {
        let mut total = match self.total {
            Total::Sum(sum) => sum.total(),
            Total::Mean(mean) => mean.total(),
            Total::Mixed | Total::BesideFloat => return None,
        };
        compact::compact(&mut total);
        Some(total)
    }
}
