//! Reading all of a block, page by page, and comparing its parts with each other.

use std::{collections::BTreeMap, sync::Arc};

use codec::chunk::Zone;
use model::{columns::Columns as Decoded, labels::Labels};
use roaring::RoaringBitmap;

use super::{
    BlockError,
    directory::TenantEntry,
    index::BlockTenant,
    labels::{collect, read_page},
    reader::Block,
    series::{ChunkEntry, SeriesReader},
    shared::{Columns, Symbols},
};
use crate::samples::Samples;

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) series: u64,
    pub(crate) samples: u64,
    /// Tenants of which less was read than the block says that there is, and how much less.
    pub(crate) short: Vec<(TenantEntry, Count)>,
}

/// Series and samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) series: u64,
    pub(crate) samples: u64,
}

/// Series by label, as the series say.
type Expected = BTreeMap<(Box<str>, Box<str>), RoaringBitmap>;

/// Reads everything and tells of all that is wrong.
pub(crate) fn verify(block: &Arc<Block>, tell: &mut dyn FnMut(BlockError)) -> Verified {
    let mut verified = Verified::default();
    for entry in &block.tenants {
        let mut of_tenant = Count::default();
        let read = verify_tenant(block, entry, &mut of_tenant, tell);
        verified.series += of_tenant.series;
        verified.samples += of_tenant.samples;
        let expected = Count { series: u64::from(entry.series), samples: entry.samples };
        let missing = Count {
            series: expected.series.saturating_sub(of_tenant.series),
            samples: expected.samples.saturating_sub(of_tenant.samples),
        };
        if missing != Count::default() {
            verified.short.push((entry.clone(), missing));
        }
        match read {
            Err(error) => tell(error),
            Ok(()) if of_tenant != expected => {
                tell(block.damaged(&format!("the count of {}", entry.tenant)));
            }
            Ok(()) => {}
        }
    }
    let footer = &block.footer;
    if (verified.series, verified.samples) != (footer.series, footer.samples) {
        tell(block.damaged("the total count"));
    }
    verified
}

fn verify_tenant(
    block: &Arc<Block>,
    entry: &TenantEntry,
    verified: &mut Count,
    tell: &mut dyn FnMut(BlockError),
) -> Result<(), BlockError> {
    for page in entry.roots {
        if let Err(error) = block.read(page, "a copy of a root") {
            tell(error);
        }
    }
    let Some(tenant) = BlockTenant::open(block, &entry.tenant)? else { return Ok(()) };
    let root = tenant.root()?;
    for shared in root.column_pages.iter().chain(&root.symbol_pages) {
        for page in shared.pages {
            if let Err(error) = block.read(page, "a copy of what series share") {
                tell(error);
            }
        }
    }
    let mut expected = Expected::new();
    let mut last: Option<Labels> = None;
    let mut number = 0;
    for page in &root.series_pages {
        let bytes = match block.read(page.page, "series") {
            Ok(bytes) => bytes,
            Err(error) => {
                tell(error);
                continue;
            }
        };
        if page.first != number {
            tell(block.damaged("the numbers of series"));
        }
        number = page.first;
        let (columns, symbols) = (Columns::new(&tenant), Symbols::new(&tenant));
        let mut reader = SeriesReader::new(&bytes.bytes, &columns);
        while !reader.is_at_end() {
            tenant.advance(&mut reader, &columns)?;
            let labels = symbols.labels(&reader.symbols)?;
            if last.as_ref().is_some_and(|last| *last >= labels) {
                tell(block.damaged(&format!("the order of series at {labels}")));
            }
            for (name, value) in &labels {
                for value in ["", value] {
                    expected.entry((name.into(), value.into())).or_default().insert(number);
                }
            }
            last = Some(labels);
            verified.series += 1;
            number += 1;
            for chunk in &reader.chunks {
                match verify_chunk(&tenant, chunk, &columns, entry) {
                    Ok(count) => verified.samples += count,
                    Err(error) => tell(error),
                }
            }
        }
    }
    verify_labels(&tenant, expected, tell)
}

/// Returns how many samples the chunk has.
fn verify_chunk(
    tenant: &BlockTenant,
    chunk: &ChunkEntry,
    columns: &Columns<'_>,
    entry: &TenantEntry,
) -> Result<u64, BlockError> {
    let block = &tenant.block;
    let series = tenant.series(std::slice::from_ref(chunk), columns)?;
    let mut samples = Samples::default();
    series.decode(&mut samples)?;
    let mut decoded = Decoded::default();
    let zone = Zone::of(&samples.floats.values);
    samples.append_to(&mut decoded);
    if !decoded.times.is_sorted_by(|a, b| a < b) {
        return Err(block.damaged("the order of times"));
    }
    let within = |time: &i64| (entry.min..=entry.max).contains(time);
    if !decoded.times.first().is_some_and(within) || !decoded.times.last().is_some_and(within) {
        return Err(block.damaged("the range of times"));
    }
    let (mut written, mut found) = (Vec::new(), Vec::new());
    chunk.zone.iter().for_each(|zone| zone.put(&mut written));
    zone.iter().for_each(|zone| zone.put(&mut found));
    if chunk.zone.is_some() && written != found {
        return Err(block.damaged("what is said of a chunk"));
    }
    Ok(decoded.len() as u64)
}

fn verify_labels(
    tenant: &BlockTenant,
    mut expected: Expected,
    tell: &mut dyn FnMut(BlockError),
) -> Result<(), BlockError> {
    let (block, root) = (&tenant.block, tenant.root()?);
    let mut wrong = 0u64;
    for page in &root.labels {
        let bytes = match block.read(page.page, "labels") {
            Ok(bytes) => bytes,
            Err(error) => {
                tell(error);
                continue;
            }
        };
        read_page(&bytes.bytes, |name, value, list| {
            let mut found = RoaringBitmap::new();
            collect(list, root, &mut found)?;
            let name = root.names.get(name as usize)?;
            if expected.remove(&(name.clone(), value.into())) != Some(found) {
                wrong += 1;
            }
            Some(true)
        })
        .ok_or_else(|| block.damaged("labels"))?;
    }
    let missing = expected.len() as u64;
    if wrong + missing > 0 {
        tell(block.damaged(&format!("{wrong} lists of series, and {missing} are missing")));
    }
    Ok(())
}
