//! Walking through all series of a tenant of a block, for compaction and checking.

use std::sync::Arc;

use model::{labels::Labels, tenant::TenantId};

use super::{
    BlockError,
    cache::Page,
    index::{BlockSeries, BlockTenant},
    reader::Block,
    series::SeriesReader,
    shared::{Columns, Symbols},
};

/// Visits the series of one tenant in order, page by page.
#[derive(Debug)]
pub(crate) struct Cursor {
    tenant: BlockTenant,
    next_page: usize,
    /// The series of the page in hand, the next one last.
    ready: Vec<(Labels, BlockSeries)>,
}

impl Cursor {
    /// `None` when the block has nothing of the tenant.
    pub(crate) fn open(block: &Arc<Block>, tenant: &TenantId) -> Result<Option<Self>, BlockError> {
        let tenant = BlockTenant::open(block, tenant)?;
        Ok(tenant.map(|tenant| Self { tenant, next_page: 0, ready: Vec::new() }))
    }

    /// The labels of the series that [`Self::next`] gives.
    pub(crate) fn peek(&self) -> Option<&Labels> {
        self.ready.last().map(|(labels, _)| labels)
    }

    /// Makes the next series ready, if there is one. After an error the damaged page is skipped
    /// by calling again.
    pub(crate) fn fill(&mut self) -> Result<(), BlockError> {
        while self.ready.is_empty() {
            let root = self.tenant.root()?;
            let Some(page) = root.series_pages.get(self.next_page).copied() else { return Ok(()) };
            self.next_page += 1;
            let bytes: Page = self.tenant.block.read(page.page, "series")?;
            let (columns, symbols) = (Columns::new(&self.tenant), Symbols::new(&self.tenant));
            let mut reader = SeriesReader::new(&bytes.bytes, &columns);
            let mut ready = Vec::new();
            while !reader.is_at_end() {
                self.tenant.advance(&mut reader, &columns)?;
                let labels = symbols.labels(&reader.symbols)?;
                ready.push((labels, self.tenant.series(&reader.chunks, &columns)?));
            }
            ready.reverse();
            self.ready = ready;
        }
        Ok(())
    }

    pub(crate) fn next(&mut self) -> Option<(Labels, BlockSeries)> {
        self.ready.pop()
    }
}
