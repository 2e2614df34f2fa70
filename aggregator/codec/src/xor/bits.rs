//! Bit streams, most significant bit first, and the numbers of variable width that they hold.

use super::ChunkError;

/// Widths of a number behind its prefix: one bit set more for each step, then a clear one; the last
/// prefix is eight bits set. A clear bit alone is zero.
const WIDTHS: [u32; 8] = [3, 6, 9, 12, 18, 25, 56, 64];

/// Leading zeros are written in five bits.
const LEADING_MAX: u32 = 31;

/// Appends bits to bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
    /// Bits that are no whole byte yet, in the lowest `filled` ones.
    pending: u64,
    filled: u32,
}

impl Writer {
    /// A stream behind some whole bytes.
    pub(super) fn after(bytes: &[u8]) -> Self {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(bytes);
        Self { out, ..Self::default() }
    }

    /// Whole bytes so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// The lowest `width` bits, at most 64.
    pub(super) fn put(&mut self, value: u64, width: u32) {
        if width > 32 {
            self.put_short(value >> 32, width - 32);
            self.put_short(value, 32);
        } else {
            self.put_short(value, width);
        }
    }

    fn put_short(&mut self, value: u64, width: u32) {
        self.pending = self.pending << width | value & ((1 << width) - 1);
        self.filled += width;
        while self.filled >= 8 {
            self.filled -= 8;
            self.out.push((self.pending >> self.filled) as u8);
        }
    }

    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.put((*byte).into(), 8));
    }

    /// A signed number in as few bits as its size needs.
    pub(super) fn put_signed(&mut self, value: i64) {
        if value == 0 {
            return self.put(0, 1);
        }
        let step = WIDTHS.iter().position(|width| fits(value, *width));
        self.put_prefixed(value as u64, step);
    }

    pub(super) fn put_unsigned(&mut self, value: u64) {
        if value == 0 {
            return self.put(0, 1);
        }
        let needed = u64::BITS - value.leading_zeros();
        let step = WIDTHS.iter().position(|width| needed <= *width);
        self.put_prefixed(value, step);
    }

    fn put_prefixed(&mut self, value: u64, step: Option<usize>) {
        let step = step.unwrap_or(WIDTHS.len() - 1);
        let ones = step as u32 + 1;
        if step == WIDTHS.len() - 1 {
            self.put(0xff, 8);
        } else {
            self.put((1 << (ones + 1)) - 2, ones + 1);
        }
        self.put(value, WIDTHS.get(step).copied().unwrap_or(64));
    }

    /// A float as the difference to the one before it.
    pub(super) fn put_xor(&mut self, previous: &mut XorState, value: f64) {
        let difference = value.to_bits() ^ previous.value.to_bits();
        previous.value = value;
        if difference == 0 {
            return self.put(0, 1);
        }
        let leading = difference.leading_zeros().min(LEADING_MAX);
        let trailing = difference.trailing_zeros();
        match previous.window {
            Some((old_leading, old_trailing))
                if leading >= old_leading && trailing >= old_trailing =>
            {
                self.put(0b10, 2);
                self.put(difference >> old_trailing, 64 - old_leading - old_trailing);
            }
            _ => {
                previous.window = Some((leading, trailing));
                let width = 64 - leading - trailing;
                self.put(0b11, 2);
                self.put(leading.into(), 5);
                // A width of 64 does not fit and is written as 0, which no difference has.
                self.put(width.into(), 6);
                self.put(difference >> trailing, width);
            }
        }
    }

    /// The bytes; the last is filled up with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.put(0, 8 - self.filled);
        }
        self.out
    }
}

/// Whether a signed number fits into so many bits. The range is not that of two's complement: it
/// leaves the most negative number out and has one more positive one.
pub(super) fn fits(value: i64, width: u32) -> bool {
    if width >= 64 {
        return true;
    }
    let half = 1i64 << (width - 1);
    (1 - half..=half).contains(&value)
}

/// A float that is written again and again, with where its bits differed last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct XorState {
    pub(super) value: f64,
    /// Leading and trailing zeros of the last difference that was written in full.
    window: Option<(u32, u32)>,
}

impl XorState {
    pub(super) fn new(value: f64) -> Self {
        Self { value, window: None }
    }
}

/// Takes bits off bytes.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    pending: u64,
    filled: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, pending: 0, filled: 0 }
    }

    /// How many bits are left; more than that many things cannot follow.
    pub(super) fn bits_left(&self) -> usize {
        self.rest.len() * 8 + self.filled as usize
    }

    /// The next `width` bits, at most 64.
    pub(super) fn take(&mut self, width: u32) -> Result<u64, ChunkError> {
        if width > 32 {
            let high = self.take_short(width - 32)?;
            return Ok(high << 32 | self.take_short(32)?);
        }
        self.take_short(width)
    }

    fn take_short(&mut self, width: u32) -> Result<u64, ChunkError> {
        while self.filled < width {
            let (&byte, rest) = self.rest.split_first().ok_or(ChunkError::Short)?;
            self.rest = rest;
            self.pending = self.pending << 8 | u64::from(byte);
            self.filled += 8;
        }
        self.filled -= width;
        Ok(self.pending >> self.filled & ((1 << width) - 1))
    }

    pub(super) fn bit(&mut self) -> Result<bool, ChunkError> {
        self.take(1).map(|bit| bit == 1)
    }

    pub(super) fn double(&mut self) -> Result<f64, ChunkError> {
        self.take(64).map(f64::from_bits)
    }

    /// A LEB128 varint, which need not start at a byte.
    pub(super) fn varint(&mut self) -> Result<u64, ChunkError> {
        let mut value = 0;
        for position in 0..10 {
            let byte = self.take(8)?;
            if position == 9 && byte > 1 {
                break;
            }
            value |= (byte & 0x7f) << (7 * position);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ChunkError::Corrupt("a varint is longer than 64 bits"))
    }

    /// A signed number of a known width; see [`fits`].
    pub(super) fn take_signed(&mut self, width: u32) -> Result<i64, ChunkError> {
        let bits = self.take(width)?;
        if width < 64 && bits > 1 << (width - 1) {
            return Ok(bits.wrapping_sub(1 << width) as i64);
        }
        Ok(bits as i64)
    }

    /// The width that a prefix announces.
    fn prefixed_width(&mut self) -> Result<u32, ChunkError> {
        let mut ones = 0;
        while ones < WIDTHS.len() && self.bit()? {
            ones += 1;
        }
        Ok(ones.checked_sub(1).and_then(|step| WIDTHS.get(step).copied()).unwrap_or(0))
    }

    pub(super) fn signed(&mut self) -> Result<i64, ChunkError> {
        match self.prefixed_width()? {
            0 => Ok(0),
            width => self.take_signed(width),
        }
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, ChunkError> {
        let width = self.prefixed_width()?;
        self.take(width)
    }

    /// Reads what [`Writer::put_xor`] wrote into the state.
    pub(super) fn xor(&mut self, state: &mut XorState) -> Result<f64, ChunkError> {
        if !self.bit()? {
            return Ok(state.value);
        }
        let (leading, trailing) = if self.bit()? {
            let leading = self.take(5)? as u32;
            let width = match self.take(6)? as u32 {
                0 => 64,
                width => width,
            };
            let trailing = (64 - leading)
                .checked_sub(width)
                .ok_or(ChunkError::Corrupt("a value is wider than 64 bits"))?;
            state.window = Some((leading, trailing));
            (leading, trailing)
        } else {
            state.window.ok_or(ChunkError::Corrupt("a value refers to none before it"))?
        };
        let difference = self.take(64 - leading - trailing)? << trailing;
        state.value = f64::from_bits(state.value.to_bits() ^ difference);
        Ok(state.value)
    }
}

#[cfg(test)]
mod tests;
