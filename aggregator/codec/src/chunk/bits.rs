//! Fixed-width bit packing: value `i` of width `w` lies in bits `i*w .. (i+1)*w`, the first bit
//! being the least significant of the first byte.
//!
//! Unpacking is one function per width, so that every shift and mask is a constant; it reads eight
//! values (`w` bytes) at a time with unaligned 8-byte loads.

/// A place for a decoded word. Decoders unpack and transform in the caller's vector whatever its
/// type, which spares a buffer and a copy.
pub(super) trait Slot: Copy + Default {
    fn of(word: u64) -> Self;
    fn word(self) -> u64;
}

impl Slot for i64 {
    fn of(word: u64) -> Self {
        word as Self
    }
    fn word(self) -> u64 {
        self as u64
    }
}

/// Holds the word as a bit pattern, not as a number.
impl Slot for f64 {
    fn of(word: u64) -> Self {
        Self::from_bits(word)
    }
    fn word(self) -> u64 {
        self.to_bits()
    }
}

/// How many bits the number needs.
pub(super) fn width(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()) as usize
}

/// How many bytes `count` values of `width` bits take.
pub(super) fn packed_len(count: usize, width: usize) -> usize {
    (count * width).div_ceil(8)
}

/// The lowest `width` bits set.
fn mask(width: usize) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Appends the lowest `width` bits (at most 64) of each value.
pub(super) fn pack(values: impl Iterator<Item = u64>, width: usize, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let mask = mask(width);
    let (mut pending, mut filled) = (0u64, 0);
    for value in values {
        let value = value & mask;
        pending |= value << filled;
        filled += width;
        if filled >= 64 {
            out.extend_from_slice(&pending.to_le_bytes());
            filled -= 64;
            pending = if filled == 0 { 0 } else { value >> (width - filled) };
        }
    }
    let rest = filled.div_ceil(8);
    out.extend(pending.to_le_bytes().iter().take(rest));
}

/// The 8 bytes at a position as a little-endian word, zeros where the bytes have ended.
fn load(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or(&[]);
    if let Some(chunk) = rest.first_chunk() {
        return u64::from_le_bytes(*chunk);
    }
    rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// One value of `width` bits (at most 64), at a bit position.
pub(super) fn peek(bytes: &[u8], bit: usize, width: usize) -> u64 {
    let (at, shift) = (bit / 8, bit % 8);
    let mut value = load(bytes, at) >> shift;
    if shift + width > 64 {
        let beyond = bytes.get(at + 8).copied().unwrap_or(0);
        value |= u64::from(beyond) << (64 - shift);
    }
    value & mask(width)
}

/// Fills `out` with values of `width` bits (at most 64). Bytes behind the end count as zeros;
/// callers check [`packed_len`] first.
pub(super) fn unpack<T: Slot>(bytes: &[u8], width: usize, out: &mut [T]) {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                0 => out.fill(T::of(0)),
                $($width => unpack_const::<$width, T>(bytes, out),)*
                _ => unpack_const::<64, T>(bytes, out),
            }
        };
    }
    by_width!(
         1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
    );
}

/// The bytes of a group of eight values and the 8 more that the last load may touch.
const fn window_len(width: usize) -> usize {
    width + 8
}

fn unpack_const<const WIDTH: usize, T: Slot>(bytes: &[u8], out: &mut [T]) {
    let (groups, rest) = out.as_chunks_mut::<8>();
    // Groups whose window lies inside the bytes; what follows is read from a padded copy.
    let inside = (bytes.len().saturating_sub(8) / WIDTH).min(groups.len());
    let (fast, slow) = groups.split_at_mut(inside);
    for (number, group) in fast.iter_mut().enumerate() {
        if let Some(window) = bytes.get(number * WIDTH..number * WIDTH + window_len(WIDTH)) {
            unpack_group::<WIDTH, T>(window, group);
        }
    }
    let mut at = inside * WIDTH;
    let mut last = [T::default(); 8];
    for group in slow {
        unpack_group::<WIDTH, T>(&padded(bytes, at)[..window_len(WIDTH)], group);
        at += WIDTH;
    }
    if !rest.is_empty() {
        unpack_group::<WIDTH, T>(&padded(bytes, at)[..window_len(WIDTH)], &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// The bytes from a position on with zeros behind them, enough for one group of any width.
fn padded(bytes: &[u8], at: usize) -> [u8; window_len(64)] {
    let mut window = [0; window_len(64)];
    let rest = bytes.get(at..).unwrap_or(&[]);
    let len = rest.len().min(window.len());
    window[..len].copy_from_slice(&rest[..len]);
    window
}

#[inline(always)]
fn unpack_group<const WIDTH: usize, T: Slot>(window: &[u8], group: &mut [T; 8]) {
    let window = &window[..window_len(WIDTH)];
    for (number, slot) in group.iter_mut().enumerate() {
        let bit = number * WIDTH;
        let (at, shift) = (bit / 8, bit % 8);
        let mut word = [0; 8];
        word.copy_from_slice(&window[at..at + 8]);
        let mut value = u64::from_le_bytes(word) >> shift;
        if shift + WIDTH > 64 {
            value |= u64::from(window[at + 8]) << (64 - shift);
        }
        *slot = T::of(value & mask(WIDTH));
    }
}

#[cfg(test)]
mod tests;
