//! Repeats: a column that seldom changes is the values it changes to and how long each stays.

use crate::varint::{put_u64, take_u64};

use super::{
    ChunkError,
    bits::pack,
    block::take,
    integers::{
        self,
        encode::{Kind, Scratch},
    },
};

/// Runs of values with the same bits.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The value of each run.
    pub(super) values: Vec<f64>,
    /// How often each run but the last repeats its value: its length less one.
    repeats: Vec<i64>,
    packed: Vec<u8>,
}

/// How the lengths are written; the lowest bit of the varint that holds the number of runs.
const AS_BITMAP: u64 = 1;

impl Runs {
    pub(super) fn find(&mut self, values: &[f64]) {
        self.values.clear();
        self.repeats.clear();
        let mut begin = 0;
        for (position, pair) in values.windows(2).enumerate() {
            if pair[0].to_bits() != pair[1].to_bits() {
                self.values.push(pair[0]);
                self.repeats.push((position - begin) as i64);
                begin = position + 1;
            }
        }
        self.values.extend(values.last());
    }

    /// Appends the number of runs, which goes before the values.
    pub(super) fn write_count(&mut self, count: usize, scratch: &mut Scratch, out: &mut Vec<u8>) {
        self.packed.clear();
        integers::encode::encode(&self.repeats, Kind::Measurements, scratch, &mut self.packed);
        let bitmap_len = (count - 1).div_ceil(8);
        let form = if bitmap_len < self.packed.len() {
            self.packed.clear();
            // The last run ends with the column, which needs no bit.
            let ends = self.repeats.iter().flat_map(|repeats| {
                std::iter::repeat_n(0, *repeats as usize).chain(std::iter::once(1))
            });
            pack(ends, 1, &mut self.packed);
            self.packed.resize(bitmap_len, 0);
            AS_BITMAP
        } else {
            0
        };
        put_u64(out, (self.values.len() as u64) << 1 | form);
    }

    /// Appends the lengths, which go behind the values.
    pub(super) fn write_lengths(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.packed);
    }
}

/// The number of runs of a chunk and how their lengths are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) runs: usize,
    as_bitmap: bool,
}

/// Takes the number of runs off the front.
pub(super) fn take_count(input: &mut &[u8], count: usize) -> Result<Count, ChunkError> {
    let word = take_u64(input).ok_or(ChunkError::Truncated)?;
    let runs = usize::try_from(word >> 1).unwrap_or(usize::MAX);
    if (2..=count).contains(&runs) {
        Ok(Count { runs, as_bitmap: word & AS_BITMAP != 0 })
    } else {
        Err(ChunkError::Invalid("number of runs"))
    }
}

/// Takes the lengths off the front and fills `out` with as many copies of the value of each run.
/// `spare` is as long as `values`.
pub(super) fn spread(
    input: &mut &[u8],
    count: Count,
    values: &[f64],
    spare: &mut [f64],
    out: &mut [f64],
) -> Result<(), ChunkError> {
    if count.as_bitmap {
        let bitmap = take(input, (out.len() - 1).div_ceil(8))?;
        return spread_bitmap(bitmap, values, out);
    }
    let repeats = spare.get_mut(..count.runs - 1).unwrap_or_default();
    integers::decode(input, repeats)?;
    let mut rest = out;
    for (value, repeats) in values.iter().zip(repeats) {
        let repeats = repeats.to_bits();
        // Every run has at least one value; the last is what the others leave.
        if repeats.saturating_add(1) >= rest.len() as u64 {
            return Err(ChunkError::Invalid("run length"));
        }
        let len = repeats as usize + 1;
        // Most runs are short. Writing some values too many, which the next run overwrites, is
        // faster than telling how many are right.
        if let Some(head) = rest.first_chunk_mut::<SHORT>() {
            *head = [*value; SHORT];
        }
        let (run, behind) = rest.split_at_mut(len);
        if len > SHORT || behind.len() < SHORT {
            run.fill(*value);
        }
        rest = behind;
    }
    rest.fill(values.last().copied().unwrap_or_default());
    Ok(())
}

/// Values written at once.
const SHORT: usize = 4;

fn spread_bitmap(bitmap: &[u8], values: &[f64], out: &mut [f64]) -> Result<(), ChunkError> {
    let ends: usize = bitmap.iter().map(|byte| byte.count_ones() as usize).sum();
    let mut rest = values;
    let Some((head, tail)) = out.split_first_mut() else { return Ok(()) };
    let (true, Some((first, _))) = (ends + 1 == values.len(), rest.split_first()) else {
        return Err(ChunkError::Invalid("run bitmap"));
    };
    *head = *first;
    for (part, byte) in tail.chunks_mut(8).zip(bitmap) {
        for (bit, slot) in part.iter_mut().enumerate() {
            rest = &rest[usize::from(byte >> bit & 1)..];
            *slot = rest.first().copied().unwrap_or_default();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
