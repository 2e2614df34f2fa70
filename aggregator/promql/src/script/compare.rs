//! Compares what a query gives with what was expected.

use std::{collections::BTreeSet, sync::Arc};

use model::{
    columns::is_stale,
    histogram::{Histogram, SCHEMA_CUSTOM},
    labels::Labels,
};

use super::{
    expect::{Expected, Values},
    notation::Notated,
};
use crate::{
    histogram::{classic, compact, layout, text::Text},
    value::{MatrixSeries, Sample, Value, VectorElement},
};

/// Relative difference up to which numbers count as equal.
const TOLERANCE: f64 = 1e-6;

/// The times of an expected matrix, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) step: i64,
}

pub(super) fn value(expected: &Expected, times: Times, value: &Value) -> Result<(), String> {
    match (value, &expected.values) {
        (Value::Scalar(_, value), Values::Scalar(wanted)) => float(*wanted, *value),
        (Value::String(_, text), Values::String(wanted)) if text == wanted => Ok(()),
        (Value::Vector(elements), Values::Series(series)) => {
            for (position, element) in elements.iter().enumerate() {
                let Some((wanted_position, values)) = series.get(&element.labels) else {
                    return Err(format!("unexpected metric in result: {element:?}"));
                };
                if expected.ordered && *wanted_position != position + 1 {
                    return Err(format!(
                        "expected {} at position {wanted_position}, it is at {}",
                        element.labels,
                        position + 1
                    ));
                }
                vector_element(values.first(), element)?;
            }
            let found: BTreeSet<&Labels> = elements.iter().map(|element| &element.labels).collect();
            missing(series.keys(), &found)
        }
        (Value::Matrix(_), _) if expected.ordered => {
            Err("expected an ordered result, got a matrix".to_owned())
        }
        (Value::Matrix(matrix), Values::Series(series)) => {
            sorted(matrix)?;
            for found in matrix {
                let Some((_, values)) = series.get(&found.labels) else {
                    return Err(format!("unexpected metric in result: {found:?}"));
                };
                matrix_series(values, times, found)?;
            }
            let found: BTreeSet<&Labels> = matrix.iter().map(|series| &series.labels).collect();
            missing(series.keys(), &found)
        }
        (value, wanted) => Err(format!("expected {wanted:?}, got {value:?}")),
    }
}

fn missing<'a>(
    mut wanted: impl Iterator<Item = &'a Labels>,
    found: &BTreeSet<&Labels>,
) -> Result<(), String> {
    match wanted.find(|labels| !found.contains(labels)) {
        Some(labels) => Err(format!("expected metric {labels} not found")),
        None => Ok(()),
    }
}

/// Series of a matrix must be in order of labels.
pub(super) fn sorted(matrix: &[MatrixSeries]) -> Result<(), String> {
    if matrix.is_sorted_by(|a, b| a.labels <= b.labels) {
        return Ok(());
    }
    Err("matrix results should always be sorted by labels".to_owned())
}

fn vector_element(wanted: Option<&Notated>, element: &VectorElement) -> Result<(), String> {
    let result = match (wanted, &element.value) {
        (Some(Notated::Float(wanted)), Sample::Float(value)) => float(*wanted, *value),
        (Some(Notated::Histogram { histogram: wanted, hint_given }), Sample::Histogram(value)) => {
            histogram(wanted, value, *hint_given)
        }
        (wanted, value) => Err(format!("expected {wanted:?}, got {value:?}")),
    };
    result.map_err(|message| format!("{}: {message}", element.labels))
}

fn matrix_series(values: &[Notated], times: Times, found: &MatrixSeries) -> Result<(), String> {
    let mut floats = found.floats.iter();
    let mut histograms = found.histograms.iter();
    let at = |message: String, time: i64| format!("{} at {time}: {message}", found.labels);
    for (step, wanted) in values.iter().enumerate() {
        let offset = times.step.saturating_mul(i64::try_from(step).unwrap_or(i64::MAX));
        let time = times.start.saturating_add(offset);
        if time > times.end {
            return Err(format!("{} has more expected points than steps", found.labels));
        }
        match wanted {
            Notated::Omitted => {}
            Notated::Float(wanted) => match floats.next() {
                Some((found_time, value)) if *found_time == time => {
                    float(*wanted, *value).map_err(|message| at(message, time))?;
                }
                other => {
                    return Err(at(format!("expected {wanted}, got {other:?}; {found:?}"), time));
                }
            },
            Notated::Histogram { histogram: wanted, hint_given } => match histograms.next() {
                Some((found_time, value)) if *found_time == time => {
                    histogram(wanted, value, *hint_given).map_err(|message| at(message, time))?;
                }
                other => return Err(at(format!("expected {wanted:?}, got {other:?}"), time)),
            },
        }
    }
    match (floats.next(), histograms.next()) {
        (None, None) => Ok(()),
        more => Err(format!("{} has more points than expected: {more:?}; {found:?}", found.labels)),
    }
}

fn float(wanted: f64, value: f64) -> Result<(), String> {
    let equal = if is_stale(wanted) || is_stale(value) {
        is_stale(wanted) && is_stale(value)
    } else {
        classic::almost_equal(wanted, value, TOLERANCE)
    };
    if equal { Ok(()) } else { Err(format!("expected {wanted}, got {value}")) }
}

/// Compares compacted histograms; the reset hint only if one was written.
fn histogram(wanted: &Arc<Histogram>, value: &Arc<Histogram>, hint: bool) -> Result<(), String> {
    let compacted = |histogram: &Histogram| {
        let mut copy = histogram.clone();
        compact::compact(&mut copy);
        copy
    };
    let (left, right) = (compacted(wanted), compacted(value));
    let close = |a: f64, b: f64| float(a, b).is_ok();
    let buckets = |left: Vec<(i32, f64)>, right: Vec<(i32, f64)>| {
        left.len() == right.len()
            && left.iter().zip(&right).all(|(a, b)| a.0 == b.0 && close(a.1, b.1))
    };
    let equal = left.schema == right.schema
        && close(left.count, right.count)
        && close(left.sum, right.sum)
        && (left.schema != SCHEMA_CUSTOM || left.custom_values == right.custom_values)
        && left.zero_threshold == right.zero_threshold
        && close(left.zero_count, right.zero_count)
        && buckets(layout::positive(&left).collect(), layout::positive(&right).collect())
        && buckets(layout::negative(&left).collect(), layout::negative(&right).collect())
        && (!hint || left.reset_hint == right.reset_hint);
    if equal {
        return Ok(());
    }
    Err(format!(
        "expected {} (schema {}, hint {:?}, bounds {:?}), got {} (schema {}, hint {:?}, bounds {:?})",
        Text(&left),
        left.schema,
        left.reset_hint,
        left.custom_values,
        Text(&right),
        right.schema,
        right.reset_hint,
        right.custom_values,
    ))
}
