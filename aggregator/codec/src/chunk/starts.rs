//! Chunks of start timestamps.
//!
//! A counter's start is the same until it is reset; that of a delta is the time of the sample
//! before.

use super::{
    ChunkError,
    block::take_byte,
    integers::{
        self,
        encode::{Kind, Scratch, encode as encode_integers},
    },
};

/// First byte: what the integers behind it are relative to.
const TO_ZERO: u8 = 0;
const TO_TIME_BEFORE: u8 = 1;

/// No other form would be shorter than this by enough to be tried.
const SHORT_LEN: usize = 16;

/// For each sample the time of the one before, for the first its own.
fn times_before(times: &[i64]) -> impl Iterator<Item = i64> {
    times.first().into_iter().chain(times).copied()
}

/// Appends a chunk; there are as many starts as times, at least one.
pub(super) fn encode(starts: &[i64], times: &[i64], scratch: &mut Scratch, out: &mut Vec<u8>) {
    let begin = out.len();
    out.push(TO_ZERO);
    encode_integers(starts, Kind::Clock, scratch, out);
    if out.len() - begin <= SHORT_LEN {
        return;
    }
    let relative: Vec<i64> = starts
        .iter()
        .zip(times_before(times))
        .map(|(start, before)| start.wrapping_sub(before))
        .collect();
    let mut candidate = vec![TO_TIME_BEFORE];
    encode_integers(&relative, Kind::Clock, scratch, &mut candidate);
    if candidate.len() < out.len() - begin {
        out.truncate(begin);
        out.extend_from_slice(&candidate);
    }
}

/// Takes a chunk off the front and fills `out`, which is as long as `times`.
pub(super) fn decode(input: &mut &[u8], times: &[i64], out: &mut [i64]) -> Result<(), ChunkError> {
    let form = take_byte(input)?;
    integers::decode(input, out)?;
    match form {
        TO_ZERO => Ok(()),
        TO_TIME_BEFORE => {
            for (start, before) in out.iter_mut().zip(times_before(times)) {
                *start = start.wrapping_add(before);
            }
            Ok(())
        }
        _ => Err(ChunkError::Invalid("start form")),
    }
}

#[cfg(test)]
mod tests;
