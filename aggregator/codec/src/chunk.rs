//! Typed, bit-packed, bit-exact chunks of samples.
//!
//! A chunk holds 1 to [`MAX_COUNT`] samples of one column: values, times, start timestamps or
//! native histograms. It does not say how many samples it holds nor how long it is: its directory
//! does. Encoding picks the cheapest of several forms (`FORMAT.md` documents their bytes); decoding
//! gives back the same bits, for every NaN payload, -0.0 and subnormal. Bytes that no encoder wrote
//! give an error or some samples, never a panic, and never more than the samples asked for.

use std::sync::Arc;

use model::histogram::Histogram;

use integers::encode::{Kind, encode as encode_integers};

pub use zone::Zone;

mod bits;
mod block;
mod decimal;
mod exceptions;
mod histograms;
mod integers;
mod plan;
mod runs;
mod starts;
mod values;
mod zone;

/// The most samples in one chunk.
pub const MAX_COUNT: usize = 4096;

/// The most buckets, spans and custom bounds in all histograms of one chunk, counted as they are in
/// memory after decoding (8 bytes each).
pub const MAX_HISTOGRAM_CELLS: usize = 1 << 21;

/// Why a chunk cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("a chunk holds 1 to {MAX_COUNT} samples, not {0}")]
    Count(usize),
    #[error("a chunk of histograms holds at most {MAX_HISTOGRAM_CELLS} buckets, spans and bounds")]
    Cells,
    #[error("a chunk of start timestamps needs one time per start, not {times} for {starts}")]
    Times { times: usize, starts: usize },
    #[error("the chunk is cut short")]
    Truncated,
    #[error("{0} bytes are left over behind the chunk")]
    Trailing(usize),
    #[error("the chunk has an invalid {0}")]
    Invalid(&'static str),
}

/// Working memory of the encoders, to be reused between chunks.
#[derive(Debug, Default)]
pub struct Scratch(values::Scratch);

fn check_count(count: usize) -> Result<(), ChunkError> {
    if (1..=MAX_COUNT).contains(&count) { Ok(()) } else { Err(ChunkError::Count(count)) }
}

/// The whole of the input must have been read.
fn check_end(input: &[u8]) -> Result<(), ChunkError> {
    if input.is_empty() { Ok(()) } else { Err(ChunkError::Trailing(input.len())) }
}

/// Appends a chunk of values to `out`. The only error is [`ChunkError::Count`].
pub fn encode_values(
    values: &[f64],
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<Zone, ChunkError> {
    check_count(values.len())?;
    let zone = Zone::of(values).ok_or(ChunkError::Count(0))?;
    values::encode(values, &mut scratch.0, out);
    Ok(zone)
}

/// Appends the `count` values of a chunk to `out`; after an error `out` is as it was.
/// `bytes` is the whole chunk and nothing else.
pub fn decode_values(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), ChunkError> {
    check_count(count)?;
    let start = out.len();
    let mut input = bytes;
    values::decode(&mut input, count, out)?;
    check_end(input).inspect_err(|_| out.truncate(start))
}

/// Appends a chunk of timestamps in milliseconds to `out`. Any integers in any order come back;
/// regular ones are cheap. The only error is [`ChunkError::Count`].
pub fn encode_times(
    times: &[i64],
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<(), ChunkError> {
    check_count(times.len())?;
    encode_integers(times, Kind::Clock, &mut scratch.0.integers, out);
    Ok(())
}

/// Appends the `count` timestamps of a chunk to `out`; after an error `out` is as it was.
pub fn decode_times(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> Result<(), ChunkError> {
    check_count(count)?;
    fill(bytes, count, out, integers::decode)
}

/// Appends a chunk of start timestamps in milliseconds (0 where unknown) to `out`. `times` are the
/// times of the same samples, which often tell the starts.
/// The errors are [`ChunkError::Count`] and [`ChunkError::Times`].
pub fn encode_starts(
    starts: &[i64],
    times: &[i64],
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<(), ChunkError> {
    check_count(starts.len())?;
    if starts.len() != times.len() {
        return Err(ChunkError::Times { times: times.len(), starts: starts.len() });
    }
    starts::encode(starts, times, &mut scratch.0.integers, out);
    Ok(())
}

/// Appends one start timestamp for each of `times` to `out`; after an error `out` is as it was.
pub fn decode_starts(bytes: &[u8], times: &[i64], out: &mut Vec<i64>) -> Result<(), ChunkError> {
    check_count(times.len())?;
    fill(bytes, times.len(), out, |input, starts| starts::decode(input, times, starts))
}

/// Appends `count` integers to `out` and lets `decode` set them; takes them back after an error.
fn fill(
    bytes: &[u8],
    count: usize,
    out: &mut Vec<i64>,
    decode: impl FnOnce(&mut &[u8], &mut [i64]) -> Result<(), ChunkError>,
) -> Result<(), ChunkError> {
    let start = out.len();
    out.resize(start + count, 0);
    let mut input = bytes;
    decode(&mut input, &mut out[start..])
        .and_then(|()| check_end(input))
        .inspect_err(|_| out.truncate(start))
}

/// Appends a chunk of native histograms to `out`. They need not be valid: whatever is given comes
/// back. The errors are [`ChunkError::Count`] and [`ChunkError::Cells`]; after the latter, try
/// with fewer samples.
pub fn encode_histograms(
    histograms: &[Arc<Histogram>],
    out: &mut Vec<u8>,
    scratch: &mut Scratch,
) -> Result<(), ChunkError> {
    check_count(histograms.len())?;
    histograms::encode(histograms, &mut scratch.0, out)
}

/// Appends the `count` histograms of a chunk to `out`; after an error `out` is as it was.
pub fn decode_histograms(
    bytes: &[u8],
    count: usize,
    out: &mut Vec<Arc<Histogram>>,
) -> Result<(), ChunkError> {
    check_count(count)?;
    let mut input = bytes;
    let histograms = histograms::decode(&mut input, count)?;
    check_end(input)?;
    out.extend(histograms);
    Ok(())
}

#[cfg(test)]
mod tests;
