//! Columns of times and symbols of labels, which many series share, while series are being read.

use std::{cell::RefCell, sync::Arc};

use model::labels::Labels;

use super::{
    BlockError,
    cache::Page,
    index::BlockTenant,
    root::{Root, SharedPage, find},
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

    /// The page in a place of the list; read from the second copy where the first is damaged.
    fn get(&self, place: usize, page: SharedPage) -> Result<Arc<Page>, BlockError> {
        if let Some(Some(found)) = self.loaded.borrow().get(place) {
            return Ok(Arc::clone(found));
        }
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
}

impl<'a> Columns<'a> {
    pub(super) fn new(tenant: &'a BlockTenant) -> Self {
        Self { pages: Pages::new(tenant, "a list of times"), error: RefCell::default() }
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
        match self.get(column) {
            Ok((_, entry)) => Some(entry.count),
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
}

impl<'a> Symbols<'a> {
    pub(super) fn new(tenant: &'a BlockTenant) -> Self {
        Self { pages: Pages::new(tenant, "a list of labels") }
    }

    /// The label set that some symbols are.
    pub(super) fn labels(&self, symbols: &[u32]) -> Result<Labels, BlockError> {
        let root = self.pages.tenant.root()?;
        for symbol in symbols {
            let found = find(&root.symbol_pages, *symbol, root.symbols);
            let (page, place, _) = found.ok_or_else(|| self.pages.damaged())?;
            self.pages.get(place, page)?;
        }
        let loaded = self.pages.loaded.borrow();
        let pairs: Option<Vec<(&str, &str)>> =
            symbols.iter().map(|symbol| pair(root, &loaded, *symbol)).collect();
        pairs.and_then(Labels::from_sorted).ok_or_else(|| self.pages.damaged())
    }
}

fn pair<'a>(
    root: &'a Root,
    loaded: &'a [Option<Arc<Page>>],
    number: u32,
) -> Option<(&'a str, &'a str)> {
    let (first, place, _) = find(&root.symbol_pages, number, root.symbols)?;
    let page = loaded.get(place)?.as_ref()?;
    let symbol = page.symbols()?.get((number - first.first) as usize)?;
    let value = page.bytes.get(symbol.value.clone())?;
    Some((root.names.get(symbol.name as usize)?, std::str::from_utf8(value).ok()?))
}
