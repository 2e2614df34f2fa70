//! Reading a block: its footer, its tenants, its pages.

use std::{path::Path, sync::Arc};

use disk::{Disk, File};
use model::tenant::TenantId;

use super::{
    BlockError, BlockId,
    cache::{Cache, Page},
    directory::{Footer, TenantEntry, read_directory},
    format::PageRef,
};
use crate::times::Times;

/// Both footers are within so many bytes from the end.
const FOOTERS_BYTES_MAX: u64 = 64 << 10;

/// An open block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) footer: Footer,
    pub(crate) tenants: Vec<TenantEntry>,
    /// Length of the file.
    pub(crate) bytes: u64,
    file: Box<dyn File>,
    cache: Arc<Cache>,
}

impl Block {
    /// Opens a block by its number. Its footer and its list of tenants are read and checked.
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Path,
        id: BlockId,
        cache: &Arc<Cache>,
    ) -> Result<Self, BlockError> {
        let io = |error: std::io::Error| BlockError::Io { block: id, message: error.to_string() };
        let damaged = |what: &str| BlockError::Damaged { block: id, what: what.to_owned() };
        let file = disk.open(&dir.join(id.file_name())).map_err(io)?;
        let bytes = file.size().map_err(io)?;
        let length = usize::try_from(bytes.min(FOOTERS_BYTES_MAX)).unwrap_or(0);
        let mut end = vec![0; length];
        file.read_exact_at(&mut end, bytes - length as u64).map_err(io)?;
        let footer = Footer::find(id, &end)?;
        if footer.id != id {
            return Err(damaged("the name"));
        }
        let cache = Arc::clone(cache);
        let mut block = Self { footer, tenants: Vec::new(), bytes, file, cache };
        block.tenants = block.read_tenants()?;
        Ok(block)
    }

    fn read_tenants(&self) -> Result<Vec<TenantEntry>, BlockError> {
        self.either(self.footer.directories, |page| {
            let page = self.read(page, "the list of tenants")?;
            read_directory(&page.bytes).ok_or_else(|| self.damaged("the list of tenants"))
        })
    }

    /// The first of two copies that can be read.
    pub(super) fn either<T>(
        &self,
        [first, second]: [PageRef; 2],
        read: impl Fn(PageRef) -> Result<T, BlockError>,
    ) -> Result<T, BlockError> {
        read(first).or_else(|_| read(second))
    }

    /// The root page of a tenant.
    pub(super) fn root(&self, entry: &TenantEntry) -> Result<Arc<Page>, BlockError> {
        self.either(entry.roots, |page| {
            let page = self.page(page, "a root")?;
            if page.root().is_some() { Ok(page) } else { Err(self.damaged("a root")) }
        })
    }

    pub(crate) fn id(&self) -> BlockId {
        self.footer.id
    }

    /// Whether there may be samples that a selection asks for.
    pub(crate) fn meets(&self, times: &Times) -> bool {
        times.meet(self.footer.min, self.footer.max)
    }

    pub(crate) fn tenant(&self, tenant: &TenantId) -> Option<&TenantEntry> {
        let found = self.tenants.binary_search_by(|entry| entry.tenant.cmp(tenant)).ok()?;
        self.tenants.get(found)
    }

    /// A page, from the cache if it is there.
    pub(super) fn page(&self, page: PageRef, what: &str) -> Result<Arc<Page>, BlockError> {
        let key = (self.id(), page.offset);
        if let Some(found) = self.cache.get(key) {
            return Ok(found);
        }
        let read = Arc::new(self.read(page, what)?);
        self.cache.insert(key, &read);
        Ok(read)
    }

    /// A page from the disk, for those who will not want it again.
    pub(super) fn read(&self, page: PageRef, what: &str) -> Result<Page, BlockError> {
        if page.offset.checked_add(u64::from(page.stored)).is_none_or(|end| end > self.bytes) {
            return Err(self.damaged(what));
        }
        let mut stored = vec![0; page.stored as usize];
        self.file
            .read_exact_at(&mut stored, page.offset)
            .map_err(|error| BlockError::Io { block: self.id(), message: error.to_string() })?;
        let bytes = page
            .unpack(stored)
            .ok_or_else(|| self.damaged(&format!("{what} at byte {}", page.offset)))?;
        Ok(Page::new(bytes))
    }

    pub(super) fn damaged(&self, what: &str) -> BlockError {
        BlockError::Damaged { block: self.id(), what: what.to_owned() }
    }
}
