//! Blocks: runs of small unsigned numbers, each with its own width.
//!
//! Every number of a block has its lowest `width` bits packed. What does not fit ("high part",
//! the number shifted right by `width`) follows in the form that is cheapest for its frequency:
//! a list of positions (a few outliers), a bitmap (many), or unary for every number (Rice codes).
//! The idea of patching outliers is that of PFOR (Zukowski et al., "Super-scalar RAM-CPU cache
//! compression", ICDE 2006) and the unary form is Golomb-Rice coding with both halves kept apart.

use super::{
    ChunkError,
    bits::{Slot, pack, packed_len, peek, unpack, width},
    plan::{Form, Plan, Widths},
};

/// Numbers in the smallest block; block sizes are this times a power of two.
pub(super) const UNIT: usize = 64;

/// The largest power: blocks of up to 1,024 numbers.
pub(super) const MAX_SIZE_LOG: u8 = 4;

/// Header byte of a block packed at 64 bits.
const FULL_WIDTH: u8 = 0xff;

/// Appends numbers in blocks of `UNIT << size_log`. `widths` has one histogram for each
/// [`UNIT`] of them.
pub(super) fn write_all(numbers: &[u64], widths: &[Widths], size_log: u8, out: &mut Vec<u8>) {
    let units = 1 << size_log;
    for (block, parts) in numbers.chunks(UNIT * units).zip(widths.chunks(units)) {
        let plan = Widths::sum(parts).plan(block.len());
        write(block, plan, out);
    }
}

fn write(block: &[u64], plan: Plan, out: &mut Vec<u8>) {
    let start = out.len();
    write_form(block, plan.form, out);
    // The length of the unary form is estimated; what was second best may turn out shorter.
    if matches!(plan.form, Form::Unary { .. }) && out.len() - start > plan.other_len {
        out.truncate(start);
        write_form(block, plan.other, out);
    }
}

fn write_form(block: &[u64], form: Form, out: &mut Vec<u8>) {
    let low = form.low_width();
    let header = match form {
        Form::Packed { width: 64 } => FULL_WIDTH,
        Form::Packed { .. } => low as u8,
        Form::List { .. } => 0x40 | low as u8,
        Form::Bitmap { .. } => 0x80 | low as u8,
        Form::Unary { .. } => 0xc0 | low as u8,
    };
    out.push(header);
    match form {
        Form::Packed { .. } => pack(block.iter().copied(), low, out),
        Form::List { full, .. } => {
            let outliers = || block.iter().enumerate().filter(|(_, number)| **number >> low != 0);
            out.push((full - low) as u8);
            out.push(outliers().count() as u8);
            pack(block.iter().copied(), low, out);
            pack(outliers().map(|(position, _)| position as u64), position_width(block.len()), out);
            pack(outliers().map(|(_, number)| number >> low), full - low, out);
        }
        Form::Bitmap { full, .. } => {
            out.push((full - low) as u8);
            pack(block.iter().copied(), low, out);
            pack(block.iter().map(|number| u64::from(number >> low != 0)), 1, out);
            pack(
                block.iter().map(|number| number >> low).filter(|high| *high != 0),
                full - low,
                out,
            );
        }
        Form::Unary { .. } => {
            pack(block.iter().copied(), low, out);
            write_unary(block.iter().map(|number| number >> low), out);
        }
    }
}

/// For each number that many zero bits and a one bit.
fn write_unary(numbers: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    let (mut pending, mut filled) = (0u64, 0u64);
    for number in numbers {
        filled += number;
        while filled >= 64 {
            out.extend_from_slice(&pending.to_le_bytes());
            (pending, filled) = (0, filled - 64);
        }
        pending |= 1 << filled;
        filled += 1;
        if filled == 64 {
            out.extend_from_slice(&pending.to_le_bytes());
            (pending, filled) = (0, 0);
        }
    }
    out.extend(pending.to_le_bytes().iter().take(filled.div_ceil(8) as usize));
}

/// Bits of a position in a block.
fn position_width(len: usize) -> usize {
    width(len.saturating_sub(1) as u64)
}

/// Takes blocks of `UNIT << size_log` numbers off the front until `out` is full.
pub(super) fn read_all<T: Slot>(
    input: &mut &[u8],
    size_log: u8,
    out: &mut [T],
) -> Result<(), ChunkError> {
    out.chunks_mut(UNIT << size_log).try_for_each(|block| read(input, block))
}

fn read<T: Slot>(input: &mut &[u8], block: &mut [T]) -> Result<(), ChunkError> {
    let header = take_byte(input)?;
    if header == FULL_WIDTH {
        return read_low(input, 64, block);
    }
    let low = usize::from(header & 0x3f);
    match header >> 6 {
        0 => read_low(input, low, block),
        1 => {
            let high = high_width(take_byte(input)?, low)?;
            let count = usize::from(take_byte(input)?);
            read_low(input, low, block)?;
            read_list(input, count, low, high, block)
        }
        2 => {
            let high = high_width(take_byte(input)?, low)?;
            read_low(input, low, block)?;
            read_bitmap(input, low, high, block)
        }
        _ => {
            read_low(input, low, block)?;
            read_unary(input, low, block)
        }
    }
}

fn high_width(byte: u8, low: usize) -> Result<usize, ChunkError> {
    let high = usize::from(byte);
    if high == 0 || low + high > 64 { Err(ChunkError::Invalid("block width")) } else { Ok(high) }
}

fn read_low<T: Slot>(input: &mut &[u8], width: usize, block: &mut [T]) -> Result<(), ChunkError> {
    let len = packed_len(block.len(), width);
    if input.len() < len {
        return Err(ChunkError::Truncated);
    }
    // The bytes behind the packed ones are read too, and masked away, which is faster.
    unpack(input, width, block);
    take(input, len).map(drop)
}

fn read_list<T: Slot>(
    input: &mut &[u8],
    count: usize,
    low: usize,
    high: usize,
    block: &mut [T],
) -> Result<(), ChunkError> {
    let position_width = position_width(block.len());
    let positions = take(input, packed_len(count, position_width))?;
    let highs = take(input, packed_len(count, high))?;
    for number in 0..count {
        let position = peek(positions, number * position_width, position_width) as usize;
        let slot = block.get_mut(position).ok_or(ChunkError::Invalid("outlier position"))?;
        *slot = T::of(slot.word() | peek(highs, number * high, high) << low);
    }
    Ok(())
}

fn read_bitmap<T: Slot>(
    input: &mut &[u8],
    low: usize,
    high: usize,
    block: &mut [T],
) -> Result<(), ChunkError> {
    let bitmap = take(input, packed_len(block.len(), 1))?;
    let mut bit = 0;
    for (part, word) in block.chunks_mut(64).zip(words(bitmap)) {
        let mut word = word;
        if part.len() < 64 {
            word &= (1 << part.len()) - 1;
        }
        while word != 0 {
            if let Some(slot) = part.get_mut(word.trailing_zeros() as usize) {
                *slot = T::of(slot.word() | peek(input, bit, high) << low);
            }
            bit += high;
            word &= word - 1;
        }
    }
    take(input, bit.div_ceil(8)).map(drop)
}

fn read_unary<T: Slot>(input: &mut &[u8], low: usize, block: &mut [T]) -> Result<(), ChunkError> {
    let mut slots = block.iter_mut();
    let mut slot = slots.next();
    // Where the number in progress began and where the current word begins, in bits.
    let (mut begin, mut base) = (0u64, 0u64);
    for word in words(input) {
        let mut word = word;
        while word != 0 {
            let end = base + u64::from(word.trailing_zeros());
            let Some(target) = slot else { break };
            *target = T::of(target.word() | (end - begin) << low);
            begin = end + 1;
            word &= word - 1;
            slot = slots.next();
        }
        if slot.is_none() {
            return take(input, begin.div_ceil(8) as usize).map(drop);
        }
        base += 64;
    }
    Err(ChunkError::Truncated)
}

/// The bytes as little-endian words, the last one filled up with zeros.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (whole, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let last = (!rest.is_empty()).then_some(last);
    whole.iter().copied().chain(last).map(u64::from_le_bytes)
}

pub(super) fn take<'a>(input: &mut &'a [u8], len: usize) -> Result<&'a [u8], ChunkError> {
    let (taken, rest) = input.split_at_checked(len).ok_or(ChunkError::Truncated)?;
    *input = rest;
    Ok(taken)
}

pub(super) fn take_byte(input: &mut &[u8]) -> Result<u8, ChunkError> {
    let (byte, rest) = input.split_first().ok_or(ChunkError::Truncated)?;
    *input = rest;
    Ok(*byte)
}

#[cfg(test)]
mod tests;
