//! How values changed: the XOR of their bits, of which only some bytes are kept.
//!
//! Between two ticks the sign and most of the exponent stay, and the low bits of short numbers are
//! zero before and after. A code of four bits says how many bytes are left out in front, and how many
//! follow; the rest is zero. All codes come first, so that reading them does not wait for the bytes.

use super::FrameError;

/// Bytes left out in front, and bytes kept, by code.
const CODES: [(u8, u8); 16] = [
    (0, 2),
    (0, 4),
    (0, 6),
    (0, 8),
    (1, 1),
    (1, 2),
    (1, 3),
    (1, 4),
    (1, 5),
    (1, 7),
    (2, 1),
    (2, 2),
    (2, 3),
    (2, 4),
    (2, 5),
    (2, 6),
];

/// What a reader needs of a code.
#[derive(Clone, Copy)]
struct Code {
    mask: u64,
    shift: u32,
    length: u32,
}

const READ: [Code; 16] = {
    let mut read = [Code { mask: 0, shift: 0, length: 0 }; 16];
    let mut code = 0;
    while code < 16 {
        let (skipped, length) = CODES[code];
        read[code] = Code {
            mask: u64::MAX >> (64 - 8 * length as u32),
            shift: 8 * skipped as u32,
            length: length as u32,
        };
        code += 1;
    }
    read
};

/// Bytes of two changes, by the byte of their codes.
const PAIRS: [u8; 256] = {
    let mut pairs = [0; 256];
    let mut codes = 0;
    while codes < 256 {
        pairs[codes] = CODES[codes % 16].1 + CODES[codes / 16].1;
        codes += 1;
    }
    pairs
};

fn length_of(codes: &[u8]) -> usize {
    codes.iter().map(|codes| usize::from(PAIRS[usize::from(*codes)])).sum()
}

/// The shortest code by the first byte that is not zero (0, 1, and 2 for all others) and the last.
const WRITE: [[u8; 8]; 3] = {
    let mut write = [[0; 8]; 3];
    let mut first = 0;
    while first < 3 {
        let mut last = 0;
        while last < 8 {
            let mut code = 16;
            while code > 0 {
                code -= 1;
                let (skipped, length) = CODES[code];
                if skipped as usize == first && (skipped + length) as usize > last {
                    write[first][last] = code as u8;
                }
            }
            last += 1;
        }
        first += 1;
    }
    write
};

fn code_of(change: u64) -> u8 {
    let first = (change.leading_zeros() / 8).min(2);
    let last = 7 - (change.trailing_zeros() / 8).min(7);
    WRITE[first as usize][last as usize]
}

/// Appends `count` changes, of which none is zero.
pub(super) fn put_changes(count: usize, changes: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    let codes = out.len();
    let mut at = codes + count.div_ceil(2);
    // Each change is written whole; the next overwrites what is too much.
    out.resize(at + 8 * count, 0);
    for (number, change) in changes.enumerate() {
        let code = code_of(change);
        out[codes + number / 2] |= code << (4 * (number % 2));
        let Code { shift, length, .. } = READ[usize::from(code)];
        out[at..at + 8].copy_from_slice(&(change << shift).to_be_bytes());
        at += length as usize;
    }
    out.truncate(at);
}

/// Reads changes whose length has been checked.
pub(super) struct Changes<'a> {
    codes: &'a [u8],
    bytes: &'a [u8],
    number: usize,
}

impl<'a> Changes<'a> {
    /// `input` has to hold exactly `count` changes.
    pub(super) fn new(input: &'a [u8], count: usize) -> Result<Self, FrameError> {
        let split = input.split_at_checked(count.div_ceil(2));
        let (codes, bytes) = split.ok_or(FrameError::Truncated)?;
        let mut length = length_of(codes);
        if !count.is_multiple_of(2) {
            if codes.last().is_some_and(|last| last >> 4 != 0) {
                return Err(FrameError::Invalid("padding"));
            }
            length -= READ[0].length as usize;
        }
        match length.cmp(&bytes.len()) {
            std::cmp::Ordering::Equal => Ok(Self { codes, bytes, number: 0 }),
            std::cmp::Ordering::Greater => Err(FrameError::Truncated),
            std::cmp::Ordering::Less => Err(FrameError::Invalid("length")),
        }
    }

    /// Goes forward to a change by its number.
    pub(super) fn seek(&mut self, number: usize) {
        if self.number < number && self.number % 2 == 1 {
            self.next();
        }
        if self.number < number {
            let pairs = self.codes.get(self.number / 2..number / 2).unwrap_or_default();
            self.bytes = self.bytes.get(length_of(pairs)..).unwrap_or_default();
            self.number = number / 2 * 2;
        }
        if self.number < number {
            self.next();
        }
    }

    /// The next change; zero behind the last.
    #[inline(always)]
    pub(super) fn next(&mut self) -> u64 {
        let codes = self.codes.get(self.number / 2).copied().unwrap_or(0);
        let code = codes >> (4 * (self.number % 2)) & 15;
        self.number += 1;
        let Code { mask, shift, length } = READ[usize::from(code)];
        let word = match self.bytes.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => last_word(self.bytes),
        };
        self.bytes = self.bytes.get(length as usize..).unwrap_or_default();
        (word & mask).swap_bytes() >> shift
    }
}

/// Fewer than eight bytes as a little-endian word.
#[cold]
fn last_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}
