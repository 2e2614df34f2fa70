//! The samples of a series that are not sealed yet: appended in order, a few bytes each.
//!
//! The first sample takes 16 bytes. Each further one takes a control byte, the change of the
//! distance in time (none, 1, 2, 4 or 8 bytes, in the high half of the control byte as its length)
//! and the value XORed with the one before, of which only the bytes up to the last that is not
//! zero are kept (their number in the low half). Samples in a row that change neither are counted
//! in one byte behind a control byte of their own, so a regular, constant series takes hardly more.

use super::pool::{Chain, Pool};

/// Samples of a stream before it is sealed into a chunk.
pub(crate) const SEAL_COUNT: u8 = 60;

/// The control byte before the length of a run of unchanged samples.
const RUN: u8 = 0xff;

/// The end of a stream: what the next sample is written relative to.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) bytes: Chain,
    pub(crate) last_time: i64,
    pub(crate) last_value: u64,
    /// The last distance in time, cut to what fits.
    last_delta: i32,
    pub(crate) count: u8,
    /// Whether the last byte is the length of a run.
    in_run: bool,
}

impl Stream {
    /// Forgets the samples.
    pub(crate) fn clear(&mut self, pool: &mut Pool) {
        pool.clear(&mut self.bytes);
        self.count = 0;
        self.last_delta = 0;
        self.in_run = false;
    }

    /// Appends a sample. Times must not go back.
    #[inline]
    pub(crate) fn push(&mut self, time: i64, value: u64, pool: &mut Pool) {
        let mut sample = [0; 24];
        let length;
        if self.count == 0 {
            sample[..8].copy_from_slice(&time.to_le_bytes());
            sample[8..16].copy_from_slice(&value.to_le_bytes());
            length = 16;
            self.last_delta = 0;
        } else {
            let delta = time.wrapping_sub(self.last_time);
            let change = delta.wrapping_sub(i64::from(self.last_delta));
            self.last_delta = cut(delta);
            let time_bytes = signed_bytes(change);
            let xored = (value ^ self.last_value).swap_bytes();
            if change == 0 && xored == 0 {
                self.push_unchanged(pool);
                self.last_time = time;
                return;
            }
            self.in_run = false;
            let value_bytes = 8 - (xored.leading_zeros() / 8) as usize;
            sample[0] = (time_bytes << 4 | value_bytes) as u8;
            // Both are written whole; what is too much is overwritten or cut off.
            sample[1..9].copy_from_slice(&change.to_le_bytes());
            sample[1 + time_bytes..9 + time_bytes].copy_from_slice(&xored.to_le_bytes());
            length = 1 + time_bytes + value_bytes;
        }
        pool.append(&mut self.bytes, &sample[..length]);
        self.last_time = time;
        self.last_value = value;
        self.count += 1;
    }
}

impl Stream {
    /// Counts a sample whose value and distance in time are those of the one before. A run cannot
    /// be longer than a stream, whose count fits in a byte.
    fn push_unchanged(&mut self, pool: &mut Pool) {
        self.count += 1;
        if self.in_run
            && let Some(length) = pool.last_mut(&self.bytes)
        {
            *length += 1;
            return;
        }
        pool.append(&mut self.bytes, &[RUN, 1]);
        self.in_run = true;
    }
}

/// The part of a distance in time that is remembered.
fn cut(delta: i64) -> i32 {
    delta.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

/// In how many bytes, of those that the control byte can name, a number fits.
fn signed_bytes(number: i64) -> usize {
    if number == 0 {
        0
    } else if i8::try_from(number).is_ok() {
        1
    } else if i16::try_from(number).is_ok() {
        2
    } else if i32::try_from(number).is_ok() {
        4
    } else {
        8
    }
}

/// Appends the samples of a stream's bytes. Bytes that no stream wrote end the reading early.
pub(crate) fn decode(bytes: &[u8], times: &mut Vec<i64>, values: &mut Vec<f64>) {
    let Some((first, mut rest)) = bytes.split_first_chunk::<16>() else { return };
    let (mut time, mut value) = (word(&first[..8]) as i64, word(&first[8..]));
    let mut delta = 0i32;
    times.push(time);
    values.push(f64::from_bits(value));
    while let Some((&control, tail)) = rest.split_first() {
        if control == RUN {
            let Some((&length, tail)) = tail.split_first() else { return };
            for _ in 0..length {
                time = time.wrapping_add(i64::from(delta));
                times.push(time);
                values.push(f64::from_bits(value));
            }
            rest = tail;
            continue;
        }
        let (time_bytes, value_bytes) = (usize::from(control >> 4), usize::from(control & 15));
        if time_bytes > 8 || value_bytes > 8 {
            return;
        }
        let Some((change, tail)) = tail.split_at_checked(time_bytes) else { return };
        let Some((xored, tail)) = tail.split_at_checked(value_bytes) else { return };
        let distance = i64::from(delta).wrapping_add(sign_extended(change));
        delta = cut(distance);
        time = time.wrapping_add(distance);
        value ^= word(xored).swap_bytes();
        times.push(time);
        values.push(f64::from_bits(value));
        rest = tail;
    }
}

/// Up to eight bytes as a little-endian word.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

fn sign_extended(bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    let unused = 64 - 8 * bytes.len() as u32;
    (word(bytes) << unused) as i64 >> unused
}

#[cfg(test)]
mod tests;
