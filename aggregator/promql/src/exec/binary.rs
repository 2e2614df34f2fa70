//! Binary operators.

mod arithmetic;
mod element;
mod matching;
mod set;

use super::{Exec, Sink, grid::Grid, prepend, scalar::Scalar, series::Series, stage::Stage};
use crate::{
    annotations::Notes,
    ast::{BinaryOp, ValueType},
    error::EvalError,
    plan::BinaryNode,
    span::Span,
    value::Sample,
};
use element::{Element, Outcome};

impl Exec<'_> {
    pub(super) fn stream_binary(
        &self,
        binary: &BinaryNode,
        span: Span,
        grid: Grid,
        stages: &[&dyn Stage],
        sink: &mut Sink<'_>,
    ) -> Result<(), EvalError> {
        let delayed = self.settings.delayed_name_removal;
        let (op, return_bool) = (binary.op, binary.return_bool);
        match (binary.lhs.value_type(), binary.rhs.value_type()) {
            (ValueType::Scalar, _) => {
                let scalar = self.scalar(&binary.lhs, grid)?;
                let stage = WithScalar { op, return_bool, scalar, left: true, span, delayed };
                self.stream(&binary.rhs, grid, &prepend(&stage, stages), sink)
            }
            (_, ValueType::Scalar) => {
                let scalar = self.scalar(&binary.rhs, grid)?;
                let stage = WithScalar { op, return_bool, scalar, left: false, span, delayed };
                self.stream(&binary.lhs, grid, &prepend(&stage, stages), sink)
            }
            _ => {
                let left = self.collect(&binary.lhs, grid)?;
                let right = self.collect(&binary.rhs, grid)?;
                let series = if op.is_set() {
                    self.set_operation(binary, grid, left.series, right.series)?
                } else {
                    self.vector_operation(binary, span, grid, &left.series, &right.series)?
                };
                self.emit(series, stages, sink)
            }
        }
    }
}

/// An operator between a vector and a scalar.
struct WithScalar {
    op: BinaryOp,
    return_bool: bool,
    scalar: Scalar,
    /// Whether the scalar stands on the left.
    left: bool,
    span: Span,
    delayed: bool,
}

impl Stage for WithScalar {
    fn apply(&self, mut series: Series, notes: &mut Notes) -> Result<Option<Series>, EvalError> {
        let column = series.column.filter_map(|step, cell| {
            let scalar = Element::Float(self.scalar.at(step));
            let element = Element::from(cell);
            let (left, right) = if self.left { (scalar, element) } else { (element, scalar) };
            let (sample, keep) = match element::combine(self.op, left, right) {
                Outcome::Value { sample, keep, note } => {
                    if let Some(note) = note {
                        notes.add(note, self.span);
                    }
                    (sample, keep)
                }
                Outcome::Impossible(note) => {
                    notes.add(note, self.span);
                    return None;
                }
            };
            if self.return_bool {
                return Some(Sample::Float(f64::from(u8::from(keep))));
            }
            // A comparison keeps the element, whichever side it is on.
            let kept = if self.op.is_comparison() { cell.to_sample() } else { sample };
            keep.then_some(kept)
        });
        series.column = column;
        if self.drops_name() {
            series.drop_name(self.delayed);
        }
        Ok((!series.column.is_empty()).then_some(series))
    }

    fn drops_name(&self) -> bool {
        self.op.is_arithmetic() || self.return_bool
    }
}
