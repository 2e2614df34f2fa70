//! The bytes that every part of a block is made of: magic numbers, page references, page files.

use std::io;

use codec::{
    checksum::crc32c,
    inflate::{self, Compression},
    varint,
};
use disk::File;

/// First and last bytes of a block. The digit changes when old readers must not read it.
pub(super) const MAGIC: &[u8; 8] = b"TWBLOCK1";
pub(super) const END_MAGIC: &[u8; 8] = b"TWBLEND1";

/// Version in the footer: readers read all versions up to their own.
pub(super) const VERSION: u64 = 1;

/// Length of what follows the footer's body: its length, its check and the end magic.
pub(super) const TRAILER_BYTES: usize = 16;

/// Largest page, unpacked, that a reader accepts.
pub(super) const PAGE_BYTES_MAX: usize = 256 << 20;

/// Pages of labels, series and columns are closed when they are this long.
pub(super) const INDEX_PAGE_BYTES: usize = 16 << 10;
/// Pages of samples are closed when they are this long.
pub(super) const PAYLOAD_PAGE_BYTES: usize = 64 << 10;

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Where a page is, and how to tell that it is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PageRef {
    pub(super) offset: u64,
    /// Length in the file.
    pub(super) stored: u32,
    /// Length unpacked; greater than `stored` when it is compressed by zstd, else the same.
    pub(super) raw: u32,
    /// CRC32C of the stored bytes.
    pub(super) check: u32,
}

impl PageRef {
    pub(super) fn put(self, out: &mut Vec<u8>) {
        varint::put_u64(out, self.offset);
        varint::put_u64(out, u64::from(self.raw));
        varint::put_u64(out, u64::from(self.raw - self.stored));
        out.extend_from_slice(&self.check.to_le_bytes());
    }

    pub(super) fn take(input: &mut &[u8]) -> Option<Self> {
        let offset = varint::take_u64(input)?;
        let raw = take_u32(input)?;
        let stored = raw.checked_sub(take_u32(input)?)?;
        let (check, rest) = input.split_first_chunk::<4>()?;
        *input = rest;
        if raw as usize > PAGE_BYTES_MAX {
            return None;
        }
        Some(Self { offset, stored, raw, check: u32::from_le_bytes(*check) })
    }

    /// Unpacks what was read from the file. `None` when it is damaged.
    pub(super) fn unpack(self, stored: Vec<u8>) -> Option<Vec<u8>> {
        if crc32c(&stored) != self.check {
            return None;
        }
        if self.stored == self.raw {
            return Some(stored);
        }
        let mut raw = Vec::new();
        inflate::decompress(Compression::Zstd, &stored, self.raw as usize, &mut raw).ok()?;
        (raw.len() == self.raw as usize).then_some(raw)
    }
}

/// A file that pages are appended to.
#[derive(Debug)]
pub(super) struct PageFile {
    file: Box<dyn File>,
    buffer: Vec<u8>,
    offset: u64,
    compressed: Vec<u8>,
}

impl PageFile {
    pub(super) fn new(file: Box<dyn File>) -> Self {
        Self { file, buffer: Vec::new(), offset: 0, compressed: Vec::new() }
    }

    /// Appends a page and says where it is.
    pub(super) fn page(&mut self, raw: &[u8]) -> io::Result<PageRef> {
        let length = u32::try_from(raw.len()).ok().filter(|_| raw.len() <= PAGE_BYTES_MAX);
        let raw_length = length.ok_or_else(|| io::Error::other("a page is too long"))?;
        let compressed = inflate::compress(Compression::Zstd, raw, &mut self.compressed).is_ok()
            // What saves less than an eighth is not worth unpacking.
            && self.compressed.len() < raw.len() - raw.len() / 8;
        let bytes = std::mem::take(&mut self.compressed);
        let stored = if compressed { bytes.as_slice() } else { raw };
        let page = PageRef {
            offset: self.offset,
            stored: stored.len() as u32,
            raw: raw_length,
            check: crc32c(stored),
        };
        let written = self.write(stored);
        self.compressed = bytes;
        written.map(|()| page)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.offset += bytes.len() as u64;
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync()
    }
}

/// Most numbers in a directory are one byte, which is worth a way of its own.
#[inline]
pub(super) fn take_u64(input: &mut &[u8]) -> Option<u64> {
    match input.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *input = rest;
            Some(u64::from(byte))
        }
        _ => varint::take_u64(input),
    }
}

#[inline]
pub(super) fn take_i64(input: &mut &[u8]) -> Option<i64> {
    match input.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *input = rest;
            Some(i64::from(byte >> 1) ^ -i64::from(byte & 1))
        }
        _ => varint::take_i64(input),
    }
}

pub(super) fn take_u32(input: &mut &[u8]) -> Option<u32> {
    u32::try_from(take_u64(input)?).ok()
}

pub(super) fn take_usize(input: &mut &[u8]) -> Option<usize> {
    usize::try_from(take_u64(input)?).ok()
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    varint::put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_usize(input)?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

pub(super) fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take_bytes(input)?).ok()
}

/// How many bytes two texts have in common at the start.
pub(super) fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// A list that says how long it is cannot be longer than its bytes: so much may be reserved.
pub(super) fn bounded_capacity(claimed: usize, input: &[u8]) -> usize {
    claimed.min(input.len())
}
