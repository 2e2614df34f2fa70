//! Floats as decimals: a float that prints with few digits is an integer divided by a power of ten.
//!
//! `integer as f64 / 10^exponent` is one correctly rounded operation for integers below 2^53 and
//! the powers used here, so it gives the same bits on every machine. A float that is a decimal but
//! for rounding errors (a sum of decimals) is the nearest decimal plus a residual counted in units
//! in the last place. The idea of integer plus power of ten is that of ALP (Afroozeh et al., "ALP:
//! Adaptive Lossless floating-Point Compression", SIGMOD 2024).

use super::exceptions::Exceptions;

/// The largest exponent. Nanoseconds as seconds need 9.
pub(super) const MAX_EXPONENT: u8 = 14;

/// Every integer below this has a float.
const LIMIT: f64 = 9_007_199_254_740_992.0;

/// The largest residual, in units in the last place.
const MAX_RESIDUAL: u64 = 1 << 14;

/// Exponents to try with residuals. A smaller true exponent becomes a factor of the integers.
const RESIDUAL_EXPONENTS: [u8; 6] = [1, 2, 3, 6, 9, 12];

const POWERS: [f64; MAX_EXPONENT as usize + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// The power of ten of an exponent, which is at most [`MAX_EXPONENT`].
pub(super) fn power(exponent: u8) -> f64 {
    POWERS[usize::from(exponent.min(MAX_EXPONENT))]
}

/// The decimal with an exponent that has the same bits as the float, as an integer.
pub(super) fn exact(value: f64, exponent: u8) -> Option<i64> {
    let integer = nearest(value, power(exponent))?;
    ((integer as f64 / power(exponent)).to_bits() == value.to_bits()).then_some(integer)
}

/// The integer nearest to `value * power`, `None` when it is too large or not a number.
fn nearest(value: f64, power: f64) -> Option<i64> {
    let scaled = value * power;
    if scaled.abs() < LIMIT { Some(round(scaled)) } else { None }
}

/// Rounds to the nearest integer; the magnitude is below 2^53. Ties do not matter, speed does:
/// adding 1.5 * 2^52 rounds without a library call, but only below 2^51.
fn round(scaled: f64) -> i64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    if scaled.abs() < MAGIC / 3.0 {
        (scaled + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()) as i64
    } else {
        scaled.round() as i64
    }
}

/// The smallest exponent from `start` on that gives the float exactly.
pub(super) fn exponent_of(value: f64, start: u8) -> Option<u8> {
    (start..=MAX_EXPONENT).find(|exponent| exact(value, *exponent).is_some())
}

/// How many values may be exceptions before another form is better.
fn tolerance(count: usize) -> usize {
    1 + count / 16
}

/// Converts values to decimals of the least exponent that fits all but a few, which become
/// exceptions. `None` when too many do not fit.
pub(super) fn to_decimals(
    values: &[f64],
    integers: &mut Vec<i64>,
    exceptions: &mut Exceptions,
) -> Option<u8> {
    let tolerance = tolerance(values.len());
    let exponent = common_exponent(values, tolerance)?;
    integers.clear();
    exceptions.clear();
    for (position, value) in values.iter().enumerate() {
        match exact(*value, exponent) {
            Some(integer) => integers.push(integer),
            None => exceptions.push(position, *value, integers),
        }
    }
    exceptions.fill_leading(integers);
    (exceptions.unusual() <= tolerance).then_some(exponent)
}

/// The least exponent for all finite values but as many as may be exceptions.
fn common_exponent(values: &[f64], tolerance: usize) -> Option<u8> {
    let (mut exponent, mut misfits) = (0, 0);
    for value in values.iter().filter(|value| value.is_finite()) {
        match exponent_of(*value, exponent) {
            Some(needed) => exponent = needed,
            None => misfits += 1,
        }
        if misfits > tolerance {
            return None;
        }
    }
    Some(exponent)
}

/// Converts values to decimals and residuals. `None` when no exponent fits.
pub(super) fn to_decimals_with_residuals(
    values: &[f64],
    integers: &mut Vec<i64>,
    residuals: &mut Vec<i64>,
    exceptions: &mut Exceptions,
) -> Option<u8> {
    let tolerance = tolerance(values.len());
    RESIDUAL_EXPONENTS.into_iter().find(|exponent| {
        integers.clear();
        residuals.clear();
        exceptions.clear();
        for (position, value) in values.iter().enumerate() {
            if let Some((integer, residual)) = with_residual(*value, power(*exponent)) {
                integers.push(integer);
                residuals.push(residual);
            } else {
                exceptions.push(position, *value, integers);
                residuals.push(residuals.last().copied().unwrap_or(0));
                if exceptions.unusual() > tolerance {
                    return false;
                }
            }
        }
        exceptions.fill_leading(integers);
        exceptions.fill_leading(residuals);
        true
    })
}

fn with_residual(value: f64, power: f64) -> Option<(i64, i64)> {
    let integer = nearest(value, power)?;
    let decimal = integer as f64 / power;
    let residual = value.to_bits().wrapping_sub(decimal.to_bits()) as i64;
    (residual.unsigned_abs() <= MAX_RESIDUAL).then_some((integer, residual))
}

/// Maps the bits of a float to an integer so that the order of floats is that of integers, and
/// back: it is its own inverse.
pub(super) fn order(bits: u64) -> u64 {
    let sign = (bits as i64 >> 63) as u64;
    bits ^ sign >> 1
}

#[cfg(test)]
mod tests;
