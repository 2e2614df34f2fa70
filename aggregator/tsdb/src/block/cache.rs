//! Pages that were read lately, unpacked and parsed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use roaring::RoaringBitmap;

use super::{
    BlockId,
    labels::SymbolPage,
    root::Root,
    series::{ColumnEntry, read_columns},
};
use crate::{select::memo::Memo, sync::lock};

/// A page in memory.
#[derive(Debug)]
pub(crate) struct Page {
    pub(super) bytes: Vec<u8>,
    /// What the bytes are, once somebody wanted to know.
    root: OnceLock<Option<Root>>,
    columns: OnceLock<Option<Vec<ColumnEntry>>>,
    symbols: OnceLock<Option<SymbolPage>>,
    /// Of a root: series that were found for patterns.
    pub(super) memo: Memo<RoaringBitmap>,
}

impl Page {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            root: OnceLock::new(),
            columns: OnceLock::new(),
            symbols: OnceLock::new(),
            memo: Memo::default(),
        }
    }

    pub(super) fn root(&self) -> Option<&Root> {
        self.root.get_or_init(|| Root::read(&self.bytes)).as_ref()
    }

    pub(super) fn symbols(&self, root: &Root) -> Option<&SymbolPage> {
        self.symbols.get_or_init(|| SymbolPage::read(&self.bytes, root)).as_ref()
    }

    pub(super) fn columns(&self) -> Option<&[ColumnEntry]> {
        self.columns.get_or_init(|| read_columns(&self.bytes)).as_deref()
    }
}

/// Where a page is: its block, and its offset there.
type Key = (BlockId, u64);

/// A cache of pages, bounded in bytes.
///
/// It has two halves. What is read goes to the new one; when that is full it becomes the old one,
/// whose content is forgotten unless it is read again before the next turn.
#[derive(Debug)]
pub(crate) struct Cache {
    halves: Mutex<Halves>,
    half_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Halves {
    new: HashMap<Key, Arc<Page>>,
    old: HashMap<Key, Arc<Page>>,
    new_bytes: usize,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { halves: Mutex::default(), half_bytes_max: bytes_max / 2 }
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<Page>> {
        let mut halves = lock(&self.halves);
        if let Some(page) = halves.new.get(&key) {
            return Some(Arc::clone(page));
        }
        let page = halves.old.remove(&key)?;
        self.put(&mut halves, key, &page);
        Some(page)
    }

    pub(super) fn insert(&self, key: Key, page: &Arc<Page>) {
        self.put(&mut lock(&self.halves), key, page);
    }

    fn put(&self, halves: &mut Halves, key: Key, page: &Arc<Page>) {
        // Parsed, a page takes about as much again.
        let bytes = page.bytes.len() * 2 + 128;
        if halves.new_bytes + bytes > self.half_bytes_max {
            halves.old = std::mem::take(&mut halves.new);
            halves.new_bytes = 0;
        }
        halves.new_bytes += bytes;
        halves.new.insert(key, Arc::clone(page));
    }
}
