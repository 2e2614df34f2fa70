//! The protobuf wire format, just as much of it as the messages here need.
//!
//! A message is a row of fields, each a tag and a value; a tag is `number << 3 | wire type`.
//! Source: the Protocol Buffers documentation, "Encoding".

pub mod reader;
pub mod writer;

pub const VARINT: u32 = 0;
pub const FIXED64: u32 = 1;
pub const BYTES: u32 = 2;
pub const FIXED32: u32 = 5;

/// The tag of a field.
pub const fn tag(number: u32, wire_type: u32) -> u32 {
    number << 3 | wire_type
}
