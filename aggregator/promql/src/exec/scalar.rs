//! Scalars: one number per step.

use super::{Exec, column::Column, grid::Grid};
use crate::{
    ast::BinaryOp,
    error::{EvalError, execution},
    functions::FunctionId,
    plan::{CallNode, Node, NodeKind, extremum},
};

/// A scalar over the steps of a grid.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    /// The same at every step.
    Constant(f64),
    PerStep(Vec<f64>),
}

impl Scalar {
    pub(super) fn at(&self, step: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::PerStep(values) => values.get(step).copied().unwrap_or(f64::NAN),
        }
    }

    pub(super) fn map(self, map: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(map(value)),
            Self::PerStep(mut values) => {
                for value in &mut values {
                    *value = map(*value);
                }
                Self::PerStep(values)
            }
        }
    }

    fn zip(&self, other: &Self, grid: Grid, join: impl Fn(f64, f64) -> f64) -> Self {
        match (self, other) {
            (Self::Constant(left), Self::Constant(right)) => Self::Constant(join(*left, *right)),
            _ => Self::PerStep(
                (0..grid.count).map(|step| join(self.at(step), other.at(step))).collect(),
            ),
        }
    }

    /// All values, the constant one once.
    pub(super) fn values(&self) -> &[f64] {
        match self {
            Self::Constant(value) => std::slice::from_ref(value),
            Self::PerStep(values) => values,
        }
    }

    pub(super) fn into_column(self, grid: Grid) -> Column {
        match self {
            Self::Constant(value) => Column::from_floats(vec![value; grid.count]),
            Self::PerStep(values) => Column::from_floats(values),
        }
    }
}

impl Exec<'_> {
    pub(super) fn scalar(&self, node: &Node, grid: Grid) -> Result<Scalar, EvalError> {
        self.check()?;
        match &node.kind {
            NodeKind::Number(value) => Ok(Scalar::Constant(*value)),
            NodeKind::Negate(inner) => Ok(self.scalar(inner, grid)?.map(|value| -value)),
            NodeKind::Binary(binary) => {
                let left = self.scalar(&binary.lhs, grid)?;
                let right = self.scalar(&binary.rhs, grid)?;
                Ok(left.zip(&right, grid, |left, right| binop(binary.op, left, right)))
            }
            NodeKind::Call(call) => self.scalar_call(call, grid),
            NodeKind::Once(inner) => {
                let first = self.scalar(inner, grid.first())?;
                Ok(Scalar::Constant(first.at(0)))
            }
            _ => execution("expected a scalar"),
        }
    }

    fn scalar_call(&self, call: &CallNode, grid: Grid) -> Result<Scalar, EvalError> {
        match (call.function, call.args.as_slice()) {
            (FunctionId::Time, _) => {
                Ok(Scalar::PerStep(grid.times().map(|time| time as f64 / 1000.0).collect()))
            }
            (FunctionId::Scalar, [vector]) => self.single_value(vector, grid),
            (FunctionId::MaxOf | FunctionId::MinOf, [left, right]) => {
                let max = call.function == FunctionId::MaxOf;
                let left = self.scalar(left, grid)?;
                let right = self.scalar(right, grid)?;
                Ok(left.zip(&right, grid, |left, right| extremum(max, left, right)))
            }
            _ => execution("expected a scalar"),
        }
    }

    /// The one float of a vector; NaN where there are none or several.
    fn single_value(&self, vector: &Node, grid: Grid) -> Result<Scalar, EvalError> {
        let mut values = vec![f64::NAN; grid.count];
        let mut found = vec![false; grid.count];
        self.stream(vector, grid, &[], &mut |series| {
            for (step, value) in series.column.floats() {
                if let (Some(slot), Some(found)) = (values.get_mut(step), found.get_mut(step)) {
                    *slot = if *found { f64::NAN } else { value };
                    *found = true;
                }
            }
            Ok(())
        })?;
        Ok(Scalar::PerStep(values))
    }
}

/// An operator between two scalars. Comparisons give 0 or 1.
pub(super) fn binop(op: BinaryOp, left: f64, right: f64) -> f64 {
    match float_binop(op, left, right) {
        (value, _) if op.is_arithmetic() => value,
        (_, true) => 1.0,
        (_, false) => 0.0,
    }
}

/// An operator between two floats: the value, and whether a comparison keeps it.
pub(super) fn float_binop(op: BinaryOp, left: f64, right: f64) -> (f64, bool) {
    match op {
        BinaryOp::Add => (left + right, true),
        BinaryOp::Sub => (left - right, true),
        BinaryOp::Mul => (left * right, true),
        BinaryOp::Div => (left / right, true),
        BinaryOp::Mod => (left % right, true),
        BinaryOp::Pow => (left.powf(right), true),
        BinaryOp::Atan2 => (left.atan2(right), true),
        BinaryOp::Equal => (left, left == right),
        BinaryOp::NotEqual => (left, left != right),
        BinaryOp::Less => (left, left < right),
        BinaryOp::LessEqual => (left, left <= right),
        BinaryOp::Greater => (left, left > right),
        BinaryOp::GreaterEqual => (left, left >= right),
        BinaryOp::TrimUpper
        | BinaryOp::TrimLower
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Unless => (f64::NAN, false),
    }
}
