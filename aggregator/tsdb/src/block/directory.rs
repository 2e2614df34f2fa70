//! The footer of a block and the list of its tenants.

use codec::{checksum::crc32c, varint};
use model::tenant::TenantId;

use super::{
    BlockError, BlockId,
    format::{
        END_MAGIC, PageRef, TRAILER_BYTES, VERSION, bounded_capacity, put_text, take_text,
        take_u32, take_usize,
    },
};
use crate::times::Times;

/// What is known of a block without its pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) id: BlockId,
    /// Times of the first and last sample, in milliseconds.
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) series: u64,
    pub(crate) samples: u64,
    /// How often its samples have been compacted.
    pub(crate) level: u32,
    /// The blocks that it was compacted from, and replaces.
    pub(crate) sources: Vec<BlockId>,
    /// The list of tenants, twice, because without it all is lost.
    pub(super) directories: [PageRef; 2],
}

impl Footer {
    /// Appends the footer twice, so that one damaged place does not cost the block.
    pub(super) fn put_twice(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.put_body(&mut body);
        for _ in 0..2 {
            out.extend_from_slice(&body);
            out.extend_from_slice(&(body.len() as u32).to_le_bytes());
            out.extend_from_slice(&crc32c(&body).to_le_bytes());
            out.extend_from_slice(END_MAGIC);
        }
    }

    fn put_body(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, VERSION);
        varint::put_u64(out, self.id.0);
        varint::put_i64(out, self.min);
        varint::put_i64(out, self.max);
        varint::put_u64(out, self.series);
        varint::put_u64(out, self.samples);
        varint::put_u64(out, u64::from(self.level));
        varint::put_u64(out, self.sources.len() as u64);
        self.sources.iter().for_each(|source| varint::put_u64(out, source.0));
        self.directories.iter().for_each(|page| page.put(out));
    }

    /// Finds the footer at the end of a block, the last one that is whole.
    pub(super) fn find(block: BlockId, end: &[u8]) -> Result<Self, BlockError> {
        let damaged = || BlockError::Damaged { block, what: "the footer".to_owned() };
        // Whole footers say where they begin. The end mark may be the place that is damaged, so
        // every place where a trailer could be is tried.
        let trailers = (0..end.len().saturating_sub(TRAILER_BYTES - 1)).rev();
        for at in trailers {
            let trailer = end.get(at..).and_then(|rest| rest.first_chunk::<TRAILER_BYTES>());
            let body = trailer.and_then(|trailer| {
                let (length, check) = read_trailer(trailer)?;
                let body = end.get(at.checked_sub(length as usize)?..at)?;
                (crc32c(body) == check).then_some(body)
            });
            let Some(mut body) = body else { continue };
            return match varint::take_u64(&mut body) {
                Some(VERSION) => Self::take(&mut body).ok_or_else(damaged),
                Some(found) if found > VERSION => Err(BlockError::Newer { block, found }),
                _ => Err(damaged()),
            };
        }
        Err(damaged())
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let mut footer = Self {
            id: BlockId(varint::take_u64(input)?),
            min: varint::take_i64(input)?,
            max: varint::take_i64(input)?,
            series: varint::take_u64(input)?,
            samples: varint::take_u64(input)?,
            level: take_u32(input)?,
            ..Self::default()
        };
        let count = take_usize(input)?;
        footer.sources.reserve(bounded_capacity(count, input));
        for _ in 0..count {
            footer.sources.push(BlockId(varint::take_u64(input)?));
        }
        footer.directories = [PageRef::take(input)?, PageRef::take(input)?];
        input.is_empty().then_some(footer)
    }
}

/// How long the body before a trailer is, and its check. `None` when this is no trailer.
fn read_trailer(trailer: &[u8; TRAILER_BYTES]) -> Option<(u32, u32)> {
    let (length, rest) = trailer.split_first_chunk::<4>()?;
    let (check, magic) = rest.split_first_chunk::<4>()?;
    (magic == END_MAGIC).then(|| (u32::from_le_bytes(*length), u32::from_le_bytes(*check)))
}

/// One tenant of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TenantEntry {
    pub(crate) tenant: TenantId,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) series: u32,
    pub(crate) samples: u64,
    /// The root page, twice.
    pub(super) roots: [PageRef; 2],
}

impl TenantEntry {
    /// Whether there may be samples of the tenant that a selection asks for.
    pub(crate) fn meets(&self, times: &Times) -> bool {
        times.meet(self.min, self.max)
    }
}

pub(super) fn put_directory(tenants: &[TenantEntry], out: &mut Vec<u8>) {
    varint::put_u64(out, tenants.len() as u64);
    for entry in tenants {
        put_text(out, entry.tenant.as_str());
        varint::put_i64(out, entry.min);
        varint::put_u64(out, entry.max.wrapping_sub(entry.min) as u64);
        varint::put_u64(out, u64::from(entry.series));
        varint::put_u64(out, entry.samples);
        entry.roots.iter().for_each(|page| page.put(out));
    }
}

/// Reads the list of tenants. `None` when it is none, or not in order.
pub(super) fn read_directory(mut input: &[u8]) -> Option<Vec<TenantEntry>> {
    let input = &mut input;
    let count = take_usize(input)?;
    let mut tenants: Vec<TenantEntry> = Vec::with_capacity(bounded_capacity(count, input));
    for _ in 0..count {
        let tenant = TenantId::new(take_text(input)?).ok()?;
        let min = varint::take_i64(input)?;
        let max = min.wrapping_add(varint::take_u64(input)? as i64);
        let series = take_u32(input)?;
        let samples = varint::take_u64(input)?;
        let roots = [PageRef::take(input)?, PageRef::take(input)?];
        tenants.push(TenantEntry { tenant, min, max, series, samples, roots });
    }
    let sorted = tenants.is_sorted_by(|a, b| a.tenant < b.tenant);
    (sorted && input.is_empty()).then_some(tenants)
}
