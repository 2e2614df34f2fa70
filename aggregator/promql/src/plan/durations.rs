//! The values of duration expressions.

use super::Times;
use crate::{
    ast::{BinaryOp, DurationExpr},
    error::{EvalError, invalid},
};

/// Longest duration in seconds: 63 bits of nanoseconds.
const SECONDS_MAX: f64 = 9_223_372_036.854_776;

/// A range or step: must be positive.
pub(super) fn positive(duration: &DurationExpr, times: &Times) -> Result<i64, EvalError> {
    millis(duration, times, false)
}

/// An offset: may be negative.
pub(super) fn signed(duration: &DurationExpr, times: &Times) -> Result<i64, EvalError> {
    millis(duration, times, true)
}

fn millis(duration: &DurationExpr, times: &Times, may_be_negative: bool) -> Result<i64, EvalError> {
    if let Some(millis) = duration.literal_millis() {
        return Ok(millis);
    }
    let span = duration.span();
    let error = |what: &str| invalid(format!("{}:{}: {what}", span.start, span.end));
    let seconds = evaluate(duration, times)?;
    if !seconds.is_finite() {
        return error("duration is NaN or infinite");
    }
    if seconds <= 0.0 && !may_be_negative {
        return error("duration must be greater than 0");
    }
    if seconds.abs() > SECONDS_MAX {
        return error("duration is out of range");
    }
    Ok((seconds * 1000.0) as i64)
}

/// The value in seconds.
fn evaluate(duration: &DurationExpr, times: &Times) -> Result<f64, EvalError> {
    Ok(match duration {
        DurationExpr::Number(number) => number.value,
        DurationExpr::Step(_) => times.step as f64 / 1000.0,
        DurationExpr::Range(_) => times.end.saturating_sub(times.start) as f64 / 1000.0,
        DurationExpr::Extremum { max, args, .. } => {
            let (left, right) = (evaluate(&args.0, times)?, evaluate(&args.1, times)?);
            extremum(*max, left, right)
        }
        DurationExpr::Negate { expr, .. } => -evaluate(expr, times)?,
        DurationExpr::Paren { expr, .. } => evaluate(expr, times)?,
        DurationExpr::Binary { op, sides } => {
            let (left, right) = (evaluate(&sides.0, times)?, evaluate(&sides.1, times)?);
            let span = duration.span();
            let by_zero = |what| invalid(format!("{}:{}: {what}", span.start, span.end));
            match op {
                BinaryOp::Add => left + right,
                BinaryOp::Sub => left - right,
                BinaryOp::Mul => left * right,
                BinaryOp::Div if right == 0.0 => return by_zero("division by zero"),
                BinaryOp::Div => left / right,
                BinaryOp::Mod if right == 0.0 => return by_zero("modulo by zero"),
                BinaryOp::Mod => left % right,
                _ => left.powf(right),
            }
        }
    })
}

/// The greater or lesser of two; NaN if either is NaN, unless an infinity decides.
pub(crate) fn extremum(max: bool, left: f64, right: f64) -> f64 {
    let decisive = if max { f64::INFINITY } else { f64::NEG_INFINITY };
    if left == decisive || right == decisive {
        decisive
    } else if left.is_nan() || right.is_nan() {
        f64::NAN
    } else if max {
        left.max(right)
    } else {
        left.min(right)
    }
}
