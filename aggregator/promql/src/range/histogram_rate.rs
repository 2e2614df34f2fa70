//! The change of a histogram over a window.

use std::sync::Arc;

use model::histogram::{Histogram, ResetHint};

use super::{
    call::Cx,
    start::{self, Started},
    window::View,
};
use crate::{
    annotations::{HistogramOp, Note},
    histogram::{self, compact, reset},
};

/// The last histogram less the first, with what was lost by resets added for a counter. `None`
/// with a note when they do not fit together. There are at least two.
pub(super) fn change(
    view: &View<'_, Arc<Histogram>>,
    counter: bool,
    cx: &mut Cx<'_>,
) -> Option<Histogram> {
    let (first, last) = (view.values.first()?, view.values.last()?);
    // Before a reset right after it, nothing of the first matters, not even its layout.
    let second = view.values.get(1)?;
    let empty = Histogram {
        schema: second.schema,
        custom_values: second.custom_values.clone(),
        ..Histogram::default()
    };
    let forget_first = counter && is_reset(view, 1, first);
    let base = if forget_first { &empty } else { first.as_ref() };
    let schema = common_schema(view, base, counter, cx)?;
    let mut change = histogram::layout::copy_to_schema(last, schema);
    // Resets are dealt with below, so their hints do not matter here.
    cx.merge_histogram(&mut change, base, HistogramOp::Subtraction)?;
    if counter {
        add_resets(view, base, &mut change, cx)?;
    } else if !is_gauge(first) || !is_gauge(last) {
        cx.note(Note::NotGauge { metric: cx.metric() });
    }
    change.reset_hint = ResetHint::Gauge;
    compact::compact(&mut change);
    Some(change)
}

fn is_gauge(histogram: &Histogram) -> bool {
    histogram.reset_hint == ResetHint::Gauge
}

/// The coarsest schema of all; `None` with a note when kinds of buckets are mixed.
fn common_schema(
    view: &View<'_, Arc<Histogram>>,
    base: &Histogram,
    counter: bool,
    cx: &mut Cx<'_>,
) -> Option<i32> {
    let (first, last) = (view.values.first()?, view.values.last()?);
    let inner = view.values.get(1..view.len() - 1).unwrap_or_default();
    let inner = if counter { inner } else { &[] };
    let custom = base.is_custom();
    let mixed_within = inner.iter().any(|histogram| histogram.is_custom() != custom);
    let mixed_at_end = last.is_custom() != custom;
    // Of a mix within nothing else is said.
    let says_gauge = mixed_at_end || !mixed_within;
    let mut gauges = [first, last].into_iter().chain(inner);
    if counter && says_gauge && gauges.any(|histogram| is_gauge(histogram)) {
        cx.note(Note::NotCounter { metric: cx.metric() });
    }
    if mixed_at_end || mixed_within {
        cx.note(Note::MixedExponentialCustom { metric: cx.metric() });
        return None;
    }
    let coarsest = last.schema.min(base.schema);
    Some(inner.iter().map(|histogram| histogram.schema).fold(coarsest, i32::min))
}

/// Adds what had been counted before each reset.
fn add_resets(
    view: &View<'_, Arc<Histogram>>,
    base: &Histogram,
    change: &mut Histogram,
    cx: &mut Cx<'_>,
) -> Option<()> {
    let mut previous = base;
    let mut overlap_seen = false;
    for (at, current) in view.values.iter().enumerate().skip(1) {
        if !overlap_seen && start::overlaps(started(view, at - 1), started(view, at)) {
            cx.note(Note::StartOverlap { metric: cx.metric(), count: 1 });
            overlap_seen = true;
        }
        let by_start = start::is_reset(started(view, at - 1), started(view, at));
        if by_start || reset::detect(current, previous) {
            cx.merge_histogram(change, previous, HistogramOp::Addition)?;
        }
        previous = current;
    }
    Some(())
}

fn is_reset(view: &View<'_, Arc<Histogram>>, at: usize, previous: &Histogram) -> bool {
    start::is_reset(started(view, at - 1), started(view, at))
        || view.values.get(at).is_some_and(|current| reset::detect(current, previous))
}

fn started(view: &View<'_, Arc<Histogram>>, at: usize) -> Started {
    Started { time: view.times.get(at).copied().unwrap_or(0), start: view.start(at) }
}
