//! Reads protobuf fields without copying, and knows at which byte it is.

use codec::varint::take_u64;

use super::{BYTES, FIXED32, FIXED64, VARINT};

/// What is wrong with a message, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// Offset into the outermost message.
    pub position: usize,
    pub what: &'static str,
}

pub type Result<T> = std::result::Result<T, Corrupt>;

/// A message, or what is left of it.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of the end of `rest` in the outermost message.
    end: usize,
}

impl<'a> Reader<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message, end: message.len() }
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Offset of the next byte in the outermost message.
    pub fn position(&self) -> usize {
        self.end - self.rest.len()
    }

    pub fn corrupt(&self, what: &'static str) -> Corrupt {
        Corrupt { position: self.position(), what }
    }

    /// The tag of the next field, `None` at the end of the message.
    #[inline]
    pub fn tag(&mut self) -> Result<Option<u32>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let before = *self;
        let tag = self.varint()?;
        match u32::try_from(tag) {
            Ok(tag) if tag >> 3 != 0 => Ok(Some(tag)),
            _ => Err(before.corrupt("invalid field number")),
        }
    }

    #[inline]
    pub fn varint(&mut self) -> Result<u64> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => take_u64(&mut self.rest)
                .ok_or_else(|| self.corrupt("varint is cut short or longer than 64 bits")),
        }
    }

    #[inline]
    pub fn double(&mut self) -> Result<f64> {
        self.fixed64().map(f64::from_bits)
    }

    /// `fixed64` and `sfixed64`.
    #[inline]
    pub fn fixed64(&mut self) -> Result<u64> {
        match self.rest.split_first_chunk::<8>() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(u64::from_le_bytes(*bytes))
            }
            None => Err(self.corrupt("fixed64 is cut short")),
        }
    }

    /// A length-delimited field: a string, packed numbers or a message.
    #[inline]
    pub fn bytes(&mut self) -> Result<Self> {
        let before = *self;
        let length = self.varint()?;
        let content = usize::try_from(length).ok().and_then(|length| self.take(length));
        content.ok_or_else(|| before.corrupt("field is longer than the message around it"))
    }

    /// The next bytes, `None` when there are fewer.
    #[inline]
    pub fn take(&mut self, length: usize) -> Option<Self> {
        let (content, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Self { rest: content, end: self.position() })
    }

    /// Passes over the value of a field that nobody here knows.
    pub fn skip(&mut self, tag: u32) -> Result<()> {
        match tag & 7 {
            VARINT => self.varint().map(|_| ()),
            FIXED64 => self.fixed64().map(|_| ()),
            BYTES => self.bytes().map(|_| ()),
            FIXED32 => match self.rest.split_first_chunk::<4>() {
                Some((_, rest)) => {
                    self.rest = rest;
                    Ok(())
                }
                None => Err(self.corrupt("fixed32 is cut short")),
            },
            _ => Err(self.corrupt("field has an unsupported wire type")),
        }
    }
}

#[cfg(test)]
mod tests;
