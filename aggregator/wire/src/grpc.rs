//! Messages of a gRPC stream, cut out of a body as it arrives.
//!
//! Each is behind a byte that says whether it is compressed, and its length in four bytes,
//! big-endian. Source: "gRPC over HTTP2" of the gRPC documentation.

const HEADER: usize = 5;

/// What came out of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole message, and whether it is compressed.
    Message(&'a [u8], bool),
    /// A message of so many bytes, longer than allowed: its bytes are passed over.
    TooLong(u64),
}

/// Cuts; see the module. Holds at most one message that is not longer than allowed.
#[derive(Debug)]
pub struct Messages {
    bytes_max: usize,
    /// The beginning of a message, with its header.
    part: Vec<u8>,
    /// What is still to come of a message that is too long.
    skip: u64,
}

impl Messages {
    /// For messages of at most so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, part: Vec::new(), skip: 0 }
    }

    /// Whether the body could end here.
    pub fn is_between(&self) -> bool {
        self.part.is_empty() && self.skip == 0
    }

    /// Takes more of the body.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Piece<'_>)) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let passed = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(passed..).unwrap_or_default();
                self.skip -= passed as u64;
                continue;
            }
            // Most messages arrive whole.
            if self.part.is_empty()
                && let Some((flag, length)) = header(bytes)
                && length <= self.bytes_max
                && let Some((message, rest)) =
                    bytes.get(HEADER..).and_then(|rest| rest.split_at_checked(length))
            {
                each(Piece::Message(message, flag));
                bytes = rest;
                continue;
            }
            self.gather(&mut bytes, &mut each);
        }
    }

    fn gather(&mut self, bytes: &mut &[u8], each: &mut impl FnMut(Piece<'_>)) {
        let known = header(&self.part);
        let wanted = HEADER + known.map_or(0, |(_, length)| length) - self.part.len();
        let (taken, rest) = bytes.split_at(wanted.min(bytes.len()));
        self.part.extend_from_slice(taken);
        *bytes = rest;
        let Some((flag, length)) = header(&self.part) else { return };
        if length > self.bytes_max {
            self.part.clear();
            self.skip = length as u64;
            each(Piece::TooLong(length as u64));
        } else if let Some(message) = self.part.get(HEADER..)
            && message.len() == length
        {
            each(Piece::Message(message, flag));
            self.part.clear();
        }
    }
}

fn header(bytes: &[u8]) -> Option<(bool, usize)> {
    let (&[flag, a, b, c, d], _) = bytes.split_first_chunk::<HEADER>()?;
    Some((flag != 0, usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?))
}

#[cfg(test)]
mod tests;
