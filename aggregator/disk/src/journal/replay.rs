//! Reading segments back, past whatever is damaged.

use std::ops::Range;

use super::{
    Options,
    frame::{self, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES},
};

/// Most damaged places that are described one by one; the rest are only counted.
const DAMAGE_LISTED_MAX: usize = 16;

/// One record of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub kind: u8,
    pub payload: &'a [u8],
    /// The segment it is in.
    pub segment: u64,
}

/// A place that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub segment: u64,
    /// Offsets within the segment.
    pub bytes: Range<u64>,
}

/// What replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayStats {
    pub segments: u64,
    pub records: u64,
    /// Bytes of whole records.
    pub bytes: u64,
    /// Damaged places that were skipped. Each cost one record or a few neighbours.
    pub corrupt: u64,
    pub corrupt_bytes: u64,
    /// Bytes cut from the end of the last segment, which a crash left half written.
    pub torn_bytes: u64,
    /// The first damaged places.
    pub damage: Vec<Damage>,
}

impl ReplayStats {
    fn skipped(&mut self, segment: u64, bytes: Range<usize>) {
        let bytes = bytes.start as u64..bytes.end as u64;
        self.corrupt += 1;
        self.corrupt_bytes += bytes.end - bytes.start;
        if self.damage.len() < DAMAGE_LISTED_MAX {
            self.damage.push(Damage { segment, bytes });
        }
    }
}

/// Visits the records of one segment. Returns its length without a torn end.
pub(super) fn segment(
    content: &[u8],
    number: u64,
    is_last: bool,
    options: &Options,
    stats: &mut ReplayStats,
    visit: &mut dyn FnMut(Record<'_>),
) -> u64 {
    stats.segments += 1;
    let is_empty = content.len() <= SEGMENT_HEADER_BYTES;
    if is_last && is_empty && !frame::is_segment_header(content) {
        // The crash came before the first record.
        stats.torn_bytes += content.len() as u64;
        return 0;
    }
    let limit = options.payload_bytes_max;
    let readers: Vec<Reader<'_>> = frame::read_segment_header(content)
        .into_iter()
        .map(|salt| Reader { content, salt, limit })
        .collect();
    let reads = |reader: &&Reader<'_>| reader.record(SEGMENT_HEADER_BYTES).is_some();
    let Some(reader) = readers.iter().find(reads).or(readers.first()) else {
        if !content.is_empty() {
            stats.skipped(number, 0..content.len());
        }
        return content.len() as u64;
    };
    if !frame::is_segment_header(content.get(..SEGMENT_HEADER_BYTES).unwrap_or_default()) {
        stats.skipped(number, 0..SEGMENT_HEADER_BYTES);
    }
    let mut at = SEGMENT_HEADER_BYTES;
    while at < content.len() {
        if let Some((kind, payload, end)) = reader.record(at) {
            stats.records += 1;
            stats.bytes += (end - at) as u64;
            visit(Record { kind, payload, segment: number });
            at = end;
            continue;
        }
        let next = reader.next_record(at);
        if next.is_none() && is_last {
            stats.torn_bytes += (content.len() - at) as u64;
            return at as u64;
        }
        let end = next.unwrap_or(content.len());
        stats.skipped(number, at..end);
        at = end;
    }
    at as u64
}

struct Reader<'a> {
    content: &'a [u8],
    salt: u32,
    limit: usize,
}

impl<'a> Reader<'a> {
    /// The record at an offset, if it is whole: kind, payload and where it ends.
    fn record(&self, at: usize) -> Option<(u8, &'a [u8], usize)> {
        let header = self.header(at)?;
        let start = at + RECORD_HEADER_BYTES;
        let payload = self.content.get(start..start + header.length)?;
        (frame::payload_check(payload, self.salt) == header.payload_check).then_some((
            header.kind,
            payload,
            start + header.length,
        ))
    }

    fn header(&self, at: usize) -> Option<frame::Header> {
        let header = frame::read_header(self.content.get(at..)?, self.salt)?;
        (header.length <= self.limit).then_some(header)
    }

    /// Where the next whole record after a damaged place begins.
    fn next_record(&self, damaged: usize) -> Option<usize> {
        // Most often only the payload is damaged and the header still says where it ends.
        if let Some(header) = self.header(damaged) {
            let end = damaged + RECORD_HEADER_BYTES + header.length;
            if self.record(end).is_some() {
                return Some(end);
            }
        }
        (damaged + 1..self.content.len()).find(|at| self.record(*at).is_some())
    }
}
