//! Evaluation.
//!
//! An expression is evaluated column by column: one series over all steps, then the next. Series
//! flow from selectors through functions into aggregations one at a time, so that only what the
//! result or a join needs is held. Functions of single series are [`stage::Stage`]s, which run on
//! the threads that decode the series; everything after them runs on the caller's thread in the
//! order of series, so that a result does not depend on the number of threads.

mod absent;
mod aggregate;
mod binary;
mod budget;
mod call;
mod column;
mod elementwise;
pub(crate) mod grid;
mod histogram_call;
mod info;
mod labels_call;
mod output;
mod parallel;
mod range_call;
mod scalar;
mod select;
mod series;
mod smoothed;
mod sort;
mod stage;

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use model::query::Queryable;

use crate::{
    annotations::{Note, Notes},
    error::{EvalError, execution},
    plan::{Node, NodeKind},
    span::Span,
    value::{Answer, Stats, Value},
};
use budget::{Budget, Charge};
use grid::Grid;
use series::Series;
use stage::Stage;

/// Options of one evaluation. Durations are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) lookback: i64,
    pub(crate) subquery_step: i64,
    pub(crate) max_steps: u64,
    pub(crate) max_series: u64,
    pub(crate) parallelism: usize,
    pub(crate) delayed_name_removal: bool,
    pub(crate) start_timestamps: bool,
    pub(crate) type_and_unit_labels: bool,
}

/// One evaluation.
pub(crate) struct Exec<'a> {
    store: &'a dyn Queryable,
    settings: Settings,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    budget: Budget,
    notes: Mutex<Notes>,
    series: AtomicU64,
    samples_read: AtomicU64,
    samples_total: AtomicU64,
}

/// Takes series one by one.
type Sink<'s> = dyn FnMut(Series) -> Result<(), EvalError> + 's;

/// Series held in memory, and the room they take.
struct Held<'a> {
    series: Vec<Series>,
    _charge: Charge<'a>,
}

impl<'a> Exec<'a> {
    pub(crate) fn new(
        store: &'a dyn Queryable,
        settings: Settings,
        cancelled: &'a (dyn Fn() -> bool + Sync),
        max_samples: u64,
    ) -> Self {
        Self {
            store,
            settings,
            cancelled,
            budget: Budget::new(max_samples),
            notes: Mutex::default(),
            series: AtomicU64::new(0),
            samples_read: AtomicU64::new(0),
            samples_total: AtomicU64::new(0),
        }
    }

    /// Gives up if the caller does.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        if (self.cancelled)() { Err(EvalError::Cancelled) } else { Ok(()) }
    }

    fn note(&self, note: Note, span: Span) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).add(note, span);
    }

    fn merge_notes(&self, notes: Notes) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).merge(notes);
    }

    pub(crate) fn finish(self, value: Value) -> Answer {
        let stats = Stats {
            series: self.series.load(Ordering::Relaxed),
            samples_read: self.samples_read.load(Ordering::Relaxed),
            samples_total: self.samples_total.load(Ordering::Relaxed),
            samples_peak: self.budget.peak(),
        };
        let notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (warnings, infos) = notes.into_texts();
        Answer { value, warnings, infos, stats }
    }

    /// Evaluates a vector: each series passes the stages and goes to the sink.
    fn stream(
        &self,
        node: &Node,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        self.check()?;
        if grid.is_empty() {
            return Ok(());
        }
        match &node.kind {
            NodeKind::Selector(selector) => {
                self.stream_selector(selector, node.span, grid, stages, sink)
            }
            NodeKind::Negate(inner) => {
                let negate = elementwise::Negate { delayed: self.settings.delayed_name_removal };
                self.stream(inner, grid, &prepend(&negate, stages), sink)
            }
            NodeKind::Binary(binary) => self.stream_binary(binary, node.span, grid, stages, sink),
            NodeKind::Aggregate(aggregate) => {
                let series = self.aggregate(aggregate, node.span, grid)?;
                self.emit(series, stages, sink)
            }
            NodeKind::Call(call) => self.stream_call(call, node.span, grid, stages, sink),
            NodeKind::Once(inner) if grid.count == 1 => self.stream(inner, grid, stages, sink),
            NodeKind::Once(inner) => {
                let held = self.collect(inner, grid.first())?;
                let repeated = held.series.iter().filter_map(|series| series.repeated(grid.count));
                self.emit(repeated.collect(), stages, sink)
            }
            NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Range(_) => {
                execution("expected an instant vector")
            }
        }
    }

    /// Evaluates a vector and holds all of it.
    fn collect(&self, node: &Node, grid: Grid) -> Result<Held<'_>, EvalError> {
        let mut series = Vec::new();
        let mut charge = self.budget.charge(0)?;
        self.stream(node, grid, &[], &mut |one| {
            charge.grow(one.column.weight())?;
            series.push(one);
            Ok(())
        })?;
        Ok(Held { series, _charge: charge })
    }

    /// Sends series that are in memory already through the stages to the sink.
    fn emit(
        &self,
        series: Vec<Series>,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let mut notes = Notes::default();
        if self.must_merge(stages) {
            for one in self.apply_and_merge(series, stages, &mut notes)? {
                sink(one)?;
            }
        } else {
            for one in series {
                if let Some(one) = stage::apply_all(one, stages, &mut notes)? {
                    sink(one)?;
                }
            }
        }
        self.merge_notes(notes);
        Ok(())
    }

    /// Whether a stage removes names at once, after which series may have the same labels.
    fn must_merge(&self, stages: &[&dyn Stage]) -> bool {
        !self.settings.delayed_name_removal && stages.iter().any(|stage| stage.drops_name())
    }

    /// Applies stage by stage, joining series that come to have the same labels.
    fn apply_and_merge(
        &self,
        mut series: Vec<Series>,
        stages: &[&dyn Stage],
        notes: &mut Notes,
    ) -> Result<Vec<Series>, EvalError> {
        for stage in stages {
            self.check()?;
            let mut applied = Vec::with_capacity(series.len());
            for one in series {
                applied.extend(stage.apply(one, notes)?);
            }
            series = if stage.drops_name() { series::merge_same_labels(applied)? } else { applied };
        }
        Ok(series)
    }
}

/// The stages with one more before them.
fn prepend<'s>(first: &'s dyn Stage, rest: &[&'s dyn Stage]) -> Vec<&'s dyn Stage> {
    std::iter::once(first).chain(rest.iter().copied()).collect()
}
