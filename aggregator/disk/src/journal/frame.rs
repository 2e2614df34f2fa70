//! Records as bytes: framing and checking.

/// First bytes of a segment; the digit is the version of the format.
pub(super) const MAGIC: &[u8; 8] = b"TWJRNL1\n";
pub(super) const SEGMENT_HEADER_BYTES: usize = 16;
pub(super) const RECORD_HEADER_BYTES: usize = 13;

pub(super) fn segment_header(salt: u32) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&salt.to_le_bytes());
    header[12..].copy_from_slice(&salt.to_le_bytes());
    header
}

/// The salts that a segment may have, the likelier first; none when this is no segment. The salt is
/// there twice, and the magic number may be damaged, so that one flipped bit costs nothing.
pub(super) fn read_segment_header(segment: &[u8]) -> Vec<u32> {
    let Some(header) = segment.first_chunk::<SEGMENT_HEADER_BYTES>() else { return Vec::new() };
    let salts = [u32_at(header, 8), u32_at(header, 12)];
    let mut salts: Vec<u32> = salts.into_iter().flatten().collect();
    salts.dedup();
    let has_magic = header.starts_with(MAGIC);
    if has_magic || salts.len() == 1 { salts } else { Vec::new() }
}

/// Whether this is a whole header and nothing else.
pub(super) fn is_segment_header(bytes: &[u8]) -> bool {
    u32_at(bytes, 8).is_some_and(|salt| bytes == segment_header(salt))
}

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub length: usize,
    pub kind: u8,
    pub payload_check: u32,
}

/// The header at the start of `bytes`, if its check holds.
pub(super) fn read_header(bytes: &[u8], salt: u32) -> Option<Header> {
    let header = bytes.first_chunk::<RECORD_HEADER_BYTES>()?;
    let check = u32_at(header, 5)?;
    if crc32c::crc32c_append(salt, &header[..5]) != check {
        return None;
    }
    Some(Header {
        length: u32_at(header, 0)? as usize,
        kind: header[4],
        payload_check: u32_at(header, 9)?,
    })
}

pub(super) fn payload_check(payload: &[u8], salt: u32) -> u32 {
    crc32c::crc32c_append(salt, payload)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

/// Framed records, ready to be written. Made by [`super::Journal::frames`].
#[derive(Debug)]
pub struct Frames {
    salt: u32,
    bytes: Vec<u8>,
}

impl Frames {
    pub(super) fn new(salt: u32) -> Self {
        Self { salt, bytes: Vec::new() }
    }

    /// Frames a record. The payload must be shorter than the journal's limit: a longer one would
    /// be taken for damage.
    pub fn push(&mut self, kind: u8, payload: &[u8]) {
        let mut header = [0; RECORD_HEADER_BYTES];
        header[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        header[4] = kind;
        let check = crc32c::crc32c_append(self.salt, &header[..5]);
        header[5..9].copy_from_slice(&check.to_le_bytes());
        header[9..].copy_from_slice(&payload_check(payload, self.salt).to_le_bytes());
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(payload);
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn clear(&mut self) {
        /// A buffer that once held a burst need not hold its memory for ever.
        const KEPT_BYTES_MAX: usize = 1 << 20;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
    }

    pub(super) fn take(&mut self, other: &mut Self) {
        debug_assert_eq!(self.salt, other.salt, "frames belong to one journal");
        if self.bytes.is_empty() {
            std::mem::swap(&mut self.bytes, &mut other.bytes);
        } else {
            self.bytes.extend_from_slice(&other.bytes);
        }
        other.clear();
    }
}
