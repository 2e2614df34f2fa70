//! Durations and times of the standard library as the numbers of this crate.

use std::time::{Duration, SystemTime};

use promql_parser::parser::{AtModifier, Offset};

use super::AdapterError;
use crate::{
    ast::{At, DurationExpr, Modifiers, NumberLiteral},
    span::Span,
};

pub(super) fn duration(duration: Duration) -> DurationExpr {
    seconds(duration.as_secs_f64())
}

fn seconds(value: f64) -> DurationExpr {
    DurationExpr::Number(NumberLiteral { value, duration: true, span: Span::default() })
}

pub(super) fn modifiers(
    offset: Option<&Offset>,
    at: Option<&AtModifier>,
) -> Result<Modifiers, AdapterError> {
    let offset = offset.map(|offset| match offset {
        Offset::Pos(offset) => duration(*offset),
        Offset::Neg(offset) => seconds(-offset.as_secs_f64()),
    });
    let at = match at {
        None => None,
        Some(AtModifier::Start) => Some(At::Start),
        Some(AtModifier::End) => Some(At::End),
        Some(AtModifier::At(time)) => Some(At::Time(millis(*time)?)),
    };
    Ok(Modifiers { offset, at })
}

/// Milliseconds since 1970.
fn millis(time: SystemTime) -> Result<i64, AdapterError> {
    let (distance, sign) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (after, 1),
        Err(before) => (before.duration(), -1),
    };
    let millis = i64::try_from(distance.as_millis())
        .map_err(|_| AdapterError::NoCounterpart(format!("a time {distance:?} from 1970")))?;
    Ok(sign * millis)
}
