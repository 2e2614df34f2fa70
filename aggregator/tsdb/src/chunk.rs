//! Chunks as the head and the blocks keep them: a column of times, and a payload beside it.
//!
//! Times and payload are apart because series that are scraped together have the same times,
//! which are then kept once. A payload is a kind byte, then, if the kind says so, the length of the
//! start timestamps and those, then floats or histograms. Their bytes are those of `codec::chunk`.

use std::sync::Arc;

use codec::{
    chunk::{self, ChunkError, Scratch, Zone},
    varint,
};
use model::histogram::Histogram;

use crate::samples::{Column, Samples};

/// Bits of the kind byte.
const HISTOGRAMS: u8 = 1;
const STARTS: u8 = 2;

/// Appends the payload of float samples and says what a directory keeps of them.
pub(crate) fn encode_floats(
    column: &Column<f64>,
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<Zone, ChunkError> {
    encode_starts(0, &column.starts, &column.times, out, scratch)?;
    chunk::encode_values(&column.values, out, scratch)
}

/// Appends the payload of float samples without start timestamps.
pub(crate) fn encode_plain(
    values: &[f64],
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<Zone, ChunkError> {
    out.push(0);
    chunk::encode_values(values, out, scratch)
}

/// Appends the payload of histogram samples. [`ChunkError::Cells`] asks for fewer at a time.
pub(crate) fn encode_histograms(
    column: &Column<Arc<Histogram>>,
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<(), ChunkError> {
    encode_starts(HISTOGRAMS, &column.starts, &column.times, out, scratch)?;
    chunk::encode_histograms(&column.values, out, scratch)
}

fn encode_starts(
    kind: u8,
    starts: &[i64],
    times: &[i64],
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<(), ChunkError> {
    if starts.iter().all(|start| *start == 0) {
        out.push(kind);
        return Ok(());
    }
    let mut encoded = Vec::new();
    chunk::encode_starts(starts, times, &mut encoded, scratch)?;
    out.push(kind | STARTS);
    varint::put_u64(out, encoded.len() as u64);
    out.extend_from_slice(&encoded);
    Ok(())
}

/// Appends the samples of a chunk. After an error `out` has to be thrown away.
pub(crate) fn decode(times: &[i64], payload: &[u8], out: &mut Samples) -> Result<(), ChunkError> {
    let (&kind, mut rest) = payload.split_first().ok_or(ChunkError::Truncated)?;
    if kind & !(HISTOGRAMS | STARTS) != 0 {
        return Err(ChunkError::Invalid("kind"));
    }
    let mut starts = None;
    if kind & STARTS != 0 {
        let length = varint::take_u64(&mut rest).ok_or(ChunkError::Truncated)?;
        let length = usize::try_from(length).map_err(|_| ChunkError::Truncated)?;
        let (bytes, tail) = rest.split_at_checked(length).ok_or(ChunkError::Truncated)?;
        starts = Some(bytes);
        rest = tail;
    }
    if kind & HISTOGRAMS == 0 {
        chunk::decode_values(rest, times.len(), &mut out.floats.values)?;
        decode_starts(starts, times, &mut out.floats)
    } else {
        chunk::decode_histograms(rest, times.len(), &mut out.histograms.values)?;
        decode_starts(starts, times, &mut out.histograms)
    }
}

/// Appends the values of a chunk of floats without start timestamps. False, with something or
/// nothing appended, when it is another one or damaged.
pub(crate) fn decode_plain(payload: &[u8], count: usize, out: &mut Vec<f64>) -> bool {
    let Some((0, values)) = payload.split_first() else { return false };
    chunk::decode_values(values, count, out).is_ok()
}

fn decode_starts<V>(
    starts: Option<&[u8]>,
    times: &[i64],
    column: &mut Column<V>,
) -> Result<(), ChunkError> {
    if let Some(starts) = starts {
        column.starts.resize(column.times.len(), 0);
        chunk::decode_starts(starts, times, &mut column.starts)?;
    } else if !column.starts.is_empty() {
        column.starts.resize(column.times.len() + times.len(), 0);
    }
    column.times.extend_from_slice(times);
    Ok(())
}

#[cfg(test)]
mod tests;
