//! Frames: what changed in a row of values from one tick to the next.
//!
//! A group of series that tick together has one value each, a *row*. A frame turns the row of one
//! tick into that of the next: which values changed, and how their bits did. It names the row that
//! it follows by a checksum, so that one that was lost or comes twice is noticed instead of spoiling
//! all that follow. A *key* frame follows no row but says all of one. `FORMAT.md` documents the bytes.

use crate::varint;

use changes::{Changes, put_changes};
use positions::Positions;

mod changes;
mod positions;

/// Bits of the header.
const FORM: u8 = 3;
const KEY: u8 = 4;

/// Why a frame cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the frame is for a row of {frame} values, not {row}")]
    Length { frame: u64, row: usize },
    #[error("the frame follows another row")]
    Base,
    #[error("the frame is cut short")]
    Truncated,
    #[error("the frame has an invalid {0}")]
    Invalid(&'static str),
}

/// Appends the frame that turns one row into the next; values are the bits of floats.
/// Rows of different lengths give a key frame.
pub fn encode(previous: &[u64], current: &[u64], out: &mut Vec<u8>) {
    if previous.len() == current.len() {
        let check = check(previous).to_le_bytes();
        put(&previous.iter().copied(), current, 0, &check, out);
    } else {
        encode_key(current, out);
    }
}

/// Appends the frame that says all of a row.
pub fn encode_key(current: &[u64], out: &mut Vec<u8>) {
    put(&std::iter::repeat(0), current, KEY, &[], out);
}

/// Applies a frame to the row that it follows, and says how many values it changed (of a key frame,
/// how many are not zero). After an error the row is as it was.
pub fn apply(payload: &[u8], row: &mut [u64]) -> Result<usize, FrameError> {
    let Parsed { base, positions, mut changes } = Parsed::take(payload, row.len())?;
    match base {
        Some(base) if base != check(row) => return Err(FrameError::Base),
        Some(_) => {}
        None => row.fill(0),
    }
    positions.visit(row, |value| *value ^= changes.next());
    Ok(positions.count())
}

/// Applies a frame to some values of a row of `length`: those at `wanted`, ascending, whose values are
/// in `values`. Which row it is that the frame follows is not checked. After an error they are as
/// they were.
pub fn apply_some(
    payload: &[u8],
    length: usize,
    wanted: &[u32],
    values: &mut [u64],
) -> Result<(), FrameError> {
    let Parsed { base, positions, mut changes } = Parsed::take(payload, length)?;
    if base.is_none() {
        values.fill(0);
    }
    positions.visit_some(wanted, |at, rank| {
        if let Some(value) = values.get_mut(at) {
            changes.seek(rank);
            *value ^= changes.next();
        }
    });
    Ok(())
}

/// Whether a row is what a frame leads to: the frame has been applied already, and comes once more.
pub fn leads_to(payload: &[u8], row: &[u64]) -> bool {
    let mut before = row.to_vec();
    if is_key(payload) {
        return apply(payload, &mut before).is_ok() && before == row;
    }
    // Applied to the row behind it, a frame gives the row before it.
    let parsed = Parsed::take(payload, row.len());
    let Ok(Parsed { base, positions, mut changes }) = parsed else { return false };
    positions.visit(&mut before, |value| *value ^= changes.next());
    base == Some(check(&before))
}

/// How many values the row of a frame has, as far as it can be told.
pub fn row_length(payload: &[u8]) -> Option<u64> {
    varint::take_u64(&mut payload.get(1..)?)
}

/// Whether a frame needs no row before it.
pub fn is_key(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| header & KEY != 0)
}

/// The parts of a frame that was found to be good.
struct Parsed<'a> {
    /// The checksum of the row before; none in a key frame.
    base: Option<u32>,
    positions: Positions<'a>,
    changes: Changes<'a>,
}

impl<'a> Parsed<'a> {
    fn take(payload: &'a [u8], length: usize) -> Result<Self, FrameError> {
        let (&header, mut rest) = payload.split_first().ok_or(FrameError::Truncated)?;
        if header & !(FORM | KEY) != 0 {
            return Err(FrameError::Invalid("header"));
        }
        let found = varint::take_u64(&mut rest).ok_or(FrameError::Truncated)?;
        if usize::try_from(found) != Ok(length) {
            return Err(FrameError::Length { frame: found, row: length });
        }
        let mut base = None;
        if header & KEY == 0 {
            let (bytes, tail) = rest.split_first_chunk().ok_or(FrameError::Truncated)?;
            base = Some(u32::from_le_bytes(*bytes));
            rest = tail;
        }
        let positions = Positions::take(header & FORM, length, &mut rest)?;
        let changes = Changes::new(rest, positions.count())?;
        Ok(Self { base, positions, changes })
    }
}

fn put(
    previous: &(impl Iterator<Item = u64> + Clone),
    current: &[u64],
    header: u8,
    check: &[u8],
    out: &mut Vec<u8>,
) {
    let changes = || previous.clone().zip(current).map(|(before, now)| before ^ now);
    let count = changes().filter(|change| *change != 0).count();
    let form = positions::form(count, current.len());
    out.push(header | form);
    varint::put_u64(out, current.len() as u64);
    out.extend_from_slice(check);
    positions::put(form, count, changes(), out);
    put_changes(count, changes().filter(|change| *change != 0), out);
}

/// Lanes of the checksum, which a compiler computes side by side.
const LANES: usize = 8;
/// How far a lane is turned before its next value.
const TURN: u32 = 11;

/// The checksum of a row. Each lane takes every eighth value, turned by what comes after it, so
/// that values which change alike do not cancel out.
fn check(row: &[u64]) -> u32 {
    let mut lanes = [0u64; LANES];
    let (groups, rest) = row.as_chunks::<LANES>();
    for group in groups {
        for (lane, value) in lanes.iter_mut().zip(group) {
            *lane = lane.rotate_left(TURN) ^ value;
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = lane.rotate_left(TURN) ^ value;
    }
    // The odd constant is that of Fibonacci hashing, 2^64 divided by the golden ratio.
    let mix =
        |sum: u64, lane: &u64| (sum ^ lane).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let sum = lanes.iter().fold(row.len() as u64, mix);
    (sum >> 32) as u32
}

#[cfg(test)]
mod tests;
