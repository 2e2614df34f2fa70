//! Streams of integers: a transform that makes them small, then [`super::block`]s.
//!
//! This file is the format and the decoder; [`encode`] chooses. All arithmetic wraps, so any
//! integers come back whatever the transform.

use crate::varint::{take_i64, take_u64, unzigzag};

use super::{
    ChunkError,
    bits::Slot,
    block::{self, MAX_SIZE_LOG, take_byte},
};

pub(super) mod encode;

/// How the numbers in the blocks (`u`, or `z` where they are zigzag) give the values (`v`). `a` and
/// `b` are the one or two varints behind the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    /// `v[i] = a`, no blocks.
    Constant = 0,
    /// `v[i] = a + i*b`, no blocks.
    Linear = 1,
    /// `v[i] = a + u[i]`, known as frame of reference.
    Offset = 2,
    /// `v[i] = a + z[i]`.
    Pivot = 3,
    /// `v[0] = a`, `v[i] = v[i-1] + b + u[i-1]`.
    DeltaOffset = 4,
    /// `v[0] = a`, `v[i] = v[i-1] + b + z[i-1]`.
    DeltaPivot = 5,
    /// `v[0] = a`, `v[1] = a + b`, and from there each delta is the last one `+ z[i-2]`.
    DeltaOfDelta = 6,
    /// `v[i] = a + (i*b >> TREND_SHIFT) + u[i]`.
    Trend = 7,
}

/// Binary places of the slope of a trend.
const TREND_SHIFT: u32 = 16;

/// Bits of the header byte: transform in the lowest three, block size in the next three.
const SIZE_SHIFT: u32 = 3;
const SCALED: u8 = 0x40;
const RESERVED: u8 = 0x80;

impl Transform {
    const ALL: [Self; 8] = [
        Self::Constant,
        Self::Linear,
        Self::Offset,
        Self::Pivot,
        Self::DeltaOffset,
        Self::DeltaPivot,
        Self::DeltaOfDelta,
        Self::Trend,
    ];

    /// Whether there is a second varint.
    fn has_second(self) -> bool {
        !matches!(self, Self::Constant | Self::Offset | Self::Pivot)
    }
}

/// Takes a stream off the front and fills `out`, whose words are then integers.
pub(super) fn decode<T: Slot>(input: &mut &[u8], out: &mut [T]) -> Result<(), ChunkError> {
    decode_as(input, out, |value| T::of(value as u64))
}

/// Takes a stream off the front and fills `out` with what `finish` makes of each integer.
pub(super) fn decode_as<T: Slot>(
    input: &mut &[u8],
    out: &mut [T],
    finish: impl Fn(i64) -> T,
) -> Result<(), ChunkError> {
    let header = take_byte(input)?;
    let size_log = header >> SIZE_SHIFT & 7;
    if header & RESERVED != 0 || size_log > MAX_SIZE_LOG {
        return Err(ChunkError::Invalid("integer header"));
    }
    let transform = Transform::ALL[usize::from(header & 7)];
    let scale = if header & SCALED == 0 {
        None
    } else {
        Some((take_u64(input).ok_or(ChunkError::Truncated)? as i64, varint(input)?))
    };
    let a = varint(input)?;
    let b = if transform.has_second() { varint(input)? } else { 0 };
    match transform {
        Transform::Constant | Transform::Linear => {}
        Transform::Offset | Transform::Pivot | Transform::Trend => {
            block::read_all(input, size_log, out)?;
        }
        Transform::DeltaOffset | Transform::DeltaPivot => {
            block::read_all(input, size_log, out.get_mut(1..).unwrap_or_default())?;
        }
        Transform::DeltaOfDelta => {
            block::read_all(input, size_log, out.get_mut(2..).unwrap_or_default())?;
        }
    }
    if let Some((factor, remainder)) = scale {
        let finish = |value: i64| finish(value.wrapping_mul(factor).wrapping_add(remainder));
        undo(transform, a, b, out, finish);
    } else {
        undo(transform, a, b, out, finish);
    }
    Ok(())
}

fn varint(input: &mut &[u8]) -> Result<i64, ChunkError> {
    take_i64(input).ok_or(ChunkError::Truncated)
}

fn undo<T: Slot>(transform: Transform, a: i64, b: i64, out: &mut [T], finish: impl Fn(i64) -> T) {
    match transform {
        Transform::Constant => out.fill(finish(a)),
        Transform::Linear => accumulate(a, out, finish, |_| b),
        Transform::Offset => each(out, |word| finish(a.wrapping_add(word as i64))),
        Transform::Pivot => each(out, |word| finish(a.wrapping_add(unzigzag(word)))),
        Transform::DeltaOffset => accumulate(a, out, finish, |word| b.wrapping_add(word as i64)),
        Transform::DeltaPivot => {
            accumulate(a, out, finish, |word| b.wrapping_add(unzigzag(word)));
        }
        Transform::DeltaOfDelta => {
            let Some((first, rest)) = out.split_first_mut() else { return };
            *first = finish(a);
            let mut delta = b;
            accumulate(a.wrapping_add(b), rest, finish, |word| {
                delta = delta.wrapping_add(unzigzag(word));
                delta
            });
        }
        Transform::Trend => {
            let mut number = 0;
            each(out, |word| {
                let value = a.wrapping_add(trend(b, number)).wrapping_add(word as i64);
                number += 1;
                finish(value)
            });
        }
    }
}

/// What a trend of a slope adds up to at an index.
fn trend(slope: i64, number: usize) -> i64 {
    slope.wrapping_mul(number as i64) >> TREND_SHIFT
}

fn each<T: Slot>(out: &mut [T], mut value: impl FnMut(u64) -> T) {
    for slot in out {
        *slot = value(slot.word());
    }
}

/// Puts `first`, and from there on adds what each word means.
fn accumulate<T: Slot>(
    first: i64,
    out: &mut [T],
    finish: impl Fn(i64) -> T,
    mut delta: impl FnMut(u64) -> i64,
) {
    let Some((head, rest)) = out.split_first_mut() else { return };
    *head = finish(first);
    let mut value = first;
    for slot in rest {
        value = value.wrapping_add(delta(slot.word()));
        *slot = finish(value);
    }
}

#[cfg(test)]
mod tests;
