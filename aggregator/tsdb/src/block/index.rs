//! One tenant's part of a block: finding series by labels, and their samples by time.

use std::sync::Arc;

use model::{
    labels::Labels,
    query::{QueryError, TimesSource},
    tenant::TenantId,
};
use roaring::RoaringBitmap;

use super::{
    BlockError, BlockId,
    cache::Page,
    labels::{collect, read_page},
    reader::Block,
    root::{Root, find},
    series::{ChunkEntry, ColumnEntry, SeriesReader},
    shared::{Columns, Symbols},
};
use crate::{
    bounds::Bounds,
    chunk,
    piece::Piece,
    samples::Samples,
    select::{Condition, LabelIndex, Pattern, memo::WORTH_REMEMBERING, resolve},
    times::{Stand, Times},
    union::Union,
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
    stand: Stand,
}

/// The column of times of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkTimes<'a> {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) count: usize,
    page: &'a Arc<Page>,
    offset: usize,
}

impl ChunkTimes<'_> {
    pub(crate) fn source(&self) -> TimesSource {
        TimesSource::new(Arc::<Page>::clone(self.page), self.offset)
    }

    pub(crate) fn has_source(&self, source: &TimesSource) -> bool {
        source.is(self.page, self.offset)
    }
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

    /// Visits the series that match and have samples in a range of time, in order of labels, until
    /// the visitor returns `false`.
    pub(crate) fn select(
        &self,
        conditions: &[Condition],
        times: &Times,
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(Labels, BlockSeries) -> bool,
    ) -> Result<(), QueryError> {
        let found = resolve(conditions, self, bounds)?;
        let mut pace = bounds.pace();
        let (columns, symbols) = (Columns::new(self), Symbols::new(self));
        let root = self.root()?;
        let mut numbers = found.iter().peekable();
        while let Some(first) = numbers.peek().copied() {
            let (page, _, until) = find(&root.series_pages, first, root.series)
                .ok_or_else(|| self.block.damaged("a list of series"))?;
            let bytes = self.block.page(page.page, "series")?;
            let mut reader = SeriesReader::new(&bytes.bytes, &columns);
            let mut number = page.first;
            while let Some(wanted) = numbers.peek().copied().filter(|wanted| *wanted < until) {
                let skipped = reader.skip(wanted - number);
                number += skipped.ok_or_else(|| self.block.damaged("series"))?;
                pace.step()?;
                self.advance(&mut reader, &columns)?;
                if numbers.next_if_eq(&number).is_some() {
                    let chunks = self.locate(&reader.chunks, &columns, times)?;
                    if !chunks.is_empty() {
                        let labels = symbols.labels(&reader.symbols)?;
                        if !visit(labels, BlockSeries { tenant: self.clone(), chunks }) {
                            return Ok(());
                        }
                    }
                }
                number += 1;
            }
        }
        Ok(())
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
        times: &Times,
    ) -> Result<Vec<Located>, BlockError> {
        let mut located = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let (columns, column) = columns.get(chunk.column)?;
            if times.meet(column.min, column.max) {
                let stand = times.stand(chunk.zone.as_ref(), column.min, column.max);
                located.push(Located { columns, column, source: source(chunk), stand });
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
        let chunks = self.locate(chunks, columns, &Times::ALL)?;
        Ok(BlockSeries { tenant: self.clone(), chunks })
    }

    pub(crate) fn block_id(&self) -> BlockId {
        self.block.id()
    }

    /// Calls back with each value of a label that some of the series have, in order and as many as
    /// the bounds allow; all series when `None`.
    pub(crate) fn values(
        &self,
        name: &str,
        series: Option<&RoaringBitmap>,
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        let root = self.root()?;
        let mut left = bounds.limit;
        self.visit(name, "", bounds, &mut |value, list| {
            if value.is_empty() {
                return Some(true);
            }
            if let Some(series) = series {
                let mut own = RoaringBitmap::new();
                collect(list, root, &mut own)?;
                if own.is_disjoint(series) {
                    return Some(true);
                }
            }
            visit(value);
            left -= 1;
            Some(left > 0)
        })
    }

    /// The label names, in no order.
    pub(crate) fn names(&self) -> Result<&[Box<str>], BlockError> {
        Ok(&self.root()?.names)
    }

    /// Visits the entries of one name whose values begin with a prefix, until the visitor returns
    /// `false`; `None` when they are damaged.
    fn visit(
        &self,
        name: &str,
        prefix: &str,
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(&str, super::postings::List<'_>) -> Option<bool>,
    ) -> Result<(), QueryError> {
        let root = self.root()?;
        let found = root.names.iter().position(|known| **known == *name);
        let Some(number) = found.map(|number| number as u32) else { return Ok(()) };
        // The page before the first that begins behind what is wanted.
        let name_of = |number: u32| root.names.get(number as usize).map_or("", |name| name);
        let after = root
            .labels
            .partition_point(|page| (name_of(page.name), &*page.value) <= (name, prefix));
        let mut wants_more = true;
        let pages = root.labels.get(after.saturating_sub(1)..).unwrap_or_default();
        for page in pages {
            bounds.check()?;
            let first = name_of(page.name);
            if first > name || (first == name && !may_begin(&page.value, prefix)) {
                break;
            }
            let bytes = self.block.page(page.page, "labels")?;
            read_page(&bytes.bytes, |entry, value, list| {
                if entry != number {
                    return Some(name_of(entry) < name);
                }
                wants_more = !value.starts_with(prefix) || visit(value, list)?;
                Some(wants_more && may_begin(value, prefix))
            })
            .ok_or_else(|| self.block.damaged("labels"))?;
            if !wants_more {
                break;
            }
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
        self.visit(name, value, &Bounds::NONE, &mut |entry, list| {
            if entry == value {
                collect(list, root, &mut found)?;
            }
            Some(false)
        })?;
        Ok(found)
    }

    fn with_values(
        &self,
        name: &str,
        pattern: &Pattern<'_>,
        _among: Option<&RoaringBitmap>,
    ) -> Result<RoaringBitmap, QueryError> {
        if let Some(found) = self.root.memo.get(name, pattern.text) {
            return Ok(RoaringBitmap::clone(&found));
        }
        let series = self.root()?.series;
        let mut found = Union::new(series);
        let mut tried = 0;
        self.visit(name, pattern.prefix, pattern.bounds, &mut |value, list| {
            tried += 1;
            if !value.is_empty() && (pattern.pass)(value) {
                list.runs(series, |start, end| found.add_range(start, end))?;
            }
            Some(true)
        })?;
        let found = found.finish();
        if tried >= WORTH_REMEMBERING {
            let bytes = found.serialized_size();
            self.root.memo.put(name, pattern.text, Arc::new(found.clone()), bytes);
        }
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

    /// What stands for the samples of a chunk, by its place among [`Self::spans`].
    pub(crate) fn stand(&self, place: usize) -> Stand {
        self.chunks.get(place).map_or(Stand::None, |chunk| chunk.stand)
    }

    /// Appends the chunks to `pieces`; false when something stands for the samples of one.
    pub(crate) fn pieces<'a>(&'a self, pieces: &mut Vec<Piece<'a>>) -> bool {
        let chunks = self.chunks.iter().enumerate();
        pieces.extend(chunks.map(|(place, chunk)| {
            let column = &chunk.column;
            let (count, offset) = (column.count as usize, column.offset as usize);
            let page = &chunk.columns;
            let times = ChunkTimes { min: column.min, max: column.max, count, page, offset };
            Piece::Stored(self, place, times)
        }));
        self.chunks.iter().all(|chunk| matches!(chunk.stand, Stand::All))
    }

    /// Appends the values of one chunk if they are floats without start timestamps and can be read.
    pub(crate) fn decode_plain(&self, place: usize, values: &mut Vec<f64>) -> bool {
        let Some(chunk) = self.chunks.get(place) else { return false };
        let count = chunk.column.count as usize;
        match chunk.source {
            Source::Uniform(value) => {
                values.resize(values.len() + count, value);
                true
            }
            Source::Page { page, offset, length } => {
                let read = self.payload_page(page).ok();
                let payload = read
                    .as_ref()
                    .and_then(|page| page.bytes.get(offset as usize..)?.get(..length as usize));
                payload.is_some_and(|payload| chunk::decode_plain(payload, count, values))
            }
        }
    }

    fn payload_page(&self, number: u32) -> Result<Arc<Page>, BlockError> {
        let block = &self.tenant.block;
        let page = self.tenant.root()?.payloads.get(number as usize);
        block.page(*page.ok_or_else(|| block.damaged("a list of samples"))?, "samples")
    }

    /// Appends the samples of one chunk, unsettled.
    pub(crate) fn decode_one(&self, place: usize, out: &mut Samples) -> Result<(), BlockError> {
        self.chunks.get(place).map_or(Ok(()), |chunk| self.decode_chunk(chunk, out))
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
                let page = self.payload_page(page)?;
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
