//! LEB128 varints and zigzag, as protobuf uses them.

/// Appends an unsigned varint: 7 bits a byte, least significant first.
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes an unsigned varint off the front. `None` when it is cut short or longer than 64 bits;
/// `input` is then left where it was.
#[inline]
pub fn take_u64(input: &mut &[u8]) -> Option<u64> {
    // Most are short.
    match input.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *input = rest;
            Some(u64::from(byte))
        }
        _ => take_longer(input),
    }
}

fn take_longer(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (position, &byte) in input.iter().take(10).enumerate() {
        if position == 9 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte < 0x80 {
            *input = input.get(position + 1..)?;
            return Some(value);
        }
    }
    None
}

/// Maps small magnitudes of either sign to small unsigned numbers.
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a signed varint in zigzag form.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, zigzag(value));
}

/// Takes a signed varint in zigzag form off the front.
pub fn take_i64(input: &mut &[u8]) -> Option<i64> {
    take_u64(input).map(unzigzag)
}

#[cfg(test)]
mod tests;
