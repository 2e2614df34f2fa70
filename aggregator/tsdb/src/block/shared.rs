//! Columns of times and symbols of labels, which many series share, while series are being read.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use model::labels::Labels;

use super::{
    BlockError,
    cache::Page,
    index::BlockTenant,
    root::{SharedPage, find},
    series::{ColumnEntry, Counts},
};

/// The pages that one reading has needed so far, by their place in the root's list.
#[derive(Debug)]
struct Pages<'a> {
    tenant: &'a BlockTenant,
    loaded: RefCell<Vec<Option<Arc<Page>>>>,
    what: &'static str,
}

impl<'a> Pages<'a> {
    fn new(tenant: &'a BlockTenant, what: &'static str) -> Self {
        Self { tenant, loaded: RefCell::default(), what }
    }

    fn damaged(&self) -> BlockError {
        self.tenant.block.damaged(self.what)
    }

    /// What is found on the page in a place of the list.
    fn with<T>(
        &self,
        place: usize,
        page: SharedPage,
        find: impl FnOnce(&Page) -> Option<T>,
    ) -> Result<T, BlockError> {
        if let Some(Some(loaded)) = self.loaded.borrow().get(place) {
            return find(loaded).ok_or_else(|| self.damaged());
        }
        find(&*self.load(place, page)?).ok_or_else(|| self.damaged())
    }

    /// The page in a place of the list; read from the second copy where the first is damaged.
    fn get(&self, place: usize, page: SharedPage) -> Result<Arc<Page>, BlockError> {
        if let Some(Some(found)) = self.loaded.borrow().get(place) {
            return Ok(Arc::clone(found));
        }
        self.load(place, page)
    }

    fn load(&self, place: usize, page: SharedPage) -> Result<Arc<Page>, BlockError> {
        let block = &self.tenant.block;
        let read = block.either(page.pages, |page| block.page(page, self.what))?;
        let mut loaded = self.loaded.borrow_mut();
        if loaded.len() <= place {
            loaded.resize(place + 1, None);
        }
        if let Some(slot) = loaded.get_mut(place) {
            *slot = Some(Arc::clone(&read));
        }
        Ok(read)
    }
}

/// Columns of times by number.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pages: Pages<'a>,
    error: RefCell<Option<BlockError>>,
    /// The column asked for last, and how many samples it has.
    last: Cell<Option<(u32, u32)>>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(tenant: &'a BlockTenant) -> Self {
        Self {
            pages: Pages::new(tenant, "a list of times"),
            error: RefCell::default(),
            last: Cell::new(None),
        }
    }

    /// A column and the page that it is in.
    pub(super) fn get(&self, column: u32) -> Result<(Arc<Page>, ColumnEntry), BlockError> {
        let damaged = || self.pages.damaged();
        let root = self.pages.tenant.root()?;
        let (page, place, _) =
            find(&root.column_pages, column, root.columns).ok_or_else(damaged)?;
        let found = self.pages.get(place, page)?;
        let entries = found.columns().ok_or_else(damaged)?;
        let entry = *entries.get((column - page.first) as usize).ok_or_else(damaged)?;
        Ok((found, entry))
    }

    /// The error that a count was not found for.
    pub(super) fn error(&self) -> Option<BlockError> {
        self.error.take()
    }
}

impl Counts for Columns<'_> {
    fn count(&self, column: u32) -> Option<u32> {
        if let Some((_, count)) = self.last.get().filter(|(last, _)| *last == column) {
            return Some(count);
        }
        match self.get(column) {
            Ok((_, entry)) => {
                self.last.set(Some((column, entry.count)));
                Some(entry.count)
            }
            Err(error) => {
                self.error.replace(Some(error));
                None
            }
        }
    }
}

/// Pairs of name and value by number.
#[derive(Debug)]
pub(super) struct Symbols<'a> {
    pages: Pages<'a>,
    packed: RefCell<Vec<u8>>,
}

impl<'a> Symbols<'a> {
    pub(super) fn new(tenant: &'a BlockTenant) -> Self {
        Self { pages: Pages::new(tenant, "a list of labels"), packed: RefCell::default() }
    }

    /// The label set that some symbols are.
    pub(super) fn labels(&self, symbols: &[u32]) -> Result<Labels, BlockError> {
        let root = self.pages.tenant.root()?;
        let mut packed = self.packed.borrow_mut();
        packed.clear();
        let mut least_rank = 0;
        for symbol in symbols {
            let found = find(&root.symbol_pages, *symbol, root.symbols);
            let (page, place, _) = found.ok_or_else(|| self.pages.damaged())?;
            self.pages.with(place, page, |loaded| {
                let (rank, pair) = loaded.symbols(root)?.get((symbol - page.first) as usize)?;
                if rank < least_rank {
                    return None;
                }
                least_rank = rank + 1;
                packed.extend_from_slice(pair);
                Some(())
            })?;
        }
        Ok(Labels::from_packed_pairs(&packed))
    }
}
