//! The samples of a series that are not sealed yet: appended in order, a few bytes each.
//!
//! The first sample takes 16 bytes. Each further one takes a control byte, the change of the
//! distance in time (none, 1, 2, 4 or 8 bytes, in the high half of the control byte as its length)
//! and the value XORed with the one before, of which only the bytes up to the last that is not
//! zero are kept (their number in the low half). A regular, constant series takes one byte a sample.

/// Samples of a stream before it is sealed into a chunk.
pub(crate) const SEAL_COUNT: u16 = 120;

/// By how many bytes a stream grows at least, which is enough for any sample.
const GROWTH_BYTES_MIN: usize = 32;

/// A stream being written.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    last_time: i64,
    last_value: u64,
    last_delta: i64,
    count: u16,
}

impl Stream {
    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    /// Memory beside the struct itself, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The time of the first sample; zero when there is none.
    pub(crate) fn first_time(&self) -> i64 {
        self.bytes.first_chunk().map_or(0, |first| i64::from_le_bytes(*first))
    }

    pub(crate) fn last_time(&self) -> i64 {
        self.last_time
    }

    pub(crate) fn last_value(&self) -> u64 {
        self.last_value
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the samples and their memory.
    pub(crate) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.count = 0;
        self.last_delta = 0;
    }

    /// Appends a sample. Times must not go back.
    #[inline]
    pub(crate) fn push(&mut self, time: i64, value: u64) {
        let mut sample = [0; 24];
        let length;
        if self.count == 0 {
            sample[..8].copy_from_slice(&time.to_le_bytes());
            sample[8..16].copy_from_slice(&value.to_le_bytes());
            length = 16;
            self.last_delta = 0;
        } else {
            let delta = time.wrapping_sub(self.last_time);
            let change = delta.wrapping_sub(self.last_delta);
            self.last_delta = delta;
            let time_bytes = signed_bytes(change);
            let xored = (value ^ self.last_value).swap_bytes();
            let value_bytes = 8 - (xored.leading_zeros() / 8) as usize;
            sample[0] = (time_bytes << 4 | value_bytes) as u8;
            // Both are written whole; what is too much is overwritten or cut off.
            sample[1..9].copy_from_slice(&change.to_le_bytes());
            sample[1 + time_bytes..9 + time_bytes].copy_from_slice(&xored.to_le_bytes());
            length = 1 + time_bytes + value_bytes;
        }
        if self.bytes.capacity() - self.bytes.len() < length {
            self.bytes.reserve_exact(GROWTH_BYTES_MIN.max(self.bytes.len() / 2));
        }
        self.bytes.extend_from_slice(&sample[..length]);
        self.last_time = time;
        self.last_value = value;
        self.count += 1;
    }
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
    let mut delta = 0i64;
    times.push(time);
    values.push(f64::from_bits(value));
    while let Some((&control, tail)) = rest.split_first() {
        let (time_bytes, value_bytes) = (usize::from(control >> 4), usize::from(control & 15));
        if time_bytes > 8 || value_bytes > 8 {
            return;
        }
        let Some((change, tail)) = tail.split_at_checked(time_bytes) else { return };
        let Some((xored, tail)) = tail.split_at_checked(value_bytes) else { return };
        delta = delta.wrapping_add(sign_extended(change));
        time = time.wrapping_add(delta);
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
