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
    /// The set made last, which mostly has some of the same pairs in the same places, and the one
    /// in the making.
    sets: RefCell<[PackedSet; 2]>,
}

/// A packed label set, and of each pair its symbol, the rank of its name and where it ends.
#[derive(Debug, Default)]
struct PackedSet {
    packed: Vec<u8>,
    pairs: Vec<(u32, u32, usize)>,
}

impl PackedSet {
    /// A pair as its symbol, the rank of its name, and its bytes.
    fn get(&self, place: usize) -> Option<(u32, u32, &[u8])> {
        let (symbol, rank, end) = *self.pairs.get(place)?;
        let before = place.checked_sub(1).and_then(|before| self.pairs.get(before));
        let start = before.map_or(0, |(_, _, end)| *end);
        Some((symbol, rank, self.packed.get(start..end)?))
    }

    /// Adds a pair. `None` when its name does not come after the last one.
    fn push(&mut self, symbol: u32, rank: u32, pair: &[u8]) -> Option<()> {
        if self.pairs.last().is_some_and(|(_, last, _)| rank <= *last) {
            return None;
        }
        self.packed.extend_from_slice(pair);
        self.pairs.push((symbol, rank, self.packed.len()));
        Some(())
    }
}

impl<'a> Symbols<'a> {
    pub(super) fn new(tenant: &'a BlockTenant) -> Self {
        Self { pages: Pages::new(tenant, "a list of labels"), sets: RefCell::default() }
    }

    /// The label set that some symbols are.
    pub(super) fn labels(&self, symbols: &[u32]) -> Result<Labels, BlockError> {
        let root = self.pages.tenant.root()?;
        let mut sets = self.sets.borrow_mut();
        let [set, last] = &mut *sets;
        std::mem::swap(set, last);
        set.packed.clear();
        set.pairs.clear();
        for (place, symbol) in symbols.iter().enumerate() {
            if let Some((_, rank, pair)) = last.get(place).filter(|known| known.0 == *symbol) {
                set.push(*symbol, rank, pair).ok_or_else(|| self.pages.damaged())?;
                continue;
            }
            let found = find(&root.symbol_pages, *symbol, root.symbols);
            let (page, place, _) = found.ok_or_else(|| self.pages.damaged())?;
            self.pages.with(place, page, |loaded| {
                let (rank, pair) = loaded.symbols(root)?.get((symbol - page.first) as usize)?;
                set.push(*symbol, rank, pair)
            })?;
        }
        Ok(Labels::from_packed_pairs(&set.packed))
    }
}
