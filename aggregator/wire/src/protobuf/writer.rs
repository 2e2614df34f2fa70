//! Appends protobuf fields to a buffer. Fields that hold their default are left out, as proto3
//! does.

use codec::varint::put_u64;

use super::{BYTES, FIXED64, VARINT, tag};

pub fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    put_u64(out, u64::from(tag(number, wire_type)));
}

/// `int64` and `uint64`; a negative `int64` takes ten bytes.
pub fn put_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        put_tag(out, number, VARINT);
        put_u64(out, value);
    }
}

/// `sint32` and `sint64`.
pub fn put_zigzag(out: &mut Vec<u8>, number: u32, value: i64) {
    put_varint(out, number, codec::varint::zigzag(value));
}

pub fn put_double(out: &mut Vec<u8>, number: u32, value: f64) {
    if value.to_bits() != 0 {
        put_double_always(out, number, value);
    }
}

/// For members of a `oneof`, whose presence says which one is meant.
pub fn put_double_always(out: &mut Vec<u8>, number: u32, value: f64) {
    put_tag(out, number, FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

pub fn put_varint_always(out: &mut Vec<u8>, number: u32, value: u64) {
    put_tag(out, number, VARINT);
    put_u64(out, value);
}

/// A string that is an element of a repeated field, so written even when empty.
pub fn put_bytes(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    put_tag(out, number, BYTES);
    put_u64(out, content.len() as u64);
    out.extend_from_slice(content);
}

pub fn put_string(out: &mut Vec<u8>, number: u32, text: &str) {
    if !text.is_empty() {
        put_bytes(out, number, text.as_bytes());
    }
}

/// A message or packed field: `fill` appends the content, and the length is put before it.
pub fn put_message(out: &mut Vec<u8>, number: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    put_tag(out, number, BYTES);
    let length_at = out.len();
    out.push(0);
    fill(out);
    let length = out.len() - length_at - 1;
    match out.get_mut(length_at) {
        // Nearly always the length fits in the one byte that was kept for it.
        Some(byte) if length < 0x80 => *byte = length as u8,
        _ => {
            let end = out.len();
            put_u64(out, length as u64);
            let prefix = out.len() - end;
            // Behind the content now; turned to the front over the byte that was kept.
            if let Some(field) = out.get_mut(length_at..) {
                field.rotate_right(prefix);
                field.copy_within(prefix + 1.., prefix);
            }
            out.truncate(out.len() - 1);
        }
    }
}
