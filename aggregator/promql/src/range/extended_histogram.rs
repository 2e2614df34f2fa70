//! `rate`, `increase` and `delta` of histograms over `anchored` and `smoothed` ranges.

use std::sync::Arc;

use model::histogram::{Histogram, ResetHint};

use super::{
    call::{Cx, histogram},
    extended::Edges,
    rate::Kind,
    window::{View, Window},
};
use crate::{
    annotations::{HistogramOp, Note},
    ast::Extension,
    histogram::{
        arithmetic::{self, Incompatible},
        compact, reset, scale,
    },
    value::Sample,
};

pub(super) fn rate(kind: Kind, window: &Window<'_>, cx: &mut Cx<'_>) -> Option<Sample> {
    let view = &window.histograms;
    let smoothed = cx.extension == Extension::Smoothed;
    let edges = Edges::find(view.times, window, smoothed)?;
    check_kinds(view, edges, kind, cx)?;
    let (left, right) = at_edges(view, edges, window, smoothed, kind.counter, cx)?;
    let gauge = |histogram: &Histogram| histogram.reset_hint == ResetHint::Gauge;
    let gauges = gauge(&left) && gauge(&right);
    if !kind.counter && !gauges {
        cx.note(Note::NotGauge { metric: cx.metric() });
    }
    let mut change = right.clone();
    cx.merge_histogram(&mut change, &left, HistogramOp::Subtraction)?;
    if kind.counter
        && let Some(lost) = lost_by_resets(view, edges, window, (&left, &right), smoothed, cx)?
    {
        cx.add_histogram(&mut change, &lost)?;
    }
    if kind.per_second {
        scale::divide(&mut change, cx.seconds);
    }
    change.reset_hint = ResetHint::Gauge;
    compact::compact(&mut change);
    histogram(change)
}

/// Notes gauges where counters are wanted; `None` with a note when kinds of buckets are mixed.
fn check_kinds(
    view: &View<'_, Arc<Histogram>>,
    edges: Edges,
    kind: Kind,
    cx: &mut Cx<'_>,
) -> Option<()> {
    let used = view.values.get(edges.first..=edges.last)?;
    let custom = used.first()?.is_custom();
    for histogram in used {
        if histogram.is_custom() != custom {
            cx.note(Note::MixedExponentialCustom { metric: cx.metric() });
            return None;
        }
        if kind.counter && histogram.reset_hint == ResetHint::Gauge {
            cx.note(Note::NotCounter { metric: cx.metric() });
        }
    }
    Some(())
}

/// The histograms at the edges of the range, interpolated if it is smoothed.
fn at_edges(
    view: &View<'_, Arc<Histogram>>,
    edges: Edges,
    window: &Window<'_>,
    smoothed: bool,
    counter: bool,
    cx: &mut Cx<'_>,
) -> Option<(Histogram, Histogram)> {
    let between = |before: usize, time: i64, cx: &mut Cx<'_>| {
        let mut notes = Vec::new();
        let interpolated =
            interpolate(view.get(before)?, view.get(before + 1)?, time, counter, &mut notes);
        notes.into_iter().for_each(|note| cx.note(note));
        if interpolated.is_err() {
            cx.note(Note::MixedExponentialCustom { metric: cx.metric() });
        }
        interpolated.ok()
    };
    let (first_time, first) = view.get(edges.first)?;
    let left = if smoothed && first_time < window.start {
        between(edges.first, window.start, cx)?
    } else {
        Histogram::clone(first)
    };
    let (last_time, last) = view.get(edges.last)?;
    let right = if smoothed && last_time > window.end && edges.last > 0 {
        between(edges.last - 1, window.end, cx)?
    } else {
        Histogram::clone(last)
    };
    Some((left, right))
}

/// The histogram between two samples. A counter that was reset is taken to have begun from zero.
pub(crate) fn interpolate(
    (time_before, before): (i64, &Arc<Histogram>),
    (time_after, after): (i64, &Arc<Histogram>),
    time: i64,
    counter: bool,
    notes: &mut Vec<Note>,
) -> Result<Histogram, Incompatible> {
    if time == time_before {
        return Ok(Histogram::clone(before));
    }
    let mut result = Histogram::clone(after);
    if time == time_after {
        return Ok(result);
    }
    let fraction = (time - time_before) as f64 / (time_after - time_before) as f64;
    if counter && reset::detect(after, before) {
        scale::multiply(&mut result, fraction);
        return Ok(result);
    }
    if arithmetic::subtract(&mut result, before)?.bounds_reconciled {
        notes.push(Note::MismatchedCustomBuckets(HistogramOp::Subtraction));
    }
    scale::multiply(&mut result, fraction);
    if arithmetic::add(&mut result, before)?.bounds_reconciled {
        notes.push(Note::MismatchedCustomBuckets(HistogramOp::Addition));
    }
    Ok(result)
}

/// What had been counted before each reset within the range; `None` with a note when histograms do
/// not fit together.
#[expect(clippy::option_option, reason = "the outer option is failure, the inner one nothing lost")]
fn lost_by_resets(
    view: &View<'_, Arc<Histogram>>,
    edges: Edges,
    window: &Window<'_>,
    (left, right): (&Histogram, &Histogram),
    smoothed: bool,
    cx: &mut Cx<'_>,
) -> Option<Option<Histogram>> {
    // The sample at the first edge is `left`, the one at the last edge is `right`.
    let mut from = edges.first + 1;
    let mut previous = left;
    if smoothed && *view.times.get(edges.first)? < window.start {
        let (before, after) = (view.values.get(edges.first)?, view.values.get(from)?);
        if reset::detect(after, before) {
            // The interpolation on the left has dealt with this reset already.
            previous = after;
            from += 1;
        }
    }
    if from > edges.last {
        return Some(None);
    }
    let mut lost: Option<Histogram> = None;
    let inner = view.values.get(from..edges.last)?.iter().map(AsRef::as_ref);
    for current in inner.chain([right]) {
        if reset::detect(current, previous) {
            match &mut lost {
                Some(lost) => cx.add_histogram(lost, previous)?,
                None => lost = Some(previous.clone()),
            }
        }
        previous = current;
    }
    Some(lost)
}
