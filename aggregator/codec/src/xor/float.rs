//! Chunks of floats.
//!
//! ```text
//! number of samples   16 bits, big-endian
//! first sample        time as a zigzag varint, value in 64 bits
//! second sample       difference of times as a varint, value as a difference
//! further samples     difference of the differences of times, value as a difference
//! ```
//!
//! A difference of differences is `0`, or one of the prefixes of [`DOUBLE_DELTAS`] and a number.

use model::columns::Columns;

use super::{
    ChunkError,
    bits::{Reader, Writer, XorState, fits},
};
use crate::varint::{put_i64, put_u64, unzigzag};

/// Prefix, its width, and the width of the number behind it.
const DOUBLE_DELTAS: [(u64, u32, u32); 4] =
    [(0b10, 2, 14), (0b110, 3, 17), (0b1110, 4, 20), (0b1111, 4, 64)];

/// Encodes `count` samples, at most 65,535.
pub(super) fn encode(samples: impl Iterator<Item = (i64, f64)>, count: usize) -> Vec<u8> {
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    let mut out = Writer::after(&count.to_be_bytes());
    let mut bytes = Vec::with_capacity(10);
    let (mut previous_time, mut previous_delta) = (0i64, 0i64);
    let mut state = XorState::default();
    for (number, (time, value)) in samples.take(count.into()).enumerate() {
        let delta = time.wrapping_sub(previous_time);
        match number {
            0 => {
                put_i64(&mut bytes, time);
                out.put_bytes(&bytes);
                out.put(value.to_bits(), 64);
                state = XorState::new(value);
            }
            1 => {
                bytes.clear();
                put_u64(&mut bytes, delta as u64);
                out.put_bytes(&bytes);
                out.put_xor(&mut state, value);
            }
            _ => {
                put_double_delta(&mut out, delta.wrapping_sub(previous_delta));
                out.put_xor(&mut state, value);
            }
        }
        previous_time = time;
        previous_delta = delta;
    }
    out.finish()
}

fn put_double_delta(out: &mut Writer, value: i64) {
    if value == 0 {
        return out.put(0, 1);
    }
    let found = DOUBLE_DELTAS.iter().find(|(_, _, width)| fits(value, *width));
    if let Some((prefix, prefix_width, width)) = found {
        out.put(*prefix, *prefix_width);
        out.put(value as u64, *width);
    }
}

fn double_delta(bits: &mut Reader<'_>) -> Result<i64, ChunkError> {
    let mut ones = 0;
    while ones < DOUBLE_DELTAS.len() && bits.bit()? {
        ones += 1;
    }
    match ones.checked_sub(1).and_then(|found| DOUBLE_DELTAS.get(found)) {
        None => Ok(0),
        Some((_, _, width)) => bits.take_signed(*width),
    }
}

pub(super) fn decode(data: &[u8], columns: &mut Columns) -> Result<(), ChunkError> {
    let (header, rest) = data.split_first_chunk::<2>().ok_or(ChunkError::Short)?;
    let mut bits = Reader::new(rest);
    let (mut time, mut delta) = (0i64, 0i64);
    let mut state = XorState::default();
    for number in 0..u16::from_be_bytes(*header) {
        match number {
            0 => {
                time = unzigzag(bits.varint()?);
                state = XorState::new(bits.double()?);
                columns.push(time, state.value);
                continue;
            }
            1 => delta = bits.varint()? as i64,
            _ => delta = delta.wrapping_add(double_delta(&mut bits)?),
        }
        time = time.wrapping_add(delta);
        let value = bits.xor(&mut state)?;
        columns.push(time, value);
    }
    Ok(())
}
