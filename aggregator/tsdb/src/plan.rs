//! Which blocks to merge next. A pure decision over what is known of them.

use std::collections::BTreeMap;

use crate::{
    block::BlockId,
    window::{CLASSES, Window, class_of},
};

/// What the decision needs to know of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: BlockId,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) bytes: u64,
    /// Whether a deletion concerns it.
    pub(crate) has_tombstones: bool,
}

/// Blocks to be merged into one, for which reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    pub(crate) blocks: Vec<BlockId>,
    pub(crate) window: Window,
}

/// So many blocks of a window that is not over yet are merged.
const OPEN_BLOCKS_MAX: usize = 8;

/// How long after its end a window is taken to be over, in milliseconds: 10 minutes for the
/// shortest, so that what is a little late is in the flush before.
const GRACE: i64 = 600 * 1000;

/// Blocks shorter than this, in bytes, are merged whatever their proportion.
const SMALL_BYTES: u64 = 1 << 20;

/// The next merge that is due, the shortest windows first.
pub(crate) fn next_merge(blocks: &[Candidate], now: i64, longest: usize) -> Option<Merge> {
    for class in 0..=longest.min(CLASSES - 1) {
        let mut windows: BTreeMap<Window, Vec<Candidate>> = BTreeMap::new();
        for block in blocks {
            if class_of(block.min, block.max).is_some_and(|own| own <= class) {
                windows.entry(Window::of(block.min, class)).or_default().push(*block);
            }
        }
        for (window, mut members) in windows {
            let is_over = now >= window.end.saturating_add(GRACE);
            if !is_over && (class > 0 || members.len() < OPEN_BLOCKS_MAX) {
                continue;
            }
            let blocks = of_like_size(&mut members);
            if blocks.len() > 1 {
                return Some(Merge { blocks, window });
            }
        }
    }
    deleted_from(blocks)
}

/// The smallest blocks, as long as none is much larger than those before it together: a few late
/// samples must not have gigabytes rewritten.
fn of_like_size(members: &mut [Candidate]) -> Vec<BlockId> {
    members.sort_unstable_by_key(|block| (block.bytes, block.id));
    let mut sum = 0;
    let mut taken = Vec::new();
    for block in members {
        if !taken.is_empty() && block.bytes > (2 * sum).max(SMALL_BYTES) {
            break;
        }
        sum += block.bytes;
        taken.push(block.id);
    }
    taken
}

/// A block that is rewritten without what was deleted.
pub(crate) fn deleted_from(blocks: &[Candidate]) -> Option<Merge> {
    let block = blocks.iter().find(|block| block.has_tombstones)?;
    let class = class_of(block.min, block.max).unwrap_or(CLASSES - 1);
    Some(Merge { blocks: vec![block.id], window: Window::of(block.min, class) })
}

#[cfg(test)]
mod tests;
