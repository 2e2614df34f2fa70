//! Zones: what a directory keeps of a chunk of values, to answer or skip it without decoding.

use model::columns::is_stale;

use crate::varint::{put_i64, put_u64, take_i64, take_u64};

use super::{
    ChunkError,
    block::{take, take_byte},
    decimal::{self, MAX_EXPONENT, power},
};

/// What is known of the values of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Zone {
    /// All samples, staleness markers included.
    pub count: u32,
    /// How many of them are staleness markers.
    pub stale: u32,
    /// The least value that is not NaN, infinities included; NaN when there is none. Of zeros of
    /// both signs it is the first.
    pub min: f64,
    /// The greatest value that is not NaN, likewise.
    pub max: f64,
    /// The first sample, bit for bit, whatever it is.
    pub first: f64,
    /// The last sample, likewise.
    pub last: f64,
    /// Whether all samples have the bits of the first. Such a chunk need not be stored.
    pub uniform: bool,
}

/// Header byte: exponent of the numbers in the lowest four bits, 15 for bit patterns; then flags.
const BITS_EXPONENT: u8 = 15;
const UNIFORM: u8 = 0x10;
const HAS_STALE: u8 = 0x20;
const RESERVED: u8 = 0xc0;

/// Second byte: where `last` (one bit), `min` and `max` (two bits each) are.
const SAME_AS_FIRST: u8 = 0;
const WRITTEN: u8 = 1;
const SAME_AS_LAST: u8 = 2;
const NOT_A_NUMBER: u8 = 3;
const MIN_SHIFT: u32 = 1;
const MAX_SHIFT: u32 = 3;

impl Zone {
    /// `None` when there are no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let (&first, &last) = (values.first()?, values.last()?);
        let count = u32::try_from(values.len()).ok()?;
        let uniform = values.iter().all(|value| value.to_bits() == first.to_bits());
        if uniform {
            let stale = if is_stale(first) { count } else { 0 };
            return Some(Self { count, stale, min: first, max: first, first, last, uniform });
        }
        let (mut min, mut max, mut stale) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        for &value in values {
            min = if value < min { value } else { min };
            max = if value > max { value } else { max };
            stale += u32::from(is_stale(value));
        }
        // Infinities are both the neutral elements above and possible values.
        if min > max {
            (min, max) = (f64::NAN, f64::NAN);
        }
        Some(Self { count, stale, min, max, first, last, uniform })
    }

    /// Appends everything but the count, which directories keep better on their own.
    pub fn put(&self, out: &mut Vec<u8>) {
        let exponent = self.exponent();
        let stale = if self.stale > 0 && !self.uniform { HAS_STALE } else { 0 };
        let uniform = if self.uniform { UNIFORM } else { 0 };
        out.push(exponent | uniform | stale);
        if stale != 0 {
            put_u64(out, u64::from(self.stale));
        }
        put_number(self.first, 0, exponent, out);
        if self.uniform {
            return;
        }
        let last = if same(self.last, self.first) { SAME_AS_FIRST } else { WRITTEN };
        let (min, max) = (self.place(self.min), self.place(self.max));
        out.push(last | min << MIN_SHIFT | max << MAX_SHIFT);
        let base = decimal::exact(self.first, exponent).unwrap_or(0);
        for (place, value) in [(last, self.last), (min, self.min), (max, self.max)] {
            if place == WRITTEN {
                put_number(value, base, exponent, out);
            }
        }
    }

    /// Takes the zone of a chunk of `count` values off the front.
    pub fn take(input: &mut &[u8], count: u32) -> Result<Self, ChunkError> {
        let header = take_byte(input)?;
        if header & RESERVED != 0 {
            return Err(ChunkError::Invalid("zone header"));
        }
        let exponent = header & 0xf;
        let stale = if header & HAS_STALE == 0 {
            0
        } else {
            let stale = take_u64(input).ok_or(ChunkError::Truncated)?;
            u32::try_from(stale)
                .ok()
                .filter(|stale| *stale <= count)
                .ok_or(ChunkError::Invalid("stale count"))?
        };
        let (first, base) = take_number(input, 0, exponent)?;
        if header & UNIFORM != 0 {
            let stale = if is_stale(first) { count } else { 0 };
            return Ok(Self {
                count,
                stale,
                min: first,
                max: first,
                first,
                last: first,
                uniform: true,
            });
        }
        let places = take_byte(input)?;
        let mut at = |place: u8, last: f64| match place & 3 {
            SAME_AS_FIRST => Ok(first),
            WRITTEN => take_number(input, base, exponent).map(|(value, _)| value),
            SAME_AS_LAST => Ok(last),
            _ => Ok(f64::NAN),
        };
        let last = at(places & 1, first)?;
        let min = at(places >> MIN_SHIFT, last)?;
        let max = at(places >> MAX_SHIFT, last)?;
        Ok(Self { count, stale, min, max, first, last, uniform: false })
    }

    /// The least exponent at which all numbers are decimals.
    fn exponent(&self) -> u8 {
        let numbers = [self.first, self.last, self.min, self.max];
        let numbers = if self.uniform { &numbers[..1] } else { &numbers[..] };
        numbers
            .iter()
            .enumerate()
            .filter(|(number, value)| *number < 2 || !value.is_nan())
            .try_fold(0, |exponent, (_, value)| decimal::exponent_of(*value, exponent))
            .unwrap_or(BITS_EXPONENT)
    }

    /// Where an extreme is to be found.
    fn place(&self, extreme: f64) -> u8 {
        if extreme.is_nan() {
            NOT_A_NUMBER
        } else if same(extreme, self.first) {
            SAME_AS_FIRST
        } else if same(extreme, self.last) {
            SAME_AS_LAST
        } else {
            WRITTEN
        }
    }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

fn put_number(value: f64, base: i64, exponent: u8, out: &mut Vec<u8>) {
    match decimal::exact(value, exponent).filter(|_| exponent <= MAX_EXPONENT) {
        Some(integer) => put_i64(out, integer.wrapping_sub(base)),
        None => out.extend_from_slice(&value.to_bits().to_le_bytes()),
    }
}

/// A number and the integer it was.
fn take_number(input: &mut &[u8], base: i64, exponent: u8) -> Result<(f64, i64), ChunkError> {
    if exponent > MAX_EXPONENT {
        let bytes = take(input, 8)?.first_chunk().ok_or(ChunkError::Truncated)?;
        return Ok((f64::from_bits(u64::from_le_bytes(*bytes)), 0));
    }
    let integer = base.wrapping_add(take_i64(input).ok_or(ChunkError::Truncated)?);
    Ok((integer as f64 / power(exponent), integer))
}

#[cfg(test)]
mod tests;
