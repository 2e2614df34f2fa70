//! Pages of series: their labels as symbols, and for each chunk its times, its samples and what is
//! known of them.

use codec::{chunk::Zone, varint};

use super::format::{take_bytes, take_i64, take_u32, take_u64, take_usize};

/// Where a chunk is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkEntry {
    /// Number of its column of times.
    pub(crate) column: u32,
    /// Page of samples, and place in it. Length 0 when all samples are `zone.first`.
    pub(crate) page: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
    /// What is known of floats; `None` for histograms.
    pub(crate) zone: Option<Zone>,
}

/// A column of times: first, last, how many, and the bytes of the rest within its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnEntry {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) count: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

/// Series that are written relative to each other. Who wants one of them reads only its group.
const GROUP_SERIES: u32 = 16;

/// Writes the groups of one page.
#[derive(Debug, Default)]
pub(super) struct SeriesWriter {
    page: Vec<u8>,
    group: Vec<u8>,
    /// Series in the group.
    count: u32,
    symbols: Vec<u32>,
    column: u32,
    payload_page: u32,
    has_payload: bool,
}

impl SeriesWriter {
    /// Length of the page so far.
    pub(super) fn len(&self) -> usize {
        self.page.len() + self.group.len()
    }

    /// The page. The writer is empty afterwards, and can be used for the next one.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.end_group();
        std::mem::take(&mut self.page)
    }

    fn end_group(&mut self) {
        if self.count > 0 {
            varint::put_u64(&mut self.page, self.group.len() as u64);
            self.page.extend_from_slice(&self.group);
        }
        self.group.clear();
        self.symbols.clear();
        (self.count, self.column, self.payload_page, self.has_payload) = (0, 0, 0, false);
    }

    /// Appends a series. Chunks are in the order of their samples in the file.
    pub(super) fn push(&mut self, symbols: &[u32], chunks: &[ChunkEntry]) {
        if self.count == GROUP_SERIES {
            self.end_group();
        }
        self.count += 1;
        let out = &mut self.group;
        let common = self.symbols.iter().zip(symbols);
        let prefix = common.take_while(|(a, b)| a == b).count();
        let shorter = self.symbols.len().min(symbols.len()) - prefix;
        let ends = self.symbols.iter().rev().zip(symbols.iter().rev()).take(shorter);
        let suffix = ends.take_while(|(a, b)| a == b).count();
        let middle = symbols.get(prefix..symbols.len() - suffix).unwrap_or_default();
        varint::put_u64(out, prefix as u64);
        varint::put_u64(out, suffix as u64);
        varint::put_u64(out, middle.len() as u64);
        for (place, symbol) in (prefix..).zip(middle) {
            // The symbol of the series before in this place is often a near one.
            let before = self.symbols.get(place).copied().unwrap_or(0);
            varint::put_i64(out, i64::from(*symbol) - i64::from(before));
        }
        self.symbols.clear();
        self.symbols.extend_from_slice(symbols);
        varint::put_u64(out, chunks.len() as u64);
        for chunk in chunks {
            varint::put_i64(out, i64::from(chunk.column) - i64::from(self.column));
            self.column = chunk.column;
            let histograms = u64::from(chunk.zone.is_none());
            varint::put_u64(out, u64::from(chunk.length) << 1 | histograms);
            if let Some(zone) = &chunk.zone {
                zone.put(out);
            }
            if chunk.length == 0 {
                continue;
            }
            // The first says where it is; the others follow it, or begin the next page.
            varint::put_u64(out, u64::from(chunk.page - self.payload_page));
            if !self.has_payload {
                varint::put_u64(out, u64::from(chunk.offset));
                self.has_payload = true;
            }
            self.payload_page = chunk.page;
        }
    }
}

/// Reads the entries of one page.
#[derive(Debug)]
pub(super) struct SeriesReader<'a> {
    /// What is left of the page, and of the group.
    page: &'a [u8],
    group: &'a [u8],
    /// Symbols and chunks of the series read last.
    pub(super) symbols: Vec<u32>,
    pub(super) chunks: Vec<ChunkEntry>,
    middle: Vec<u32>,
    column: u32,
    payload_page: u32,
    payload_offset: u32,
    has_payload: bool,
    counts: &'a dyn Counts,
}

/// Tells how many samples a column has, which zones do not repeat.
pub(super) trait Counts: std::fmt::Debug {
    fn count(&self, column: u32) -> Option<u32>;
}

impl<'a> SeriesReader<'a> {
    pub(super) fn new(page: &'a [u8], counts: &'a dyn Counts) -> Self {
        Self {
            page,
            group: &[],
            symbols: Vec::new(),
            chunks: Vec::new(),
            middle: Vec::new(),
            column: 0,
            payload_page: 0,
            payload_offset: 0,
            has_payload: false,
            counts,
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.page.is_empty() && self.group.is_empty()
    }

    /// Passes over series without reading them, as long as whole groups can be passed. To be
    /// called at the beginning or after series that end a group. Returns how many were passed.
    pub(super) fn skip(&mut self, count: u32) -> Option<u32> {
        let mut passed = 0;
        while count - passed >= GROUP_SERIES && self.group.is_empty() && !self.page.is_empty() {
            take_bytes(&mut self.page)?;
            passed += GROUP_SERIES;
        }
        Some(passed)
    }

    /// Reads the next entry into `symbols` and `chunks`. `None` when the bytes are none.
    pub(super) fn advance(&mut self) -> Option<()> {
        if self.group.is_empty() {
            self.group = take_bytes(&mut self.page)?;
            self.symbols.clear();
            (self.column, self.payload_page, self.payload_offset) = (0, 0, 0);
            self.has_payload = false;
        }
        let input = &mut self.group;
        let prefix = take_usize(input)?;
        let suffix = take_usize(input)?;
        let length = take_usize(input)?;
        let old = self.symbols.len().checked_sub(prefix)?.checked_sub(suffix)?;
        if old != length {
            // The others are written relative to what was in their place.
            self.middle.clear();
            self.middle.extend_from_slice(self.symbols.get(prefix..).unwrap_or_default());
            self.middle.resize(length.min(input.len()), 0);
            self.symbols.splice(prefix..prefix + old, self.middle.iter().copied());
        }
        for symbol in self.symbols.get_mut(prefix..prefix.checked_add(length)?)? {
            let step = take_i64(input)?;
            *symbol = u32::try_from(i64::from(*symbol).checked_add(step)?).ok()?;
        }
        let count = take_usize(input)?;
        self.chunks.clear();
        for _ in 0..count {
            let chunk = self.chunk()?;
            self.chunks.push(chunk);
        }
        Some(())
    }

    fn chunk(&mut self) -> Option<ChunkEntry> {
        let input = &mut self.group;
        let column = i64::from(self.column).checked_add(take_i64(input)?)?;
        self.column = u32::try_from(column).ok()?;
        let word = take_u64(input)?;
        let length = u32::try_from(word >> 1).ok()?;
        let mut zone = None;
        if word & 1 == 0 {
            zone = Some(Zone::take(input, self.counts.count(self.column)?).ok()?);
        }
        if length > 0 {
            let page = take_u32(input)?;
            self.payload_page = self.payload_page.checked_add(page)?;
            if !self.has_payload {
                self.payload_offset = take_u32(input)?;
                self.has_payload = true;
            } else if page > 0 {
                self.payload_offset = 0;
            }
        } else if !zone.is_some_and(|zone| zone.uniform) {
            return None;
        }
        let offset = self.payload_offset;
        self.payload_offset = offset.checked_add(length)?;
        Some(ChunkEntry { column: self.column, page: self.payload_page, offset, length, zone })
    }
}

/// Appends a column to a page.
pub(super) fn put_column(out: &mut Vec<u8>, min: i64, max: i64, count: u32, times: &[u8]) {
    varint::put_i64(out, min);
    varint::put_u64(out, max.wrapping_sub(min) as u64);
    varint::put_u64(out, u64::from(count));
    varint::put_u64(out, times.len() as u64);
    out.extend_from_slice(times);
}

/// The columns of a page. `None` when the bytes are none.
pub(super) fn read_columns(page: &[u8]) -> Option<Vec<ColumnEntry>> {
    let mut input = page;
    let mut columns = Vec::new();
    while !input.is_empty() {
        let min = take_i64(&mut input)?;
        let max = min.wrapping_add(take_u64(&mut input)? as i64);
        let count = take_u32(&mut input)?;
        let length = take_usize(&mut input)?;
        let offset = page.len() - input.len();
        let (_, rest) = input.split_at_checked(length)?;
        input = rest;
        columns.push(ColumnEntry {
            min,
            max,
            count,
            offset: u32::try_from(offset).ok()?,
            length: u32::try_from(length).ok()?,
        });
    }
    Some(columns)
}
