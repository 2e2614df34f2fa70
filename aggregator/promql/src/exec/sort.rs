//! Functions that sort. They have an effect on instant queries only: series of a range are always
//! in order of labels.

use std::cmp::Ordering;

use model::labels::Labels;

use super::{
    Exec, Sink, elementwise::KeepFloats, grid::Grid, prepend, series::Series, stage::Stage,
};
use crate::{
    annotations::Note, error::EvalError, exec::column::Cell, functions::FunctionId, plan::Node,
    span::Span,
};

impl Exec<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of one call")]
    pub(super) fn stream_sorted(
        &self,
        function: FunctionId,
        vector: &Node,
        labels: &[&str],
        span: Span,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let by_label = matches!(function, FunctionId::SortByLabel | FunctionId::SortByLabelDesc);
        if grid.count > 1 {
            self.note(Note::SortInRange, span);
            if by_label {
                return self.stream(vector, grid, stages, sink);
            }
            return self.stream(vector, grid, &prepend(&KeepFloats, stages), sink);
        }
        let held = self.collect(vector, grid)?;
        let mut series = held.series;
        match function {
            FunctionId::SortByLabel => {
                series.sort_by(|a, b| compare_labels(&a.labels, &b.labels, labels));
            }
            FunctionId::SortByLabelDesc => {
                series.sort_by(|a, b| compare_labels(&b.labels, &a.labels, labels));
            }
            _ => {
                series.retain(|series| series.column.has_floats());
                series.sort_by(|a, b| {
                    let (a, b) = (value(a), value(b));
                    let descending = function == FunctionId::SortDesc;
                    compare_values(a, b, descending)
                });
            }
        }
        self.emit(series, stages, sink)
    }
}

fn value(series: &Series) -> f64 {
    match series.column.get(0) {
        Some(Cell::Float(value)) => value,
        _ => f64::NAN,
    }
}

/// In order of value; NaN comes last either way.
pub(super) fn compare_values(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => b.total_cmp(&a),
        (false, false) => a.total_cmp(&b),
        (a, b) => a.cmp(&b),
    }
}

/// By the given labels in natural order, then by all labels.
fn compare_labels(a: &Labels, b: &Labels, names: &[&str]) -> Ordering {
    let value = |labels: &Labels, name: &str| labels.get(name).unwrap_or_default().to_owned();
    names
        .iter()
        .map(|name| natural(&value(a, name), &value(b, name)))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.cmp(b))
}

/// The order in which people sort: runs of digits by their number.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    while let (Some((chunk_a, tail_a)), Some((chunk_b, tail_b))) = (chunk(rest_a), chunk(rest_b)) {
        let order = match (number(chunk_a), number(chunk_b)) {
            (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            _ => chunk_a.cmp(chunk_b),
        };
        if order.is_ne() {
            return order;
        }
        (rest_a, rest_b) = (tail_a, tail_b);
    }
    rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b))
}

/// The leading run of digits or of other characters.
fn chunk(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().next()?.is_ascii_digit();
    let length = text.bytes().take_while(|byte| byte.is_ascii_digit() == digits).count();
    text.split_at_checked(length)
}

/// The digits of a number without leading zeros.
fn number(chunk: &str) -> Option<&str> {
    chunk.bytes().all(|byte| byte.is_ascii_digit()).then(|| chunk.trim_start_matches('0'))
}

#[cfg(test)]
mod tests;
