//! Function calls.

use super::{
    Exec, Sink,
    elementwise::{Clamp, MapFloats, MapHistograms, Round, date_function, float_function},
    grid::Grid,
    prepend,
    scalar::Scalar,
    series::Series,
    stage::Stage,
};
use crate::{
    error::{EvalError, execution},
    functions::FunctionId,
    histogram,
    plan::{CallNode, Node, NodeKind},
    span::Span,
};

impl Exec<'_> {
    pub(super) fn stream_call(
        &self,
        call: &CallNode,
        span: Span,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let delayed = self.settings.delayed_name_removal;
        if let (Some(map), [vector]) = (float_function(call.function), call.args.as_slice()) {
            let stage = MapFloats { map, delayed };
            return self.stream(vector, grid, &prepend(&stage, stages), sink);
        }
        if let (Some(map), [vector]) = (histogram_function(call.function), call.args.as_slice()) {
            let stage = MapHistograms { map, delayed };
            return self.stream(vector, grid, &prepend(&stage, stages), sink);
        }
        match (call.function, call.args.as_slice()) {
            (FunctionId::Vector, [scalar]) => {
                let scalar = self.scalar(scalar, grid)?;
                self.emit(vec![unnamed(scalar, grid)], stages, sink)
            }
            (function, []) => {
                let Some(map) = date_function(function) else { return unsupported() };
                let values = grid.times().map(|time| map((time / 1000) as f64)).collect();
                self.emit(vec![unnamed(Scalar::PerStep(values), grid)], stages, sink)
            }
            (
                FunctionId::Sort
                | FunctionId::SortDesc
                | FunctionId::SortByLabel
                | FunctionId::SortByLabelDesc,
                [vector, ..],
            ) => {
                let labels: Vec<&str> = call.args.iter().skip(1).map(Node::text).collect();
                self.stream_sorted(call.function, vector, &labels, span, grid, stages, sink)
            }
            (FunctionId::Absent, [vector]) => {
                let absent = self.absent(vector, grid)?;
                self.emit(absent, stages, sink)
            }
            (FunctionId::AbsentOverTime, [range]) => {
                let absent = self.absent_over_time(call, range, grid)?;
                self.emit(absent, stages, sink)
            }
            (FunctionId::LabelReplace | FunctionId::LabelJoin, args) => {
                let series = self.relabel(call.function, args, grid)?;
                self.emit(series, stages, sink)
            }
            (FunctionId::Info, args) => {
                let series = self.info(args, grid)?;
                self.emit(series, stages, sink)
            }
            (FunctionId::HistogramFraction, args) => {
                let series = self.histogram_fraction(args, grid)?;
                self.emit(series, stages, sink)
            }
            (FunctionId::HistogramQuantile | FunctionId::HistogramQuantiles, args) => {
                let series = self.histogram_quantile(call.function, args, grid)?;
                self.emit(series, stages, sink)
            }
            (FunctionId::Timestamp | FunctionId::StartTimestamp, [vector]) => {
                self.stream_timestamp(call.function, vector, grid, stages, sink)
            }
            (FunctionId::Round, args) => self.stream_round(args, grid, stages, sink),
            (FunctionId::Clamp | FunctionId::ClampMin | FunctionId::ClampMax, args) => {
                self.stream_clamp(call.function, args, grid, stages, sink)
            }
            _ => self.stream_range_call(call, grid, stages, sink),
        }
    }

    fn stream_round(
        &self,
        args: &[Node],
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let [vector, nearest @ ..] = args else { return unsupported() };
        let nearest = match nearest.first() {
            Some(nearest) => self.scalar(nearest, grid)?,
            None => Scalar::Constant(1.0),
        };
        let stage = Round { nearest, delayed: self.settings.delayed_name_removal };
        self.stream(vector, grid, &prepend(&stage, stages), sink)
    }

    fn stream_clamp(
        &self,
        function: FunctionId,
        args: &[Node],
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let (vector, min, max) = match (function, args) {
            (FunctionId::Clamp, [vector, min, max]) => {
                (vector, self.scalar(min, grid)?, self.scalar(max, grid)?)
            }
            (FunctionId::ClampMin, [vector, min]) => {
                (vector, self.scalar(min, grid)?, Scalar::Constant(f64::INFINITY))
            }
            (_, [vector, max]) => {
                (vector, Scalar::Constant(f64::NEG_INFINITY), self.scalar(max, grid)?)
            }
            _ => return unsupported(),
        };
        let stage = Clamp { min, max, delayed: self.settings.delayed_name_removal };
        self.stream(vector, grid, &prepend(&stage, stages), sink)
    }

    /// The times of samples, or the times since when they count.
    fn stream_timestamp(
        &self,
        function: FunctionId,
        vector: &Node,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        match &vector.kind {
            NodeKind::Selector(selector) => {
                self.stream_sample_times(function, selector, grid, stages, sink)
            }
            // Any other value is of the time of its step; its start is not known.
            _ if function == FunctionId::StartTimestamp => {
                self.stream(vector, grid, &[], &mut |_| Ok(()))
            }
            _ => {
                let stage =
                    super::output::StepTimes { grid, delayed: self.settings.delayed_name_removal };
                self.stream(vector, grid, &prepend(&stage, stages), sink)
            }
        }
    }
}

fn unnamed(scalar: Scalar, grid: Grid) -> Series {
    Series { labels: Default::default(), drop_name: false, column: scalar.into_column(grid) }
}

fn unsupported<T>() -> Result<T, EvalError> {
    execution("function is not defined for these arguments")
}

fn histogram_function(function: FunctionId) -> Option<fn(&model::histogram::Histogram) -> f64> {
    Some(match function {
        FunctionId::HistogramCount => |histogram| histogram.count,
        FunctionId::HistogramSum => |histogram| histogram.sum,
        FunctionId::HistogramAvg => |histogram| histogram.sum / histogram.count,
        FunctionId::HistogramStddev => |histogram| histogram::variance(histogram).sqrt(),
        FunctionId::HistogramStdvar => histogram::variance,
        _ => return None,
    })
}
