//! The blocks of a store: which there are, and changing that.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use disk::Disk;

use crate::{
    block::{BlockError, BlockId, cache::Cache, reader::Block, writer::Finished},
    manifest::{Manifest, Tombstone},
    outcome::StoreError,
    plan::Candidate,
    sync::{read, write},
};

/// Where blocks are, within the data directory.
pub(crate) const BLOCKS_DIR: &str = "blocks";
/// Where blocks go that are damaged and have been replaced by what could be read of them.
pub(super) const DAMAGED_DIR: &str = "damaged";

/// What a query sees of the blocks: the same ones from its beginning to its end.
#[derive(Debug, Default)]
pub(crate) struct BlockList {
    pub(crate) blocks: Vec<Arc<Block>>,
    pub(crate) tombstones: Vec<Tombstone>,
}

impl BlockList {
    /// The deletions that concern a tenant in a block.
    pub(crate) fn tombstones<'a>(
        &'a self,
        tenant: &'a model::tenant::TenantId,
        block: BlockId,
    ) -> impl Iterator<Item = &'a Tombstone> {
        self.tombstones.iter().filter(move |tombstone| tombstone.applies_to(tenant, block))
    }
}

/// The current list, and what it takes to open more.
#[derive(Debug)]
pub(crate) struct Blocks {
    pub(super) dir: PathBuf,
    pub(super) cache: Arc<Cache>,
    current: RwLock<Arc<BlockList>>,
}

/// The part that only maintenance touches.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Blocks of it that could not be opened stay in it: they may come back.
    pub(super) manifest: Manifest,
}

impl Blocks {
    pub(super) fn new(dir: &Path, cache_bytes: usize) -> Self {
        Self {
            dir: dir.join(BLOCKS_DIR),
            cache: Arc::new(Cache::new(cache_bytes)),
            current: RwLock::default(),
        }
    }

    pub(crate) fn current(&self) -> Arc<BlockList> {
        Arc::clone(&read(&self.current))
    }

    pub(super) fn open(&self, disk: &dyn Disk, id: BlockId) -> Result<Arc<Block>, BlockError> {
        Block::open(disk, &self.dir, id, &self.cache).map(Arc::new)
    }

    /// Gives finished blocks their names and opens them.
    pub(super) fn publish(
        &self,
        disk: &dyn Disk,
        finished: &[Finished],
    ) -> Result<Vec<Arc<Block>>, StoreError> {
        let failed = |error: std::io::Error| StoreError::io("name a block", &error);
        finished.iter().try_for_each(Finished::publish).map_err(failed)?;
        disk.sync_dir(&self.dir).map_err(failed)?;
        let open = |finished: &Finished| {
            self.open(disk, finished.footer.id)
                .map_err(|error| StoreError::Damaged(error.to_string()))
        };
        finished.iter().map(open).collect()
    }

    /// Shows queries what the manifest says.
    pub(super) fn install(&self, shelf: &Shelf, added: Vec<Arc<Block>>) {
        let mut current = write(&self.current);
        let wanted: BTreeSet<BlockId> = shelf.manifest.blocks.iter().copied().collect();
        let mut blocks: Vec<Arc<Block>> = current
            .blocks
            .iter()
            .cloned()
            .chain(added)
            .filter(|block| wanted.contains(&block.id()))
            .collect();
        blocks.sort_by_key(|block| block.id());
        let tombstones = shelf.manifest.tombstones.clone();
        *current = Arc::new(BlockList { blocks, tombstones });
    }

    /// What the choice of the next merge needs to know.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let current = self.current();
        let concerned =
            |block: &Block| current.tombstones.iter().any(|tombstone| concerns(tombstone, block));
        let candidate = |block: &Arc<Block>| Candidate {
            id: block.id(),
            min: block.footer.min,
            max: block.footer.max,
            bytes: block.bytes,
            has_tombstones: concerned(block),
        };
        current.blocks.iter().map(candidate).collect()
    }
}

impl Shelf {
    /// Forgets deletions that no block is left to apply to. Of a block that is not open nobody knows
    /// what it has.
    pub(super) fn drop_tombstones(&mut self, open: &BlockList) {
        let Manifest { blocks, tombstones, .. } = &mut self.manifest;
        tombstones.retain(|tombstone| blocks.iter().any(|id| open.may_concern(tombstone, *id)));
    }
}

impl BlockList {
    /// Whether a deletion takes something from a block, as far as is known.
    pub(super) fn may_concern(&self, tombstone: &Tombstone, id: BlockId) -> bool {
        let found = self.blocks.binary_search_by_key(&id, |block| block.id()).ok();
        let block = found.and_then(|at| self.blocks.get(at));
        id <= tombstone.until && block.is_none_or(|block| concerns(tombstone, block))
    }
}

/// Whether a block has samples of the tenant in the time that a deletion is of.
fn concerns(tombstone: &Tombstone, block: &Block) -> bool {
    let tenant = block.tenant(&tombstone.tenant);
    let overlaps = tenant.is_some_and(|of| of.min <= tombstone.end && of.max >= tombstone.start);
    overlaps && block.id() <= tombstone.until
}
