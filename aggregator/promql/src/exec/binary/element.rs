//! Operators between two elements: floats or histograms.

use std::sync::Arc;

use model::histogram::{Histogram, ResetHint};

use super::super::{column::Cell, scalar::float_binop};
use crate::{
    annotations::{HistogramOp, Note},
    ast::BinaryOp,
    histogram::{
        self,
        arithmetic::{self, Incompatible},
        compact, scale,
        trim::{self, Keep},
    },
    value::Sample,
};

/// A value on one side of an operator.
#[derive(Clone, Copy, Debug)]
pub(super) enum Element<'a> {
    Float(f64),
    Histogram(&'a Histogram),
}

impl<'a> From<Cell<'a>> for Element<'a> {
    fn from(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Float(value) => Self::Float(value),
            Cell::Histogram(histogram) => Self::Histogram(histogram),
        }
    }
}

/// What an operator gives.
#[derive(Debug)]
pub(super) enum Outcome {
    Value {
        sample: Sample,
        /// Whether a comparison holds; true for everything else.
        keep: bool,
        note: Option<Note>,
    },
    /// The operator is not defined for these.
    Impossible(Note),
}

impl Outcome {
    fn histogram(histogram: Histogram) -> Self {
        let sample = Sample::Histogram(Arc::new(histogram));
        Self::Value { sample, keep: true, note: None }
    }
}

/// Applies an operator other than the set operators.
pub(super) fn combine(op: BinaryOp, left: Element<'_>, right: Element<'_>) -> Outcome {
    let undefined = |left, right| {
        Outcome::Impossible(Note::IncompatibleTypes { left, operator: op.as_str(), right })
    };
    match (left, right) {
        (Element::Float(_), Element::Float(_))
            if matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper) =>
        {
            undefined("float", "float")
        }
        (Element::Float(left), Element::Float(right)) => {
            let (value, keep) = float_binop(op, left, right);
            Outcome::Value { sample: Sample::Float(value), keep, note: None }
        }
        (Element::Float(left), Element::Histogram(right)) => match op {
            BinaryOp::Mul => Outcome::histogram(scaled(right, |h| scale::multiply(h, left))),
            _ => undefined("float", "histogram"),
        },
        (Element::Histogram(left), Element::Float(right)) => match op {
            BinaryOp::Mul => Outcome::histogram(scaled(left, |h| scale::multiply(h, right))),
            BinaryOp::Div => Outcome::histogram(scaled(left, |h| scale::divide(h, right))),
            BinaryOp::TrimUpper => Outcome::histogram(trimmed(left, right, Keep::Below)),
            BinaryOp::TrimLower => Outcome::histogram(trimmed(left, right, Keep::Above)),
            _ => undefined("histogram", "float"),
        },
        (Element::Histogram(left), Element::Histogram(right)) => match op {
            BinaryOp::Add => combined(op, left, right, HistogramOp::Addition),
            BinaryOp::Sub => combined(op, left, right, HistogramOp::Subtraction),
            BinaryOp::Equal | BinaryOp::NotEqual => {
                let sample = Sample::Histogram(Arc::new(left.clone()));
                let keep = histogram::equal(left, right) == (op == BinaryOp::Equal);
                Outcome::Value { sample, keep, note: None }
            }
            _ => undefined("histogram", "histogram"),
        },
    }
}

fn scaled(histogram: &Histogram, change: impl Fn(&mut Histogram)) -> Histogram {
    let mut result = histogram.clone();
    change(&mut result);
    compact::compact(&mut result);
    result
}

fn trimmed(histogram: &Histogram, limit: f64, keep: Keep) -> Histogram {
    let mut result = histogram.clone();
    trim::trim(&mut result, limit, keep);
    result
}

fn combined(
    op: BinaryOp,
    left: &Histogram,
    right: &Histogram,
    histogram_op: HistogramOp,
) -> Outcome {
    let mut result = left.clone();
    let subtract = histogram_op == HistogramOp::Subtraction;
    let noticed = if subtract {
        arithmetic::subtract(&mut result, right)
    } else {
        arithmetic::add(&mut result, right)
    };
    let noticed = match noticed {
        Ok(noticed) => noticed,
        Err(Incompatible) => {
            return Outcome::Impossible(Note::IncompatibleBuckets { operator: op.as_str() });
        }
    };
    if subtract {
        result.reset_hint = ResetHint::Gauge;
    }
    compact::compact(&mut result);
    let note = if noticed.bounds_reconciled {
        Some(Note::MismatchedCustomBuckets(histogram_op))
    } else {
        noticed.reset_collision.then_some(Note::CounterResetCollision(histogram_op))
    };
    Outcome::Value { sample: Sample::Histogram(Arc::new(result)), keep: true, note }
}
