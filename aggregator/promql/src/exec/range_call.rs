//! Calls of functions of range vectors, over selectors and subqueries.

use std::sync::atomic::Ordering;

use model::{histogram::ResetHint, labels::Labels, query::SeriesHandle};

use super::{
    Exec, Sink,
    column::{Cell, Column},
    grid::Grid,
    prepend,
    scalar::Scalar,
    select::{Scratch, Source, windows},
    series::Series,
    stage::Stage,
};
use crate::{
    annotations::{Note, Notes},
    error::{EvalError, execution},
    functions::FunctionId,
    plan::{CallNode, Node, NodeKind, Range, RangeSource, Selector, Subquery},
    range::{
        call::{Cx, RangeFunction},
        samples::{Samples, has_stale},
        window::{Extent, Slider},
    },
    span::Span,
};

/// Samples after which the caller is asked again whether to go on.
const SAMPLES_PER_CHECK: u64 = 100_000;

/// A function of a range vector, ready to be applied to series.
struct RangeCall<'a> {
    exec: &'a Exec<'a>,
    function: RangeFunction,
    range: &'a Range,
    params: Vec<Scalar>,
    grid: Grid,
    /// The first argument.
    span: Span,
    /// Metrics that are not counters are pointed out.
    wants_counter: bool,
}

impl Exec<'_> {
    pub(super) fn stream_range_call(
        &self,
        call: &CallNode,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let mut params = Vec::new();
        let mut range = None;
        for arg in &call.args {
            match &arg.kind {
                NodeKind::Range(found) => range = Some(found),
                _ => params.push(self.scalar(arg, grid)?),
            }
        }
        let (Some(range), Some(first)) = (range, call.args.first()) else {
            return execution("expected a range vector");
        };
        let name = function_name(call.function);
        let function = RangeFunction::new(call.function, name, range.extension())?;
        let wants_counter = function.wants_counter();
        let span = if is_subquery(first) { START } else { first.span };
        let call = RangeCall { exec: self, function, range, params, grid, span, wants_counter };
        match &range.source {
            RangeSource::Selector(selector) => call.over_selector(selector, stages, sink),
            RangeSource::Subquery(subquery) => {
                let (first, last) = (range.reference(grid.start), range.reference(grid.last()));
                let inner = self.subquery_grid(subquery, range.millis, first, last)?;
                let stage = OverSubquery { call: &call, inner };
                self.stream(&subquery.node, inner, &prepend(&stage, stages), sink)
            }
        }
    }

    /// The times at which a subquery is evaluated: multiples of its step within the ranges that end
    /// between two times.
    pub(super) fn subquery_grid(
        &self,
        subquery: &Subquery,
        length: i64,
        first_end: i64,
        last_end: i64,
    ) -> Result<Grid, EvalError> {
        let step = subquery.step.unwrap_or(self.settings.subquery_step);
        let before = first_end.saturating_sub(length);
        let start = before.div_euclid(step).saturating_add(1).saturating_mul(step);
        let grid = Grid::between(start, last_end, step);
        let limit = self.settings.max_steps;
        if grid.count as u64 > limit {
            return Err(EvalError::Limit { what: "steps", limit });
        }
        Ok(grid)
    }
}

/// Where Prometheus puts the notes about a subquery that is a first argument.
const START: Span = Span { start: 0, end: 0, line: 1, column: 1 };

fn is_subquery(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Range(Range { source: RangeSource::Subquery(_), .. }))
}

fn function_name(id: FunctionId) -> &'static str {
    crate::functions::ALL.iter().find(|function| function.id == id).map_or("", |f| f.name)
}

impl RangeCall<'_> {
    fn over_selector(
        &self,
        selector: &Selector,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let exec = self.exec;
        let (first, last) =
            (selector.reference(self.grid.start), selector.reference(self.grid.last()));
        let bounds = self.extent().bounds(first, last);
        let need = self.function.need();
        let windows = need.and_then(|need| windows(selector, self.grid, self.range.millis, need));
        let handles = exec.select(selector, bounds, self.grid, self.range.millis, windows)?;
        let stats_from = selector.stats_only.then_some(bounds.0);
        let keep_starts = exec.settings.start_timestamps && self.function.uses_starts();
        let evaluate = |handle: &dyn SeriesHandle, scratch: &mut Scratch, notes: &mut Notes| {
            let _charge = exec.decode(handle, &mut scratch.decoder, stats_from)?;
            if let Some(column) = self.repeated(scratch, keep_starts) {
                return Ok(self.series(column, handle.labels(), false, notes));
            }
            let columns = scratch.decoder.columns_mut();
            let samples = Samples::split(columns, keep_starts);
            let series = self.apply(&samples, handle.labels(), false, notes);
            samples.recycle(columns);
            series
        };
        let drops_name = !self.function.keeps_name();
        let source = Source { handles, evaluate: &evaluate, drops_name, strict: true };
        exec.stream_source(&source, stages, sink)
    }

    fn extent(&self) -> Extent {
        Extent::new(self.range.extension(), self.exec.settings.lookback, self.range.millis)
    }

    /// Evaluates one series at all steps, if it is one of those that can have much in common with
    /// others.
    fn repeated(&self, scratch: &mut Scratch, keep_starts: bool) -> Option<Column> {
        let (columns, version) = (scratch.decoder.columns(), scratch.decoder.version());
        let plain = columns.histograms.is_empty() && (!keep_starts || columns.starts.is_empty());
        if !plain || has_stale(&columns.values) {
            return None;
        }
        if scratch.repeated.as_ref().is_none_or(|(known, _)| *known != version) {
            let ends = self.grid.times().map(|time| self.range.reference(time));
            let found = self.function.repeated(&columns.times, self.extent(), ends)?;
            scratch.repeated = Some((version, found));
        }
        let (_, repeated) = scratch.repeated.as_ref()?;
        self.exec.samples_total.fetch_add(repeated.seen(), Ordering::Relaxed);
        Some(Column::of_steps(repeated.steps(), repeated.values(&columns.values)))
    }

    /// Evaluates one series at all steps.
    fn apply(
        &self,
        samples: &Samples,
        labels: &Labels,
        drop_name: bool,
        notes: &mut Notes,
    ) -> Result<Option<Series>, EvalError> {
        let extension = self.range.extension();
        let resets = self.function.prepare(samples, extension);
        let extent = self.extent();
        let mut slider = Slider::default();
        let mut column = Column::with_capacity(self.grid.count);
        let mut params: Vec<f64> = vec![0.0; self.params.len()];
        let (mut seen, mut next_check) = (0, 0);
        let seconds = self.range.millis as f64 / 1000.0;
        let mut cx = Cx { labels, span: self.span, seconds, extension, notes };
        for (step, time) in self.grid.times().enumerate() {
            let window = slider.slide(samples, extent, self.range.reference(time), time);
            if window.is_empty() {
                continue;
            }
            seen += window.weight();
            if seen >= next_check {
                self.exec.check()?;
                next_check = seen + SAMPLES_PER_CHECK;
            }
            for (slot, param) in params.iter_mut().zip(&self.params) {
                *slot = param.at(step);
            }
            if let Some(sample) = self.function.evaluate(&window, &resets, &params, &mut cx)? {
                column.push(step, sample);
            }
        }
        self.exec.samples_total.fetch_add(seen, Ordering::Relaxed);
        Ok(self.series(column, labels, drop_name, notes))
    }

    /// What is left to do once the values are there. `None` when there are none.
    fn series(
        &self,
        column: Column,
        labels: &Labels,
        drop_name: bool,
        notes: &mut Notes,
    ) -> Option<Series> {
        if self.wants_counter && column.has_floats() {
            self.note_non_counter(labels, notes);
        }
        let mut series = Series { labels: labels.clone(), drop_name, column };
        if !self.function.keeps_name() {
            series.drop_name(self.exec.settings.delayed_name_removal);
        }
        (!series.column.is_empty()).then_some(series)
    }

    /// Points out a metric that does not look like a counter.
    fn note_non_counter(&self, labels: &Labels, notes: &mut Notes) {
        let metric = labels.metric();
        if metric.is_empty() {
            return;
        }
        if self.exec.settings.type_and_unit_labels {
            let label = labels.get("__type__").unwrap_or_default();
            if !matches!(label, "counter" | "histogram") {
                let (metric, label) = (metric.to_owned(), label.to_owned());
                notes.add(Note::PossibleNonCounterLabel { metric, label }, self.span);
            }
        } else if !["_total", "_sum", "_count", "_bucket"].iter().any(|end| metric.ends_with(end)) {
            notes.add(Note::PossibleNonCounter { metric: metric.to_owned() }, self.span);
        }
    }
}

/// Applies a call to the series of a subquery.
struct OverSubquery<'c> {
    call: &'c RangeCall<'c>,
    inner: Grid,
}

impl Stage for OverSubquery<'_> {
    fn apply(&self, series: Series, notes: &mut Notes) -> Result<Option<Series>, EvalError> {
        let mut samples = Samples::default();
        for (step, cell) in series.column.cells() {
            let time = self.inner.time(step);
            match cell {
                Cell::Float(value) => {
                    samples.floats.times.push(time);
                    samples.floats.values.push(value);
                }
                Cell::Histogram(histogram) => {
                    let mut histogram = histogram.clone();
                    // A subquery can leave out or repeat the sample after a reset.
                    if matches!(histogram.reset_hint, ResetHint::Reset | ResetHint::NotReset) {
                        std::sync::Arc::make_mut(&mut histogram).reset_hint = ResetHint::Unknown;
                    }
                    samples.histograms.times.push(time);
                    samples.histograms.values.push(histogram);
                }
            }
        }
        self.call.apply(&samples, &series.labels, series.drop_name, notes)
    }

    fn drops_name(&self) -> bool {
        !self.call.function.keeps_name()
    }
}
