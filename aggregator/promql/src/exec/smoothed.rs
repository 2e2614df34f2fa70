//! Smoothed instant selectors: values interpolated between the samples around each step.

use std::sync::{Arc, atomic::Ordering};

use model::query::SeriesHandle;

use super::{
    Exec, Sink,
    column::Column,
    grid::Grid,
    select::{Scratch, Source},
    series::Series,
    stage::Stage,
};
use crate::{
    annotations::{Note, Notes},
    ast::Extension,
    error::EvalError,
    plan::Selector,
    range::{
        extended::interpolate,
        extended_histogram,
        samples::Samples,
        window::{Extent, Slider, View, Window},
    },
    span::Span,
    value::Sample,
};
use model::histogram::{Histogram, ResetHint};

impl Exec<'_> {
    pub(super) fn stream_smoothed(
        &self,
        selector: &Selector,
        span: Span,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        // Samples count as far back, and as far ahead, as the lookback reaches.
        let extent = Extent::new(Extension::Smoothed, self.settings.lookback, 0);
        let reference = |time| selector.reference(time);
        let bounds = extent.bounds(reference(grid.start), reference(grid.last()));
        let handles = self.select(selector, bounds, grid, 0, None)?;
        let stats_from = selector.stats_only.then_some(bounds.0);
        let evaluate = |handle: &dyn SeriesHandle, scratch: &mut Scratch, notes: &mut Notes| {
            let _charge = self.decode(handle, &mut scratch.decoder, stats_from)?;
            let columns = scratch.decoder.columns_mut();
            let samples = Samples::split(columns, false);
            let mut slider = Slider::default();
            let mut column = Column::with_capacity(grid.count);
            let metric = handle.labels().metric();
            for (step, time) in grid.times().enumerate() {
                let window = slider.slide(&samples, extent, reference(time), time);
                if let Some(sample) = value(&window, metric, span, notes) {
                    column.push(step, sample);
                }
            }
            samples.recycle(columns);
            self.samples_total.fetch_add(column.weight(), Ordering::Relaxed);
            let labels = handle.labels().clone();
            Ok((!column.is_empty()).then_some(Series { labels, drop_name: false, column }))
        };
        let source = Source { handles, evaluate: &evaluate, drops_name: false, strict: false };
        self.stream_source(&source, stages, sink)
    }
}

/// The value in the middle of a window.
fn value(window: &Window<'_>, metric: &str, span: Span, notes: &mut Notes) -> Option<Sample> {
    match (window.floats.is_empty(), window.histograms.is_empty()) {
        (true, true) => None,
        (false, true) => float(&window.floats, window.end).map(Sample::Float),
        (true, false) => {
            let histogram = histogram(&window.histograms, window.end, metric, span, notes)?;
            Some(Sample::Histogram(Arc::new(histogram)))
        }
        (false, false) => {
            notes.add(Note::MixedFloatsHistograms { metric: metric.to_owned() }, span);
            None
        }
    }
}

fn float(view: &View<'_, f64>, time: i64) -> Option<f64> {
    let next = view.times.partition_point(|other| *other < time);
    let point = |at: usize| view.get(at).map(|(time, value)| (time, *value));
    match (next.checked_sub(1).and_then(point), point(next)) {
        (_, Some((at, value))) if at == time => Some(value),
        (Some(before), Some(after)) => Some(interpolate(before, after, time, false)),
        // The last value is carried on; before the first there is nothing.
        (before, _) => before.map(|(_, value)| value),
    }
}

fn histogram(
    view: &View<'_, Arc<Histogram>>,
    time: i64,
    metric: &str,
    span: Span,
    notes: &mut Notes,
) -> Option<Histogram> {
    let next = view.times.partition_point(|other| *other < time);
    match (next.checked_sub(1).and_then(|at| view.get(at)), view.get(next)) {
        (_, Some((at, value))) if at == time => Some(Histogram::clone(value)),
        (Some(before), Some(after)) => {
            let mixed = || Note::MixedExponentialCustom { metric: metric.to_owned() };
            if before.1.is_custom() != after.1.is_custom() {
                notes.add(mixed(), span);
                return None;
            }
            // A gauge only if both say so.
            let gauges = [before.1, after.1].map(|h| h.reset_hint == ResetHint::Gauge);
            let counter = gauges.contains(&false);
            let mut found = Vec::new();
            let between = extended_histogram::interpolate(before, after, time, counter, &mut found);
            found.into_iter().for_each(|note| notes.add(note, span));
            if between.is_err() {
                notes.add(mixed(), span);
            }
            between.ok()
        }
        (before, _) => before.map(|(_, value)| {
            let mut carried = Histogram::clone(value);
            // The hint is about two samples in a row, not about the value.
            carried.reset_hint = ResetHint::Unknown;
            carried
        }),
    }
}
