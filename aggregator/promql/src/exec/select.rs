//! Selectors: finds series, decodes each once, and looks up values.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use model::{
    columns::{Columns, is_stale},
    query::{Decoder, Hints, Need, Selection, SeriesHandle, SeriesSet, Windows},
    time::Timestamp,
};

use super::{
    Exec, Sink,
    budget::Charge,
    column::Column,
    grid::Grid,
    series::{self, Series, same_labels, without_name},
    stage::{self, Stage},
};
use crate::{
    annotations::Notes, ast::Extension, error::EvalError, histogram, plan::Selector,
    range::repeated::Repeated, span::Span,
};

/// A selection of series that are evaluated one by one.
pub(super) struct Source<'s> {
    pub(super) handles: SeriesSet,
    /// Evaluates one series.
    pub(super) evaluate: &'s Evaluate<'s>,
    /// Whether `evaluate` removes the name.
    pub(super) drops_name: bool,
    /// Whether series that come to have the same labels are an error even at different steps.
    pub(super) strict: bool,
}

pub(super) type Evaluate<'s> = dyn Fn(&dyn SeriesHandle, &mut Scratch, &mut Notes) -> Result<Option<Series>, EvalError>
    + Sync
    + 's;

/// What a thread takes along from series to series.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) decoder: Decoder,
    /// What series of one version of times have in common.
    pub(super) repeated: Option<(u64, Repeated)>,
}

impl Exec<'_> {
    /// Finds the series of a selector with samples in a time range, both ends inclusive.
    pub(super) fn select(
        &self,
        selector: &Selector,
        (start, end): (i64, i64),
        grid: Grid,
        range: i64,
        windows: Option<Windows>,
    ) -> Result<SeriesSet, EvalError> {
        let millis = |value: i64| Duration::from_millis(u64::try_from(value).unwrap_or(0));
        let context = &selector.context;
        let hints = Hints {
            step: millis(if grid.count > 1 { grid.step } else { 0 }),
            range: millis(range),
            function: context.function.clone(),
            grouping: context.grouping.clone(),
            by: context.by,
            limit: 0,
            windows,
        };
        let selection = Selection {
            matchers: &selector.matchers,
            start: Timestamp(start),
            end: Timestamp(end),
            hints,
        };
        let found = self.store.select(&selection)?;
        let limit = self.settings.max_series;
        if found.len() as u64 > limit {
            return Err(EvalError::Limit { what: "series", limit });
        }
        self.series.fetch_add(found.len() as u64, Ordering::Relaxed);
        Ok(found)
    }

    /// Decodes a series and takes room for its samples while they are in use. Where counts and sums
    /// of histograms are all that is wanted, `stats_from` is the start of the selection.
    pub(super) fn decode(
        &self,
        handle: &dyn SeriesHandle,
        decoder: &mut Decoder,
        stats_from: Option<i64>,
    ) -> Result<Charge<'_>, EvalError> {
        handle.decode_next(decoder)?;
        if let Some(start) = stats_from {
            histogram::stats::strip(decoder.columns_mut(), start);
        }
        let columns = decoder.columns();
        let histograms: u64 = columns.histograms.iter().map(|(_, h)| histogram::weight(h)).sum();
        let weight = columns.len() as u64 + histograms;
        self.samples_read.fetch_add(weight, Ordering::Relaxed);
        self.budget.charge(weight)
    }

    /// Evaluates the series of a source, sends them through the stages and to the sink.
    pub(super) fn stream_source(
        &self,
        source: &Source<'_>,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let drops = source.drops_name || stages.iter().any(|stage| stage.drops_name());
        if drops && !self.settings.delayed_name_removal && have_same_labels(&source.handles) {
            return self.stream_conflicting(source, stages, sink);
        }
        let handles = &source.handles;
        self.in_order(
            handles.len(),
            &|number, scratch: &mut Scratch, notes| {
                let Some(handle) = handles.get(number) else { return Ok(None) };
                match (source.evaluate)(handle.as_ref(), scratch, notes)? {
                    Some(series) => stage::apply_all(series, stages, notes),
                    None => Ok(None),
                }
            },
            sink,
        )
    }

    /// Series differ in their names only, which go: they are held and joined.
    fn stream_conflicting(
        &self,
        source: &Source<'_>,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let mut series = Vec::new();
        let mut charge = self.budget.charge(0)?;
        let unstaged = Source { handles: Vec::new(), ..*source };
        let handles = &source.handles;
        self.in_order(
            handles.len(),
            &|number, scratch: &mut Scratch, notes| match handles.get(number) {
                Some(handle) => (unstaged.evaluate)(handle.as_ref(), scratch, notes),
                None => Ok(None),
            },
            &mut |one: Series| {
                charge.grow(one.column.weight())?;
                series.push(one);
                Ok(())
            },
        )?;
        if source.drops_name {
            let count = series.len();
            series = series::merge_same_labels(series)?;
            if source.strict && series.len() < count {
                return same_labels();
            }
        }
        self.emit(series, stages, sink)
    }

    /// An instant selector: at every step the last value that is not too old.
    pub(super) fn stream_selector(
        &self,
        selector: &Selector,
        span: Span,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        if selector.extension == Extension::Smoothed {
            return self.stream_smoothed(selector, span, grid, stages, sink);
        }
        let handles = self.select_instant(selector, grid)?;
        let stats_from = selector.stats_only.then(|| self.instant_start(selector, grid));
        let evaluate = |handle: &dyn SeriesHandle, scratch: &mut Scratch, _: &mut Notes| {
            let _charge = self.decode(handle, &mut scratch.decoder, stats_from)?;
            let columns = scratch.decoder.columns();
            let mut column = Column::with_capacity(grid.count);
            self.lookups(selector, grid, columns, |step, at| {
                match columns.histogram(at).filter(|_| !columns.histograms.is_empty()) {
                    Some(histogram) => column.push_histogram(step, histogram.clone()),
                    None => column.push_float(step, columns.values.get(at).copied().unwrap_or(0.0)),
                }
            });
            self.samples_total.fetch_add(column.weight(), Ordering::Relaxed);
            let labels = handle.labels().clone();
            Ok((!column.is_empty()).then_some(Series { labels, drop_name: false, column }))
        };
        let source = Source { handles, evaluate: &evaluate, drops_name: false, strict: false };
        self.stream_source(&source, stages, sink)
    }

    /// Finds the series that an instant selector can see.
    pub(super) fn select_instant(
        &self,
        selector: &Selector,
        grid: Grid,
    ) -> Result<SeriesSet, EvalError> {
        let first = self.instant_start(selector, grid);
        let windows = windows(selector, grid, self.settings.lookback, Need::Latest);
        self.select(selector, (first, selector.reference(grid.last())), grid, 0, windows)
    }

    /// The first time that an instant selector can see.
    pub(super) fn instant_start(&self, selector: &Selector, grid: Grid) -> i64 {
        selector.reference(grid.start).saturating_sub(self.settings.lookback - 1)
    }

    /// Calls `found` with each step that has a value, and the place of its sample.
    pub(super) fn lookups(
        &self,
        selector: &Selector,
        grid: Grid,
        columns: &Columns,
        mut found: impl FnMut(usize, usize),
    ) {
        let times = &columns.times;
        let mut next = 0;
        for (step, time) in grid.times().enumerate() {
            let reference = selector.reference(time);
            while times.get(next).is_some_and(|time| *time <= reference) {
                next += 1;
            }
            let Some(at) = next.checked_sub(1) else { continue };
            let oldest = reference.saturating_sub(self.settings.lookback);
            let fresh = times.get(at).is_some_and(|time| *time > oldest);
            if fresh && !columns.values.get(at).copied().is_some_and(is_stale) {
                found(step, at);
            }
        }
    }
}

/// The windows of so many milliseconds that end at the steps of a grid.
pub(super) fn windows(selector: &Selector, grid: Grid, length: i64, need: Need) -> Option<Windows> {
    let (first, last) = (selector.reference(grid.start), selector.reference(grid.last()));
    let count = if selector.at.is_some() { 1 } else { grid.count as u64 };
    // Where times are cut to what a number can hold, steps are not even.
    let steps = i128::from(count.checked_sub(1)?) * i128::from(grid.step);
    let even = i128::from(last) - i128::from(first) == steps;
    // What is said of resets depends on histograms between the windows.
    let plain = selector.extension == Extension::None && !selector.stats_only;
    let plain = plain && length > 0 && grid.step > 0;
    let step = grid.step;
    (even && plain).then_some(Windows { first, step, count, length, need })
}

/// Whether series differ in their names only.
fn have_same_labels(handles: &SeriesSet) -> bool {
    let mut seen = HashSet::with_capacity(handles.len());
    handles.iter().any(|handle| !seen.insert(without_name(handle.labels())))
}
