//! Functions that map each value by itself.

use std::sync::Arc;

use model::histogram::Histogram;

use super::{column::Cell, scalar::Scalar, series::Series, stage::Stage};
use crate::{
    annotations::Notes,
    calendar::{self, Date},
    error::EvalError,
    functions::FunctionId,
    histogram,
    plan::durations::extremum,
    value::Sample,
};

/// `-v`
pub(super) struct Negate {
    pub(super) delayed: bool,
}

impl Stage for Negate {
    fn apply(&self, mut series: Series, _: &mut Notes) -> Result<Option<Series>, EvalError> {
        series.drop_name(self.delayed);
        series.column = series.column.filter_map(|_, cell| {
            Some(match cell {
                Cell::Float(value) => Sample::Float(-value),
                Cell::Histogram(histogram) => {
                    let mut negated = Histogram::clone(histogram);
                    histogram::scale::multiply(&mut negated, -1.0);
                    Sample::Histogram(Arc::new(negated))
                }
            })
        });
        Ok(Some(series))
    }

    fn drops_name(&self) -> bool {
        true
    }
}

/// A function of floats; histograms are dropped.
pub(super) struct MapFloats {
    pub(super) map: fn(f64) -> f64,
    pub(super) delayed: bool,
}

impl Stage for MapFloats {
    fn apply(&self, mut series: Series, _: &mut Notes) -> Result<Option<Series>, EvalError> {
        series.drop_name(self.delayed);
        series.column.map_floats(self.map);
        Ok((!series.column.is_empty()).then_some(series))
    }

    fn drops_name(&self) -> bool {
        true
    }
}

/// A function of histograms; floats are dropped.
pub(super) struct MapHistograms {
    pub(super) map: fn(&Histogram) -> f64,
    pub(super) delayed: bool,
}

impl Stage for MapHistograms {
    fn apply(&self, mut series: Series, _: &mut Notes) -> Result<Option<Series>, EvalError> {
        series.drop_name(self.delayed);
        series.column = series.column.filter_map(|_, cell| match cell {
            Cell::Histogram(histogram) => Some(Sample::Float((self.map)(histogram))),
            Cell::Float(_) => None,
        });
        Ok((!series.column.is_empty()).then_some(series))
    }

    fn drops_name(&self) -> bool {
        true
    }
}

/// `clamp`, `clamp_min`, `clamp_max`
pub(super) struct Clamp {
    pub(super) min: Scalar,
    pub(super) max: Scalar,
    pub(super) delayed: bool,
}

impl Stage for Clamp {
    fn apply(&self, mut series: Series, _: &mut Notes) -> Result<Option<Series>, EvalError> {
        series.drop_name(self.delayed);
        series.column = series.column.filter_map(|step, cell| {
            let (min, max) = (self.min.at(step), self.max.at(step));
            match cell {
                Cell::Histogram(_) => None,
                Cell::Float(_) if max < min => None,
                Cell::Float(value) => {
                    Some(Sample::Float(extremum(true, min, extremum(false, max, value))))
                }
            }
        });
        Ok((!series.column.is_empty()).then_some(series))
    }

    fn drops_name(&self) -> bool {
        true
    }
}

/// `round`: ties go up.
pub(super) struct Round {
    pub(super) nearest: Scalar,
    pub(super) delayed: bool,
}

impl Stage for Round {
    fn apply(&self, mut series: Series, _: &mut Notes) -> Result<Option<Series>, EvalError> {
        series.drop_name(self.delayed);
        series.column = series.column.filter_map(|step, cell| match cell {
            Cell::Histogram(_) => None,
            Cell::Float(value) => {
                // The inverse gives rounder results.
                let inverse = 1.0 / self.nearest.at(step);
                Some(Sample::Float((value * inverse + 0.5).floor() / inverse))
            }
        });
        Ok((!series.column.is_empty()).then_some(series))
    }

    fn drops_name(&self) -> bool {
        true
    }
}

/// Drops histograms, as `sort` does.
pub(super) struct KeepFloats;

impl Stage for KeepFloats {
    fn apply(&self, mut series: Series, _: &mut Notes) -> Result<Option<Series>, EvalError> {
        series.column.keep_floats();
        Ok((!series.column.is_empty()).then_some(series))
    }

    fn drops_name(&self) -> bool {
        false
    }
}

/// The function of floats that a name stands for.
pub(super) fn float_function(function: FunctionId) -> Option<fn(f64) -> f64> {
    use FunctionId as F;
    Some(match function {
        F::Abs => f64::abs,
        F::Ceil => f64::ceil,
        F::Floor => f64::floor,
        F::Exp => f64::exp,
        F::Sqrt => f64::sqrt,
        F::Ln => f64::ln,
        F::Log2 => f64::log2,
        F::Log10 => f64::log10,
        F::Sin => f64::sin,
        F::Cos => f64::cos,
        F::Tan => f64::tan,
        F::Asin => f64::asin,
        F::Acos => f64::acos,
        F::Atan => f64::atan,
        F::Sinh => f64::sinh,
        F::Cosh => f64::cosh,
        F::Tanh => f64::tanh,
        F::Asinh => f64::asinh,
        F::Acosh => f64::acosh,
        F::Atanh => f64::atanh,
        F::Rad => |value| value * std::f64::consts::PI / 180.0,
        F::Deg => |value| value * 180.0 / std::f64::consts::PI,
        F::Sgn => |value| {
            if value > 0.0 {
                1.0
            } else if value < 0.0 {
                -1.0
            } else {
                value
            }
        },
        _ => return date_function(function),
    })
}

/// The part of a date that a name stands for, of a Unix time in seconds.
pub(super) fn date_function(function: FunctionId) -> Option<fn(f64) -> f64> {
    use FunctionId as F;
    Some(match function {
        F::Minute => |unix| f64::from(second_of_day(unix) / 60 % 60),
        F::Hour => |unix| f64::from(second_of_day(unix) / 3600),
        F::DayOfWeek => |unix| f64::from(date(unix).weekday),
        F::DayOfMonth => |unix| f64::from(date(unix).day),
        F::DayOfYear => |unix| f64::from(date(unix).yearday),
        F::DaysInMonth => |unix| f64::from(calendar::days_in_month(date(unix))),
        F::Month => |unix| f64::from(date(unix).month),
        F::Year => |unix| date(unix).year as f64,
        _ => return None,
    })
}

fn date(unix: f64) -> Date {
    calendar::date_and_second(whole_seconds(unix)).0
}

fn second_of_day(unix: f64) -> u32 {
    calendar::date_and_second(whole_seconds(unix)).1
}

/// Times that cannot be told, NaN among them, are the last of all, as they are in Prometheus.
fn whole_seconds(unix: f64) -> i64 {
    if unix.abs() < i64::MAX as f64 { unix as i64 } else { i64::MAX }
}
