//! Values that do not fit the form of their chunk: staleness markers, other NaNs, infinities,
//! -0.0 and whatever has too many digits, kept aside bit for bit.

use model::columns::STALE_NAN_BITS;

use crate::varint::{put_u64, take_u64};

use super::{ChunkError, block::take};

/// What Prometheus' clients send for "not a number".
const ORDINARY_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// The two lowest bits of an entry say what the value is.
const STALE: u64 = 0;
const ORDINARY_NAN: u64 = 1;
const SAME: u64 = 2;
const BITS: u64 = 3;

/// Positions and bits, in order of position.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    entries: Vec<(usize, u64)>,
    unusual: usize,
}

impl Exceptions {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.unusual = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many are neither NaN nor infinite: those that another form might hold.
    pub(super) fn unusual(&self) -> usize {
        self.unusual
    }

    /// Sets a value aside, and in its place repeats the last integer, which costs least.
    pub(super) fn push(&mut self, position: usize, value: f64, integers: &mut Vec<i64>) {
        self.entries.push((position, value.to_bits()));
        self.unusual += usize::from(value.is_finite());
        integers.push(integers.last().copied().unwrap_or(0));
    }

    /// Puts the first true integer in place of leading exceptions.
    pub(super) fn fill_leading(&self, integers: &mut [i64]) {
        let leading =
            self.entries.iter().enumerate().take_while(|(number, (at, _))| number == at).count();
        if let Some(&integer) = integers.get(leading) {
            integers[..leading].fill(integer);
        }
    }

    /// Appends the entries, last first, for a chunk ends with a staleness marker more often than it
    /// has one elsewhere. `count` is the number of values.
    pub(super) fn write(&self, count: usize, out: &mut Vec<u8>) {
        put_u64(out, self.entries.len() as u64);
        let (mut end, mut last) = (count, None);
        for &(position, bits) in self.entries.iter().rev() {
            let gap = ((end - 1 - position) as u64) << 2;
            end = position;
            match bits {
                STALE_NAN_BITS => put_u64(out, gap | STALE),
                ORDINARY_NAN_BITS => put_u64(out, gap | ORDINARY_NAN),
                _ if last == Some(bits) => put_u64(out, gap | SAME),
                _ => {
                    put_u64(out, gap | BITS);
                    out.extend_from_slice(&bits.to_le_bytes());
                    last = Some(bits);
                }
            }
        }
    }
}

/// Entries still to be read. They have been checked, so that they can be applied after the values
/// have been decoded.
#[derive(Debug)]
pub(super) struct Encoded<'a> {
    entries: &'a [u8],
}

/// Takes the entries for `count` values off the front.
pub(super) fn take_exceptions<'a>(
    input: &mut &'a [u8],
    count: usize,
) -> Result<Encoded<'a>, ChunkError> {
    let entries = take_u64(input).ok_or(ChunkError::Truncated)?;
    if entries == 0 || entries > count as u64 {
        return Err(ChunkError::Invalid("exception count"));
    }
    let start = *input;
    let mut end = count as u64;
    let mut have_last = false;
    for _ in 0..entries {
        let entry = take_u64(input).ok_or(ChunkError::Truncated)?;
        end = (entry >> 2)
            .checked_add(1)
            .and_then(|step| end.checked_sub(step))
            .ok_or(ChunkError::Invalid("exception position"))?;
        match entry & 3 {
            BITS => {
                take(input, 8)?;
                have_last = true;
            }
            SAME if !have_last => return Err(ChunkError::Invalid("exception value")),
            _ => {}
        }
    }
    Ok(Encoded { entries: &start[..start.len() - input.len()] })
}

impl Encoded<'_> {
    /// Puts the exceptions in their places.
    pub(super) fn apply(&self, values: &mut [f64]) {
        let mut input = self.entries;
        let (mut end, mut last) = (values.len(), 0);
        while let Some(entry) = take_u64(&mut input) {
            end = end.wrapping_sub((entry >> 2) as usize + 1);
            let bits = match entry & 3 {
                STALE => STALE_NAN_BITS,
                ORDINARY_NAN => ORDINARY_NAN_BITS,
                SAME => last,
                _ => {
                    let bits = take(&mut input, 8).ok().and_then(<[u8]>::first_chunk);
                    last = bits.map_or(0, |bits| u64::from_le_bytes(*bits));
                    last
                }
            };
            if let Some(value) = values.get_mut(end) {
                *value = f64::from_bits(bits);
            }
        }
    }
}

#[cfg(test)]
mod tests;
