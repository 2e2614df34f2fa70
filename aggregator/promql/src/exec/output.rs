//! Makes the value of a query from the series of its expression.

use model::{
    labels::Labels,
    query::{Decoder, SeriesHandle},
};

use super::{
    Exec, Sink,
    column::{Cell, Column},
    grid::Grid,
    select::{Scratch, Source},
    series::{self, Series},
    stage::Stage,
};
use crate::{
    annotations::Notes,
    ast::ValueType,
    error::{EvalError, execution},
    functions::FunctionId,
    plan::{Node, NodeKind, Range, RangeSource, Selector},
    range::{samples::Samples, window::Extent},
    value::{MatrixSeries, Sample, Value, VectorElement},
};

/// `timestamp` of an expression: the time of the step.
pub(super) struct StepTimes {
    pub(super) grid: Grid,
    pub(super) delayed: bool,
}

impl Stage for StepTimes {
    fn apply(&self, mut series: Series, _: &mut Notes) -> Result<Option<Series>, EvalError> {
        series.drop_name(self.delayed);
        series.column = series
            .column
            .filter_map(|step, _| Some(Sample::Float(self.grid.time(step) as f64 / 1000.0)));
        Ok(Some(series))
    }

    fn drops_name(&self) -> bool {
        true
    }
}

impl Exec<'_> {
    /// The value of an instant query.
    pub(crate) fn instant_value(&self, node: &Node, grid: Grid) -> Result<Value, EvalError> {
        match node.value_type() {
            ValueType::String => Ok(Value::String(grid.start, node.text().to_owned())),
            ValueType::Scalar => Ok(Value::Scalar(grid.start, self.scalar(node, grid)?.at(0))),
            ValueType::Matrix => {
                let NodeKind::Range(range) = unwrap_once(node) else {
                    return execution("expected a range vector");
                };
                Ok(Value::Matrix(self.matrix(range, grid)?))
            }
            ValueType::Vector => {
                let held = self.collect(node, grid)?;
                let series = self.remove_names(held.series)?;
                let elements = series.iter().filter_map(|series| element(series, grid));
                Ok(Value::Vector(elements.collect()))
            }
        }
    }

    /// The value of a range query.
    pub(crate) fn range_value(&self, node: &Node, grid: Grid) -> Result<Value, EvalError> {
        let series = if node.value_type() == ValueType::Scalar {
            let column = self.scalar(node, grid)?.into_column(grid);
            vec![Series { labels: Labels::default(), drop_name: false, column }]
        } else {
            let held = self.collect(node, grid)?;
            self.remove_names(held.series)?
        };
        let mut matrix: Vec<MatrixSeries> =
            series.into_iter().map(|series| matrix_series(series, grid)).collect();
        matrix.retain(|series| !(series.floats.is_empty() && series.histograms.is_empty()));
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Value::Matrix(matrix))
    }

    /// Removes the names that were to go, now that nothing needs them any more.
    fn remove_names(&self, mut series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
        for one in series.iter_mut().filter(|one| one.drop_name) {
            one.labels = series::without_name(&one.labels);
        }
        series::merge_same_labels(series)
    }

    /// The samples of a range vector, with their own times.
    fn matrix(&self, range: &Range, grid: Grid) -> Result<Vec<MatrixSeries>, EvalError> {
        let end = range.reference(grid.start);
        let mut matrix = Vec::new();
        match &range.source {
            RangeSource::Selector(selector) => {
                self.stream_raw(selector, range.millis, end, &mut |series| matrix.push(series))?;
            }
            RangeSource::Subquery(subquery) => {
                let inner = self.subquery_grid(subquery, range.millis, end, end)?;
                let held = self.collect(&subquery.node, inner)?;
                let series = self.remove_names(held.series)?;
                matrix.extend(series.into_iter().map(|series| matrix_series(series, inner)));
            }
        }
        matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(matrix)
    }

    fn stream_raw(
        &self,
        selector: &Selector,
        length: i64,
        end: i64,
        found: &mut dyn FnMut(MatrixSeries),
    ) -> Result<(), EvalError> {
        let window = Extent::new(selector.extension, self.settings.lookback, length);
        let grid = Grid { start: end, step: 1, count: 1 };
        let bounds = window.bounds(end, end);
        let handles = self.select(selector, bounds, grid, length, None)?;
        let stats_from = selector.stats_only.then_some(bounds.0);
        let mut decoder = Decoder::default();
        for handle in &handles {
            self.check()?;
            let charge = self.decode(handle.as_ref(), &mut decoder, stats_from)?;
            let samples = Samples::split(decoder.columns_mut(), false);
            if let Some(series) = window.raw(&samples, end, handle.labels())? {
                found(series);
            }
            drop(charge);
        }
        Ok(())
    }

    /// `timestamp` and `start_timestamp` of a selector.
    pub(super) fn stream_sample_times(
        &self,
        function: FunctionId,
        selector: &Selector,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let starts = function == FunctionId::StartTimestamp;
        if starts && !self.settings.start_timestamps {
            return Ok(());
        }
        let delayed = self.settings.delayed_name_removal;
        let handles = if starts {
            // No sample stands for the start of another.
            let (first, last) =
                (self.instant_start(selector, grid), selector.reference(grid.last()));
            self.select(selector, (first, last), grid, 0, None)?
        } else {
            self.select_instant(selector, grid)?
        };
        let evaluate = |handle: &dyn SeriesHandle, scratch: &mut Scratch, _: &mut Notes| {
            // Values do not matter here.
            let _charge = self.decode(handle, &mut scratch.decoder, None)?;
            let columns = scratch.decoder.columns();
            let mut column = Column::with_capacity(grid.count);
            self.lookups(selector, grid, columns, |step, at| {
                let time = columns.times.get(at).copied().unwrap_or_default();
                let millis = if starts { columns.start(at) } else { time };
                column.push_float(step, millis as f64 / 1000.0);
            });
            let mut series = Series { labels: handle.labels().clone(), drop_name: false, column };
            series.drop_name(delayed);
            Ok((!series.column.is_empty()).then_some(series))
        };
        let source = Source { handles, evaluate: &evaluate, drops_name: true, strict: false };
        self.stream_source(&source, stages, sink)
    }
}

fn unwrap_once(node: &Node) -> &NodeKind {
    match &node.kind {
        NodeKind::Once(inner) => unwrap_once(inner),
        kind => kind,
    }
}

fn element(series: &Series, grid: Grid) -> Option<VectorElement> {
    let value = series.column.get(0)?.to_sample();
    Some(VectorElement { labels: series.labels.clone(), time: grid.start, value })
}

fn matrix_series(series: Series, grid: Grid) -> MatrixSeries {
    let mut result = MatrixSeries { labels: series.labels, ..MatrixSeries::default() };
    for (step, cell) in series.column.cells() {
        let time = grid.time(step);
        match cell {
            Cell::Float(value) => result.floats.push((time, value)),
            Cell::Histogram(histogram) => result.histograms.push((time, histogram.clone())),
        }
    }
    result
}
