//! `sum_over_time` and `avg_over_time`, of floats or of histograms.

use std::sync::Arc;

use model::histogram::{Histogram, ResetHint};

use super::{
    call::{Cx, histogram},
    window::Window,
};
use crate::{
    annotations::{HistogramOp, Note},
    histogram::{
        accumulate::{Accumulator, Mean},
        arithmetic::{Incompatible, Noticed},
    },
    kahan::{self, Sum},
    value::Sample,
};

pub(super) fn sum(window: &Window<'_>, cx: &mut Cx<'_>) -> Option<Sample> {
    if is_mixed(window, cx) {
        return None;
    }
    if let Some((first, rest)) = window.histograms.values.split_first() {
        let mut sum = Accumulator::of(first);
        accumulate(first, rest, cx, |other| sum.add(other))?;
        return histogram(sum.total());
    }
    let mut sum = Sum::default();
    window.floats.values.iter().for_each(|value| sum.add(*value));
    let total = if sum.value.is_infinite() { sum.value } else { sum.total() };
    Some(Sample::Float(total))
}

pub(super) fn mean(window: &Window<'_>, cx: &mut Cx<'_>) -> Option<Sample> {
    if is_mixed(window, cx) {
        return None;
    }
    if let Some((first, rest)) = window.histograms.values.split_first() {
        let mut mean = Mean::of(first);
        accumulate(first, rest, cx, |other| mean.add(other))?;
        return histogram(mean.total());
    }
    let (first, rest) = window.floats.values.split_first()?;
    let mut mean = kahan::Mean::of(*first);
    rest.iter().for_each(|value| mean.add(*value));
    Some(Sample::Float(mean.total()))
}

fn is_mixed(window: &Window<'_>, cx: &mut Cx<'_>) -> bool {
    let mixed = !window.floats.is_empty() && !window.histograms.is_empty();
    if mixed {
        cx.note(Note::MixedFloatsHistograms { metric: cx.metric() });
    }
    mixed
}

/// Feeds histograms to a sum or mean and notes what is odd about them.
fn accumulate(
    first: &Histogram,
    rest: &[Arc<Histogram>],
    cx: &mut Cx<'_>,
    mut add: impl FnMut(&Histogram) -> Result<Noticed, Incompatible>,
) -> Option<()> {
    let mut reset = first.reset_hint == ResetHint::Reset;
    let mut not_reset = first.reset_hint == ResetHint::NotReset;
    let mut reconciled = false;
    for other in rest {
        reset |= other.reset_hint == ResetHint::Reset;
        not_reset |= other.reset_hint == ResetHint::NotReset;
        match add(other) {
            Ok(noticed) => reconciled |= noticed.bounds_reconciled,
            Err(Incompatible) => {
                cx.note(Note::MixedExponentialCustom { metric: cx.metric() });
                return None;
            }
        }
    }
    if reset && not_reset {
        cx.note(Note::CounterResetCollision(HistogramOp::Aggregation));
    }
    if reconciled {
        cx.note(Note::MismatchedCustomBuckets(HistogramOp::Aggregation));
    }
    Some(())
}
