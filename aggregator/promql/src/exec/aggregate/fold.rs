//! Aggregations that keep one small state per step.

use super::{
    super::{
        column::{Cell, Column},
        scalar::Scalar,
        series::Series,
    },
    FoldCx,
    histogram_fold::{HistogramState, Kind},
};
use crate::{
    annotations::{HistogramOp, Note, Notes},
    ast::AggregateOp,
    error::EvalError,
    kahan::{Mean, Sum},
    range::quantile::quantile,
    span::Span,
    value::Sample,
};

/// The state of one group over all steps.
pub(super) enum Fold {
    Sum(Mixed<Sum>),
    Mean(Mixed<Mean>),
    Min(Vec<Option<f64>>),
    Max(Vec<Option<f64>>),
    Count(Vec<f64>),
    Group(Vec<bool>),
    Variance { states: Vec<Variance>, root: bool },
    Quantile(Vec<Vec<f64>>),
}

/// Floats or histograms per step; both at one step is a mistake.
pub(super) struct Mixed<T> {
    floats: Vec<Option<T>>,
    /// Empty until there is a histogram.
    histograms: Vec<Option<Box<HistogramState>>>,
}

/// Source of the algorithm: B. P. Welford (1962).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold {
    pub(super) fn new(op: AggregateOp, steps: usize) -> Self {
        match op {
            AggregateOp::Sum => Self::Sum(Mixed::new(steps)),
            AggregateOp::Avg => Self::Mean(Mixed::new(steps)),
            AggregateOp::Min => Self::Min(vec![None; steps]),
            AggregateOp::Max => Self::Max(vec![None; steps]),
            AggregateOp::Count => Self::Count(vec![0.0; steps]),
            AggregateOp::Stddev => {
                Self::Variance { states: vec![Variance::default(); steps], root: true }
            }
            AggregateOp::Stdvar => {
                Self::Variance { states: vec![Variance::default(); steps], root: false }
            }
            AggregateOp::Quantile => Self::Quantile(vec![Vec::new(); steps]),
            _ => Self::Group(vec![false; steps]),
        }
    }

    /// Takes in a series.
    pub(super) fn add(
        &mut self,
        series: &Series,
        cx: &mut FoldCx<'_, '_>,
    ) -> Result<(), EvalError> {
        let column = &series.column;
        match self {
            Self::Sum(mixed) => mixed.add(series, Kind::Sum, cx, Sum::of, Sum::add),
            Self::Mean(mixed) => mixed.add(series, Kind::Mean, cx, Mean::of, Mean::add),
            Self::Count(counts) => {
                for (step, _) in column.cells() {
                    if let Some(count) = counts.get_mut(step) {
                        *count += 1.0;
                    }
                }
            }
            Self::Group(seen) => {
                for (step, _) in column.cells() {
                    if let Some(seen) = seen.get_mut(step) {
                        *seen = true;
                    }
                }
            }
            Self::Min(best) => {
                ignore_histograms("min", column, cx);
                keep_better(best, column, |value, best| value < best);
            }
            Self::Max(best) => {
                ignore_histograms("max", column, cx);
                keep_better(best, column, |value, best| value > best);
            }
            Self::Variance { states, root } => {
                ignore_histograms(if *root { "stddev" } else { "stdvar" }, column, cx);
                for (step, value) in column.floats() {
                    if let Some(state) = states.get_mut(step) {
                        state.add(value);
                    }
                }
            }
            Self::Quantile(values) => {
                ignore_histograms("quantile", column, cx);
                cx.charge.grow(column.floats().count() as u64)?;
                for (step, value) in column.floats() {
                    if let Some(values) = values.get_mut(step) {
                        values.push(value);
                    }
                }
            }
        }
        Ok(())
    }

    /// The values of the group.
    pub(super) fn finish(self, param: Option<&Scalar>, notes: &mut Notes, span: Span) -> Column {
        match self {
            Self::Sum(mixed) => mixed.finish(notes, span, Sum::total),
            Self::Mean(mixed) => mixed.finish(notes, span, Mean::total),
            Self::Min(best) | Self::Max(best) => column_of(best),
            Self::Count(counts) => {
                column_of(counts.into_iter().map(|count| (count > 0.0).then_some(count)))
            }
            Self::Group(seen) => column_of(seen.into_iter().map(|seen| seen.then_some(1.0))),
            Self::Variance { states, root } => column_of(states.into_iter().map(|state| {
                let variance = state.squares / state.count;
                (state.count > 0.0).then(|| if root { variance.sqrt() } else { variance })
            })),
            Self::Quantile(values) => {
                let fraction = |step| param.map_or(f64::NAN, |param| param.at(step));
                let quantiles = values.into_iter().enumerate().map(|(step, mut values)| {
                    (!values.is_empty()).then(|| quantile(fraction(step), &mut values))
                });
                column_of(quantiles)
            }
        }
    }
}

impl Variance {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.mean = value;
            self.squares = if value.is_finite() { 0.0 } else { f64::NAN };
            return;
        }
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}

fn column_of(values: impl IntoIterator<Item = Option<f64>>) -> Column {
    let mut column = Column::default();
    for (step, value) in values.into_iter().enumerate() {
        if let Some(value) = value {
            column.push_float(step, value);
        }
    }
    column
}

/// Anything is better than NaN.
fn keep_better(best: &mut [Option<f64>], column: &Column, better: impl Fn(f64, f64) -> bool) {
    for (step, value) in column.floats() {
        if let Some(slot) = best.get_mut(step)
            && slot.is_none_or(|best| better(value, best) || best.is_nan())
        {
            *slot = Some(value);
        }
    }
}

fn ignore_histograms(aggregation: &'static str, column: &Column, cx: &mut FoldCx<'_, '_>) {
    if column.has_histograms() {
        cx.notes.add(Note::HistogramIgnoredInAggregation(aggregation), cx.span);
    }
}

impl<T: Copy> Mixed<T> {
    fn new(steps: usize) -> Self {
        Self { floats: vec![None; steps], histograms: Vec::new() }
    }

    fn add(
        &mut self,
        series: &Series,
        kind: Kind,
        cx: &mut FoldCx<'_, '_>,
        of: impl Fn(f64) -> T,
        add: impl Fn(&mut T, f64),
    ) {
        // Most series are floats without gaps, for which no step has to be looked for.
        if let (Some((first, values)), true) = (series.column.run(), self.histograms.is_empty()) {
            let states = self.floats.get_mut(first..).unwrap_or_default();
            for (state, value) in states.iter_mut().zip(values) {
                match state {
                    Some(state) => add(state, *value),
                    None => *state = Some(of(*value)),
                }
            }
            return;
        }
        if series.column.has_histograms() && self.histograms.is_empty() {
            self.histograms.resize_with(self.floats.len(), || None);
        }
        for (step, cell) in series.column.cells() {
            match cell {
                Cell::Float(_) if self.is_mixed(step) => {}
                Cell::Float(value) => match self.floats.get_mut(step) {
                    Some(Some(state)) => add(state, value),
                    Some(slot) => *slot = Some(of(value)),
                    None => {}
                },
                Cell::Histogram(histogram) => {
                    let float = self.floats.get(step).is_some_and(Option::is_some);
                    let Some(slot) = self.histograms.get_mut(step) else { continue };
                    match slot {
                        Some(state) => {
                            state.add(histogram, series.labels.metric(), cx.notes, cx.span);
                        }
                        None if float => *slot = Some(Box::new(HistogramState::beside_float())),
                        None => *slot = Some(Box::new(HistogramState::new(kind, histogram))),
                    }
                }
            }
        }
    }

    fn is_mixed(&self, step: usize) -> bool {
        matches!(self.histograms.get(step), Some(Some(state)) if state.is_mixed())
    }

    fn finish(self, notes: &mut Notes, span: Span, total: impl Fn(T) -> f64) -> Column {
        let mut column = Column::with_capacity(self.floats.len());
        let mut histograms = self.histograms.into_iter();
        for (step, float) in self.floats.into_iter().enumerate() {
            match (float, histograms.next().flatten()) {
                (Some(_), Some(_)) => notes.add(Note::MixedFloatsHistogramsAggregation, span),
                (Some(state), None) => column.push_float(step, total(state)),
                (None, Some(state)) => {
                    let collision = state.has_reset_collision();
                    if let Some(histogram) = state.finish() {
                        if collision {
                            let op = HistogramOp::Aggregation;
                            notes.add(Note::CounterResetCollision(op), span);
                        }
                        column.push(step, Sample::Histogram(histogram.into()));
                    }
                }
                (None, None) => {}
            }
        }
        column
    }
}
