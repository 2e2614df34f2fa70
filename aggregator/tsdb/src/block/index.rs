//! One tenant's part of a block: finding series by labels, and their samples by time.

use std::{cell::RefCell, collections::HashMap, ops::Range, sync::Arc};

use model::{labels::Labels, query::QueryError, tenant::TenantId};
use roaring::RoaringBitmap;

use super::{
    BlockError, BlockId,
    cache::Page,
    labels::{collect, read_page},
    reader::Block,
    root::{NumberedPage, Root},
    series::{ChunkEntry, ColumnEntry, Counts, SeriesReader},
};
use crate::{
    chunk,
    samples::Samples,
    select::{Condition, LabelIndex, resolve},
};

/// A tenant of an open block.
#[derive(Clone, Debug)]
pub(crate) struct BlockTenant {
    pub(super) block: Arc<Block>,
    root: Arc<Page>,
}

/// Samples of one series in a block, not read yet.
#[derive(Clone, Debug)]
pub(crate) struct BlockSeries {
    tenant: BlockTenant,
    chunks: Vec<Located>,
}

/// A chunk and its column of times.
#[derive(Clone, Debug)]
struct Located {
    columns: Arc<Page>,
    column: ColumnEntry,
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// All samples are this.
    Uniform(f64),
    Page {
        page: u32,
        offset: u32,
        length: u32,
    },
}

impl BlockTenant {
    /// `None` when the block has nothing of the tenant.
    pub(crate) fn open(block: &Arc<Block>, tenant: &TenantId) -> Result<Option<Self>, BlockError> {
        let Some(entry) = block.tenant(tenant) else { return Ok(None) };
        let root = block.root(entry)?;
        Ok(Some(Self { block: Arc::clone(block), root }))
    }

    pub(super) fn root(&self) -> Result<&Root, BlockError> {
        self.root.root().ok_or_else(|| self.block.damaged("a root"))
    }

    /// The series that match and have samples in a range of time.
    pub(crate) fn select(
        &self,
        conditions: &[Condition],
        start: i64,
        end: i64,
    ) -> Result<Vec<(Labels, BlockSeries)>, QueryError> {
        let found = resolve(conditions, self)?;
        let mut selected = Vec::new();
        let columns = Columns::new(self, false);
        let root = self.root()?;
        let mut numbers = found.iter().peekable();
        while let Some(first) = numbers.peek().copied() {
            let (page, until) = numbered(&root.series_pages, first, root.series)
                .ok_or_else(|| self.block.damaged("a list of series"))?;
            let bytes = self.block.page(page.page, "series")?;
            let mut reader = SeriesReader::new(&bytes.bytes, &columns);
            let mut number = page.first;
            while let Some(wanted) = numbers.peek().copied().filter(|wanted| *wanted < until) {
                let skipped = reader.skip(wanted - number);
                number += skipped.ok_or_else(|| self.block.damaged("series"))?;
                self.advance(&mut reader, &columns)?;
                if numbers.next_if_eq(&number).is_some() {
                    let chunks = self.locate(&reader.chunks, &columns, start, end)?;
                    if !chunks.is_empty() {
                        let labels = Labels::from_bytes(&reader.labels)
                            .ok_or_else(|| self.block.damaged("a label set"))?;
                        selected.push((labels, BlockSeries { tenant: self.clone(), chunks }));
                    }
                }
                number += 1;
            }
        }
        Ok(selected)
    }

    /// Reads the next entry; when that fails, tells damaged columns from damaged series.
    pub(super) fn advance(
        &self,
        reader: &mut SeriesReader<'_>,
        columns: &Columns<'_>,
    ) -> Result<(), BlockError> {
        reader
            .advance()
            .ok_or_else(|| columns.error().unwrap_or_else(|| self.block.damaged("series")))
    }

    fn locate(
        &self,
        chunks: &[ChunkEntry],
        columns: &Columns<'_>,
        start: i64,
        end: i64,
    ) -> Result<Vec<Located>, BlockError> {
        let mut located = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let (page, column) = columns.get(chunk.column)?;
            if column.min <= end && column.max >= start {
                located.push(Located { columns: page, column, source: source(chunk) });
            }
        }
        Ok(located)
    }

    /// All chunks of an entry.
    pub(super) fn series(
        &self,
        chunks: &[ChunkEntry],
        columns: &Columns<'_>,
    ) -> Result<BlockSeries, BlockError> {
        let chunks = self.locate(chunks, columns, i64::MIN, i64::MAX)?;
        Ok(BlockSeries { tenant: self.clone(), chunks })
    }

    pub(crate) fn block_id(&self) -> BlockId {
        self.block.id()
    }

    /// Calls back with each value of a label that some of the series have; all series when `None`.
    pub(crate) fn values(
        &self,
        name: &str,
        series: Option<&RoaringBitmap>,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), BlockError> {
        let root = self.root()?;
        self.visit(name, "", &mut |value, list| {
            let mut own = RoaringBitmap::new();
            if let Some(series) = series {
                collect(list, root, &mut own)?;
                if own.is_disjoint(series) {
                    return Some(());
                }
            }
            if !value.is_empty() {
                visit(value);
            }
            Some(())
        })
    }

    /// The label names in order.
    pub(crate) fn names(&self) -> Result<&[Box<str>], BlockError> {
        Ok(&self.root()?.names)
    }

    /// Visits the entries of one name whose values begin with a prefix.
    fn visit(
        &self,
        name: &str,
        prefix: &str,
        visit: &mut dyn FnMut(&str, super::postings::List<'_>) -> Option<()>,
    ) -> Result<(), BlockError> {
        let root = self.root()?;
        let found = root.names.binary_search_by(|known| (**known).cmp(name));
        let Ok(number) = found.map(|number| number as u32) else { return Ok(()) };
        // The page before the first that begins behind what is wanted.
        let after =
            root.labels.partition_point(|page| (page.name, &*page.value) <= (number, prefix));
        let pages = root.labels.get(after.saturating_sub(1)..).unwrap_or_default();
        for page in pages {
            if page.name > number || (page.name == number && !may_begin(&page.value, prefix)) {
                break;
            }
            let bytes = self.block.page(page.page, "labels")?;
            read_page(&bytes.bytes, |entry, value, list| {
                if entry == number && value.starts_with(prefix) {
                    visit(value, list)?;
                }
                Some(entry < number || (entry == number && may_begin(value, prefix)))
            })
            .ok_or_else(|| self.block.damaged("labels"))?;
        }
        Ok(())
    }
}

/// Whether a value that begins with the prefix may come at or after this one.
fn may_begin(value: &str, prefix: &str) -> bool {
    value <= prefix || value.starts_with(prefix)
}

impl LabelIndex for BlockTenant {
    fn all(&self) -> Result<RoaringBitmap, QueryError> {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..self.root()?.series);
        Ok(all)
    }

    fn with_name(&self, name: &str) -> Result<RoaringBitmap, QueryError> {
        self.with_value(name, "")
    }

    fn with_value(&self, name: &str, value: &str) -> Result<RoaringBitmap, QueryError> {
        let mut found = RoaringBitmap::new();
        let root = self.root()?;
        self.visit(name, value, &mut |entry, list| {
            if entry == value { collect(list, root, &mut found) } else { Some(()) }
        })?;
        Ok(found)
    }

    fn with_values(
        &self,
        name: &str,
        prefix: &str,
        pass: &dyn Fn(&str) -> bool,
        _among: Option<&RoaringBitmap>,
    ) -> Result<RoaringBitmap, QueryError> {
        let mut found = RoaringBitmap::new();
        let root = self.root()?;
        self.visit(name, prefix, &mut |value, list| {
            if !value.is_empty() && pass(value) {
                collect(list, root, &mut found)
            } else {
                Some(())
            }
        })?;
        Ok(found)
    }
}

impl BlockSeries {
    /// First and last time of each chunk.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (i64, i64)> {
        self.chunks.iter().map(|chunk| (chunk.column.min, chunk.column.max))
    }

    /// Appends the samples, unsettled.
    pub(crate) fn decode(&self, out: &mut Samples) -> Result<(), BlockError> {
        self.chunks.iter().try_for_each(|chunk| self.decode_chunk(chunk, out))
    }

    /// Appends the samples of the chunks that are whole, and tells of those that are not. An error
    /// is one that may pass.
    pub(crate) fn decode_readable(
        &self,
        out: &mut Samples,
        tell: &mut dyn FnMut(BlockError),
    ) -> Result<(), BlockError> {
        let mut part = Samples::default();
        for chunk in &self.chunks {
            part.clear();
            match self.decode_chunk(chunk, &mut part) {
                Ok(()) => out.append(&mut part),
                Err(error @ BlockError::Io { .. }) => return Err(error),
                Err(error) => tell(error),
            }
        }
        Ok(())
    }

    fn decode_chunk(&self, chunk: &Located, out: &mut Samples) -> Result<(), BlockError> {
        let block = &self.tenant.block;
        let mut times = Vec::new();
        let (start, length) = (chunk.column.offset as usize, chunk.column.length as usize);
        let bytes = chunk.columns.bytes.get(start..start + length).unwrap_or_default();
        codec::chunk::decode_times(bytes, chunk.column.count as usize, &mut times)
            .map_err(|error| block.damaged(&format!("times ({error})")))?;
        match chunk.source {
            Source::Uniform(value) => {
                times.iter().for_each(|time| out.floats.push(*time, value, 0));
            }
            Source::Page { page, offset, length } => {
                let payloads = &self.tenant.root()?.payloads;
                let page = payloads
                    .get(page as usize)
                    .ok_or_else(|| block.damaged("a list of samples"))?;
                let page = block.page(*page, "samples")?;
                let (start, length) = (offset as usize, length as usize);
                let payload = page.bytes.get(start..start + length).unwrap_or_default();
                chunk::decode(&times, payload, out)
                    .map_err(|error| block.damaged(&format!("samples ({error})")))?;
            }
        }
        Ok(())
    }
}

fn source(chunk: &ChunkEntry) -> Source {
    match chunk.zone {
        Some(zone) if chunk.length == 0 => Source::Uniform(zone.first),
        _ => Source::Page { page: chunk.page, offset: chunk.offset, length: chunk.length },
    }
}

/// The page that has a number, and the first number behind it.
fn numbered(pages: &[NumberedPage], number: u32, count: u32) -> Option<(NumberedPage, u32)> {
    let after = pages.partition_point(|page| page.first <= number);
    let page = *pages.get(after.checked_sub(1)?)?;
    let until = pages.get(after).map_or(count, |next| next.first);
    (number < until).then_some((page, until))
}

/// The columns that one reading has needed so far.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    tenant: &'a BlockTenant,
    /// By the number of the first column of the page.
    pages: RefCell<HashMap<u32, Arc<Page>>>,
    /// The page that was needed last, with the numbers of its columns.
    last: RefCell<Option<(Range<u32>, Arc<Page>)>>,
    error: RefCell<Option<BlockError>>,
    /// Whether pages are left out of the cache.
    once: bool,
}

impl<'a> Columns<'a> {
    pub(super) fn new(tenant: &'a BlockTenant, once: bool) -> Self {
        Self {
            tenant,
            pages: RefCell::default(),
            last: RefCell::default(),
            error: RefCell::default(),
            once,
        }
    }

    fn get(&self, column: u32) -> Result<(Arc<Page>, ColumnEntry), BlockError> {
        let damaged = || self.tenant.block.damaged("a list of times");
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(range, _)| !range.contains(&column)) {
            *last = Some(self.page(column)?);
        }
        let (range, page) = last.as_ref().ok_or_else(damaged)?;
        let entries = page.columns().ok_or_else(damaged)?;
        let entry = *entries.get((column - range.start) as usize).ok_or_else(damaged)?;
        Ok((Arc::clone(page), entry))
    }

    /// The page of a column and the numbers of its columns.
    fn page(&self, column: u32) -> Result<(Range<u32>, Arc<Page>), BlockError> {
        let block = &self.tenant.block;
        let root = self.tenant.root()?;
        let (page, until) = numbered(&root.column_pages, column, root.columns)
            .ok_or_else(|| block.damaged("a list of times"))?;
        let mut pages = self.pages.borrow_mut();
        let found = match pages.get(&page.first) {
            Some(found) => Arc::clone(found),
            None => {
                let read = if self.once {
                    Arc::new(block.read(page.page, "times")?)
                } else {
                    block.page(page.page, "times")?
                };
                pages.insert(page.first, Arc::clone(&read));
                read
            }
        };
        Ok((page.first..until, found))
    }

    fn error(&self) -> Option<BlockError> {
        self.error.take()
    }
}

impl Counts for Columns<'_> {
    fn count(&self, column: u32) -> Option<u32> {
        match self.get(column) {
            Ok((_, entry)) => Some(entry.count),
            Err(error) => {
                self.error.replace(Some(error));
                None
            }
        }
    }
}
