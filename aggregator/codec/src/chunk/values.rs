//! Chunks of values: repeats and exceptions taken out, then decimals, decimals with residuals or
//! the bits themselves as a stream of integers.

use crate::varint::{put_i64, take_i64};

use super::{
    ChunkError,
    block::{take, take_byte},
    decimal::{self, MAX_EXPONENT, order, power},
    exceptions::{Exceptions, take_exceptions},
    integers::{
        self,
        encode::{Kind, encode as encode_integers},
    },
    runs::{self, Runs},
};

/// Working memory of the encoder, reused between chunks.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) integers: integers::encode::Scratch,
    runs: Runs,
    numbers: Numbers,
    candidate: Vec<u8>,
}

/// Working memory of one body.
#[derive(Debug, Default)]
struct Numbers {
    integers: Vec<i64>,
    residuals: Vec<i64>,
    exceptions: Exceptions,
    candidate: Vec<u8>,
}

/// Header byte: exponent in the lowest four bits, form in the next two, then two flags.
const BITS_EXPONENT: u8 = 15;
const FORM_SHIFT: u32 = 4;
const DECIMALS: u8 = 0;
const RESIDUALS: u8 = 1;
const CONSTANT: u8 = 2;
const BIT_PATTERNS: u8 = 3;
const HAS_RUNS: u8 = 0x40;
const HAS_EXCEPTIONS: u8 = 0x80;

/// A larger exponent may be that of rounding errors, better written as residuals.
const PLAUSIBLE_EXPONENT: u8 = 9;

/// Fewer values than this are not worth a second form.
const MIN_RESIDUALS: usize = 8;

/// Appends a chunk; there is at least one value.
pub(super) fn encode(values: &[f64], scratch: &mut Scratch, out: &mut Vec<u8>) {
    let Scratch { integers, runs, numbers, candidate } = scratch;
    let (Some(first), start) = (values.first(), out.len()) else { return };
    if values.iter().all(|value| value.to_bits() == first.to_bits()) {
        return write_constant(*first, out);
    }
    encode_numbers(values, numbers, integers, out);
    runs.find(values);
    // Where most values change, taking out the rest cannot pay.
    if runs.values.len() > values.len() - values.len() / 8 {
        return;
    }
    candidate.clear();
    runs.write_count(values.len(), integers, candidate);
    let count_len = candidate.len();
    encode_numbers(&runs.values, numbers, integers, candidate);
    runs.write_lengths(candidate);
    if candidate.len() < out.len() - start {
        out.truncate(start);
        out.push(candidate[count_len] | HAS_RUNS);
        out.extend_from_slice(&candidate[..count_len]);
        out.extend_from_slice(&candidate[count_len + 1..]);
    }
}

fn write_constant(value: f64, out: &mut Vec<u8>) {
    let decimal = decimal::exponent_of(value, 0)
        .and_then(|exponent| Some((exponent, decimal::exact(value, exponent)?)));
    if let Some((exponent, integer)) = decimal {
        out.push(CONSTANT << FORM_SHIFT | exponent);
        put_i64(out, integer);
    } else {
        out.push(CONSTANT << FORM_SHIFT | BITS_EXPONENT);
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}

/// Appends a chunk without runs.
fn encode_numbers(
    values: &[f64],
    numbers: &mut Numbers,
    scratch: &mut integers::encode::Scratch,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let Numbers { integers, residuals, exceptions, candidate } = numbers;
    let decimal = decimal::to_decimals(values, integers, exceptions);
    if let Some(exponent) = decimal {
        write_decimals(exponent, integers, exceptions, scratch, out);
        if exceptions.unusual() == 0 && exponent <= PLAUSIBLE_EXPONENT {
            return;
        }
    } else {
        to_bit_patterns(values, integers, exceptions);
        write_header(BIT_PATTERNS, BITS_EXPONENT, exceptions, values.len(), out);
        encode_integers(integers, Kind::Measurements, scratch, out);
    }
    if values.len() < MIN_RESIDUALS {
        return;
    }
    let exponent = decimal::to_decimals_with_residuals(values, integers, residuals, exceptions);
    let Some(exponent) = exponent else { return };
    candidate.clear();
    write_header(RESIDUALS, exponent, exceptions, values.len(), candidate);
    encode_integers(integers, Kind::Measurements, scratch, candidate);
    encode_integers(residuals, Kind::Measurements, scratch, candidate);
    if candidate.len() < out.len() - start {
        out.truncate(start);
        out.extend_from_slice(candidate);
    }
}

fn write_header(form: u8, exponent: u8, exceptions: &Exceptions, count: usize, out: &mut Vec<u8>) {
    let flag = if exceptions.is_empty() { 0 } else { HAS_EXCEPTIONS };
    out.push(form << FORM_SHIFT | exponent | flag);
    if !exceptions.is_empty() {
        exceptions.write(count, out);
    }
}

fn write_decimals(
    exponent: u8,
    integers: &[i64],
    exceptions: &Exceptions,
    scratch: &mut integers::encode::Scratch,
    out: &mut Vec<u8>,
) {
    let first = integers.first().copied().unwrap_or(0);
    if integers.iter().all(|integer| *integer == first) {
        write_header(CONSTANT, exponent, exceptions, integers.len(), out);
        put_i64(out, first);
    } else {
        write_header(DECIMALS, exponent, exceptions, integers.len(), out);
        encode_integers(integers, Kind::Measurements, scratch, out);
    }
}

/// The bits of the values in an order that is that of the values, NaN aside.
fn to_bit_patterns(values: &[f64], integers: &mut Vec<i64>, exceptions: &mut Exceptions) {
    integers.clear();
    exceptions.clear();
    for (position, value) in values.iter().enumerate() {
        if value.is_nan() {
            exceptions.push(position, *value, integers);
        } else {
            integers.push(order(value.to_bits()) as i64);
        }
    }
    exceptions.fill_leading(integers);
}

/// Takes a chunk off the front and appends its values to `out`, which on error is as it was.
pub(super) fn decode(
    input: &mut &[u8],
    count: usize,
    out: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    let start = out.len();
    let result = decode_at(input, count, start, out);
    out.truncate(if result.is_ok() { start + count } else { start });
    result
}

fn decode_at(
    input: &mut &[u8],
    count: usize,
    start: usize,
    out: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    let header = take_byte(input)?;
    let form = header >> FORM_SHIFT & 3;
    if form == CONSTANT && header & (HAS_RUNS | HAS_EXCEPTIONS) == 0 {
        out.resize(start + count, read_constant(header & 0xf, input)?);
        return Ok(());
    }
    if header & HAS_RUNS == 0 {
        let spare_len = if form == RESIDUALS { count } else { 0 };
        out.resize(start + count + spare_len, 0.0);
        let (values, spare) = out[start..].split_at_mut(count);
        return decode_numbers(header, input, values, spare);
    }
    // What is appended is for the values, for those of the runs and for the lengths of the runs.
    let runs = runs::take_count(input, count)?;
    out.resize(start + count + 2 * runs.runs, 0.0);
    let (values, behind) = out[start..].split_at_mut(count);
    let (numbers, spare) = behind.split_at_mut(runs.runs);
    decode_numbers(header, input, numbers, spare)?;
    runs::spread(input, runs, numbers, spare, values)
}

fn decode_numbers(
    header: u8,
    input: &mut &[u8],
    values: &mut [f64],
    spare: &mut [f64],
) -> Result<(), ChunkError> {
    let exceptions = if header & HAS_EXCEPTIONS == 0 {
        None
    } else {
        Some(take_exceptions(input, values.len())?)
    };
    let exponent = header & 0xf;
    let form = header >> FORM_SHIFT & 3;
    let has_exponent = exponent <= MAX_EXPONENT;
    if has_exponent == (form == BIT_PATTERNS) && form != CONSTANT {
        return Err(ChunkError::Invalid("exponent"));
    }
    match form {
        CONSTANT => values.fill(read_constant(exponent, input)?),
        BIT_PATTERNS => {
            integers::decode_as(input, values, |value| f64::from_bits(order(value as u64)))?;
        }
        _ => {
            decode_decimals(input, exponent, values)?;
            if form == RESIDUALS {
                let residuals = &mut spare[..values.len()];
                integers::decode(input, residuals)?;
                for (value, residual) in values.iter_mut().zip(residuals) {
                    *value = f64::from_bits(value.to_bits().wrapping_add(residual.to_bits()));
                }
            }
        }
    }
    if let Some(exceptions) = exceptions {
        exceptions.apply(values);
    }
    Ok(())
}

fn read_constant(exponent: u8, input: &mut &[u8]) -> Result<f64, ChunkError> {
    if exponent == BITS_EXPONENT {
        let bytes = take(input, 8)?.first_chunk().ok_or(ChunkError::Truncated)?;
        return Ok(f64::from_bits(u64::from_le_bytes(*bytes)));
    }
    let integer = take_i64(input).ok_or(ChunkError::Truncated)?;
    Ok(integer as f64 / power(exponent))
}

/// Takes integers off the front and makes floats of them.
fn decode_decimals(input: &mut &[u8], exponent: u8, values: &mut [f64]) -> Result<(), ChunkError> {
    if exponent == 0 {
        return integers::decode_as(input, values, |integer| integer as f64);
    }
    // In a loop of their own divisions are done two or more at a time.
    integers::decode(input, values)?;
    let power = power(exponent);
    for value in values {
        *value = value.to_bits() as i64 as f64 / power;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
