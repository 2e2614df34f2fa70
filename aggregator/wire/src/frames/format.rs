//! The frame around a body's messages: magic number, version, epoch and sequence before them, a
//! checksum behind them.

/// First bytes of a body.
pub(super) const MAGIC: [u8; 4] = *b"TWFR";
pub(super) const VERSION: u8 = 1;

/// Magic number, version, epoch, sequence.
pub(super) const HEADER_BYTES: usize = 4 + 1 + 8 + 8;
/// CRC32C of everything before it.
pub(super) const CHECKSUM_BYTES: usize = 4;

/// Kinds of messages. A message is a length-delimited protobuf field whose number is its kind.
pub(super) const GROUP: u32 = 1;
pub(super) const FRAME: u32 = 2;
pub(super) const DROP: u32 = 3;
pub(super) const BATCH: u32 = 4;

pub(super) fn put_header(out: &mut Vec<u8>, epoch: u64, sequence: u64) {
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    out.extend_from_slice(&epoch.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
}

pub(super) fn put_checksum(out: &mut Vec<u8>) {
    let checksum = codec::checksum::crc32c(out);
    out.extend_from_slice(&checksum.to_le_bytes());
}
