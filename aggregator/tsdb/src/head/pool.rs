//! Memory for the many small and growing byte strings of a tenant's series.
//!
//! A string is a chain of small blocks of one size. Blocks are never given back to the allocator
//! but used again, so that hours of growing and sealing leave no holes behind.

/// Bytes of a block beside the link.
const BLOCK_BYTES: usize = 28;
/// Blocks that are allocated together.
const PAGE_BLOCKS: usize = 64;
/// Blocks that the first page grows by, as most tenants are small.
const STEP_BLOCKS: usize = 8;
/// No block.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Block {
    bytes: [u8; BLOCK_BYTES],
    /// The next block of the chain, or of the free ones.
    next: u32,
}

/// A pool of blocks.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Full of blocks, free ones among them, but for a first page that is growing.
    pages: Vec<Vec<Block>>,
    free: u32,
    used: usize,
}

/// A string of bytes in a pool. Packed, as there is one for each series.
#[derive(Debug)]
#[repr(Rust, packed(2))]
pub(crate) struct Chain {
    head: u32,
    tail: u32,
    /// Bytes of the first block that no longer belong to the string.
    start: u8,
    /// Bytes of the last block that are filled.
    end: u8,
}

/// Reads a string from its first byte to its last, without a copy of what is passed over.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pool: &'a Pool,
    /// The block, and the place in it.
    number: u32,
    at: usize,
    tail: u32,
    /// Where the string ends in the last block.
    end: usize,
}

impl<'a> Reader<'a> {
    /// What is left of the block, or the next one when nothing is; empty at the end of the string.
    #[inline]
    fn piece(&mut self) -> &'a [u8] {
        while self.number != NONE {
            let block = self.pool.get(self.number);
            let is_last = self.number == self.tail;
            let end = if is_last { self.end } else { BLOCK_BYTES };
            if self.at < end {
                return block.bytes.get(self.at..end).unwrap_or_default();
            }
            (self.number, self.at) = (if is_last { NONE } else { block.next }, 0);
        }
        &[]
    }

    /// Takes bytes piece by piece. `None` when there are fewer.
    pub(crate) fn take(&mut self, mut count: usize, mut visit: impl FnMut(&[u8])) -> Option<()> {
        while count > 0 {
            let piece = self.piece();
            let taken = piece.get(..count).unwrap_or(piece);
            if taken.is_empty() {
                return None;
            }
            visit(taken);
            self.at += taken.len();
            count -= taken.len();
        }
        Some(())
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self { pages: Vec::new(), free: NONE, used: 0 }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self { head: NONE, tail: NONE, start: 0, end: 0 }
    }
}

impl Chain {
    fn is_empty(&self) -> bool {
        self.head == NONE
    }
}

impl Pool {
    /// Bytes in use, links and all.
    pub(crate) fn used_bytes(&self) -> usize {
        self.used * size_of::<Block>()
    }

    /// Bytes that the allocator has given.
    pub(crate) fn heap_bytes(&self) -> usize {
        let blocks: usize = match self.pages.as_slice() {
            [only] => only.capacity(),
            pages => pages.len() * PAGE_BLOCKS,
        };
        blocks * size_of::<Block>() + self.pages.capacity() * size_of::<Vec<Block>>()
    }

    fn block(&mut self, number: u32) -> &mut Block {
        &mut self.pages[number as usize / PAGE_BLOCKS][number as usize % PAGE_BLOCKS]
    }

    fn take(&mut self) -> u32 {
        if self.free == NONE {
            self.grow();
        }
        let number = self.free;
        let block = self.block(number);
        let next = std::mem::replace(&mut block.next, NONE);
        self.free = next;
        self.used += 1;
        number
    }

    /// Makes free blocks: some more of the first page, or another whole one.
    #[cold]
    fn grow(&mut self) {
        let is_small = self.pages.first().is_none_or(|first| first.len() < PAGE_BLOCKS);
        let count = if is_small { STEP_BLOCKS } else { PAGE_BLOCKS };
        if !is_small || self.pages.is_empty() {
            self.pages.push(Vec::new());
        }
        let before = (self.pages.len() - 1) * PAGE_BLOCKS;
        let Some(page) = self.pages.last_mut() else { return };
        let first = (before + page.len()) as u32;
        page.reserve_exact(count);
        for next in (first + 1..).take(count - 1).chain([NONE]) {
            page.push(Block { bytes: [0; BLOCK_BYTES], next });
        }
        self.free = first;
    }

    fn give(&mut self, number: u32) {
        let free = self.free;
        self.block(number).next = free;
        self.free = number;
        self.used -= 1;
    }

    /// Adds bytes at the end.
    #[inline]
    pub(crate) fn append(&mut self, chain: &mut Chain, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if chain.tail == NONE || usize::from(chain.end) == BLOCK_BYTES {
                let new = self.take();
                if chain.tail == NONE {
                    (chain.head, chain.start) = (new, 0);
                } else {
                    self.block(chain.tail).next = new;
                }
                (chain.tail, chain.end) = (new, 0);
            }
            let end = usize::from(chain.end);
            let taken = bytes.len().min(BLOCK_BYTES - end);
            let (now, later) = bytes.split_at(taken);
            self.block(chain.tail).bytes[end..end + taken].copy_from_slice(now);
            chain.end += taken as u8;
            bytes = later;
        }
    }

    /// The last byte, to be changed.
    pub(crate) fn last_mut(&mut self, chain: &Chain) -> Option<&mut u8> {
        if chain.is_empty() {
            return None;
        }
        let last = usize::from(chain.end).checked_sub(1)?;
        self.block(chain.tail).bytes.get_mut(last)
    }

    fn get(&self, number: u32) -> &Block {
        &self.pages[number as usize / PAGE_BLOCKS][number as usize % PAGE_BLOCKS]
    }

    /// Reads a chain from the first byte on.
    pub(crate) fn reader(&self, chain: &Chain) -> Reader<'_> {
        let (number, tail) = (chain.head, chain.tail);
        let (at, end) = (usize::from(chain.start), usize::from(chain.end));
        Reader { pool: self, number, at, tail, end }
    }

    /// Visits the bytes from the first to the last, piece by piece.
    pub(crate) fn pieces(&self, chain: &Chain, visit: impl FnMut(&[u8])) {
        // There are fewer, so that it ends at the last.
        self.reader(chain).take(usize::MAX, visit);
    }

    /// Appends the bytes of a chain to `out`.
    pub(crate) fn copy(&self, chain: &Chain, out: &mut Vec<u8>) {
        self.pieces(chain, |piece| out.extend_from_slice(piece));
    }

    /// The first eight bytes, if there are so many.
    pub(crate) fn first_word(&self, chain: &Chain) -> Option<[u8; 8]> {
        let (mut word, mut filled) = ([0; 8], 0);
        self.reader(chain).take(word.len(), |piece| {
            word[filled..filled + piece.len()].copy_from_slice(piece);
            filled += piece.len();
        })?;
        Some(word)
    }

    /// Takes bytes off the front.
    pub(crate) fn drop_front(&mut self, chain: &mut Chain, mut count: usize) {
        while count > 0 && chain.head != NONE {
            let is_last = chain.head == chain.tail;
            let end = if is_last { usize::from(chain.end) } else { BLOCK_BYTES };
            let left = end - usize::from(chain.start);
            if count < left {
                chain.start += count as u8;
                return;
            }
            count -= left;
            let next = self.block(chain.head).next;
            self.give(chain.head);
            *chain = if is_last {
                Chain::default()
            } else {
                Chain { head: next, start: 0, tail: chain.tail, end: chain.end }
            };
        }
    }

    /// Empties a chain.
    pub(crate) fn clear(&mut self, chain: &mut Chain) {
        self.drop_front(chain, usize::MAX);
    }
}

#[cfg(test)]
mod tests;
