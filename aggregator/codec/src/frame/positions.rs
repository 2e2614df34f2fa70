//! Which values of a row changed: none, all, those of a bitmap, or those of a list.

use crate::varint;

use super::FrameError;

const NONE: u8 = 0;
const ALL: u8 = 1;
const BITMAP: u8 = 2;
const LIST: u8 = 3;

/// The shortest form: a list takes at least a byte for each change.
pub(super) fn form(changed: usize, length: usize) -> u8 {
    if changed == 0 {
        NONE
    } else if changed == length {
        ALL
    } else if changed < length / 8 {
        LIST
    } else {
        BITMAP
    }
}

/// Appends where the changes that are not zero are.
pub(super) fn put(form: u8, count: usize, changes: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    if form == BITMAP {
        let mut byte = 0;
        let mut bits = 0;
        for change in changes {
            byte |= u8::from(change != 0) << bits;
            bits += 1;
            if bits == 8 {
                out.push(byte);
                (byte, bits) = (0, 0);
            }
        }
        if bits > 0 {
            out.push(byte);
        }
    } else if form == LIST {
        varint::put_u64(out, count as u64);
        let mut next = 0;
        for (at, _) in changes.enumerate().filter(|(_, change)| *change != 0) {
            varint::put_u64(out, (at - next) as u64);
            next = at + 1;
        }
    }
}

/// Positions that are known to lie within the row.
pub(super) enum Positions<'a> {
    All(usize),
    Bitmap {
        bytes: &'a [u8],
        count: usize,
    },
    /// Varints of the distances.
    List {
        bytes: &'a [u8],
        count: usize,
    },
}

impl<'a> Positions<'a> {
    /// Takes the positions in a row of some length off the front.
    pub(super) fn take(form: u8, length: usize, input: &mut &'a [u8]) -> Result<Self, FrameError> {
        match form {
            NONE => Ok(Self::List { bytes: &[], count: 0 }),
            ALL => Ok(Self::All(length)),
            BITMAP => {
                let split = input.split_at_checked(length.div_ceil(8));
                let (bytes, rest) = split.ok_or(FrameError::Truncated)?;
                *input = rest;
                let used = length % 8;
                if used > 0 && bytes.last().is_some_and(|last| last >> used != 0) {
                    return Err(FrameError::Invalid("bitmap"));
                }
                let (words, tail) = bytes.as_chunks::<8>();
                let ones = words.iter().map(|word| u64::from_le_bytes(*word).count_ones());
                let tail = tail.iter().map(|byte| byte.count_ones());
                Ok(Self::Bitmap { bytes, count: ones.chain(tail).sum::<u32>() as usize })
            }
            _ => {
                let count = varint::take_u64(input).ok_or(FrameError::Truncated)?;
                let mut next = 0u64;
                let bytes = *input;
                for _ in 0..count {
                    let gap = varint::take_u64(input).ok_or(FrameError::Truncated)?;
                    // At most `length` rounds, as each passes one place.
                    next = next
                        .checked_add(gap)
                        .filter(|at| *at < length as u64)
                        .ok_or(FrameError::Invalid("position"))?
                        + 1;
                }
                let bytes = bytes.get(..bytes.len() - input.len()).unwrap_or_default();
                Ok(Self::List { bytes, count: count as usize })
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::All(count) | Self::Bitmap { count, .. } | Self::List { count, .. } => *count,
        }
    }

    /// Calls `change` for each of the values in order.
    #[inline(always)]
    pub(super) fn visit(&self, row: &mut [u64], mut change: impl FnMut(&mut u64)) {
        match self {
            Self::All(_) => row.iter_mut().for_each(change),
            Self::Bitmap { bytes, .. } => {
                for (number, values) in row.chunks_mut(64).enumerate() {
                    let mut word = word(bytes, number);
                    while word != 0 {
                        if let Some(value) = values.get_mut(word.trailing_zeros() as usize) {
                            change(value);
                        }
                        word &= word - 1;
                    }
                }
            }
            Self::List { bytes, .. } => {
                let (mut bytes, mut next) = (*bytes, 0);
                while let Some(gap) = varint::take_u64(&mut bytes) {
                    let at = next + gap as usize;
                    if let Some(value) = row.get_mut(at) {
                        change(value);
                    }
                    next = at + 1;
                }
            }
        }
    }

    /// Calls `change` for each of the values at `wanted`, ascending, that changed: with its place in
    /// `wanted`, and how many changes come before its own.
    pub(super) fn visit_some(&self, wanted: &[u32], mut change: impl FnMut(usize, usize)) {
        let wanted = wanted.iter().map(|at| *at as usize).enumerate();
        match self {
            Self::All(length) => {
                wanted.filter(|(_, at)| at < length).for_each(|(place, at)| change(place, at));
            }
            Self::Bitmap { bytes, .. } => {
                // How many bits are set before the word that is being looked at.
                let (mut number, mut ones) = (0, 0);
                for (place, at) in wanted {
                    while number < at / 64 {
                        ones += word(bytes, number).count_ones() as usize;
                        number += 1;
                    }
                    let (word, bit) = (word(bytes, number), 1 << (at % 64));
                    if word & bit != 0 {
                        change(place, ones + (word & (bit - 1)).count_ones() as usize);
                    }
                }
            }
            Self::List { bytes, .. } => {
                let (mut bytes, mut next, mut rank) = (*bytes, 0, 0);
                let mut wanted = wanted.peekable();
                while let Some(gap) = varint::take_u64(&mut bytes) {
                    let changed = next + gap as usize;
                    while wanted.next_if(|(_, at)| *at < changed).is_some() {}
                    if let Some((place, _)) = wanted.next_if(|(_, at)| *at == changed) {
                        change(place, rank);
                    }
                    (next, rank) = (changed + 1, rank + 1);
                }
            }
        }
    }
}

/// 64 bits of a bitmap, zeros where it has ended.
fn word(bytes: &[u8], number: usize) -> u64 {
    let rest = bytes.get(number * 8..).unwrap_or_default();
    match rest.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}
