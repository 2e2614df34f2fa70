//! Labels of a few series that came one after the other, and mostly share them.

use hashbrown::HashTable;

/// Series whose labels are kept together, and dropped together.
pub(super) const PAGE_SERIES: usize = 64;

/// Pairs that a packed page can tell apart.
const DISTINCT_MAX: usize = 256;

/// Labels of [`PAGE_SERIES`] series as numbers of pairs.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Of each label of each series; once packed, of each pair that is used at all.
    pairs: Vec<u32>,
    /// Once packed: of each label of each series, which of `pairs` it is.
    packed: Option<Box<[u8]>>,
    /// Where the labels of each series end.
    ends: Vec<u16>,
    /// How many series are left.
    live: u16,
}

impl Page {
    /// Adds a label to the series that is being added.
    pub(super) fn push(&mut self, pair: u32) {
        self.pairs.push(pair);
    }

    pub(super) fn end_series(&mut self) {
        self.ends.push(self.pairs.len() as u16);
        self.live += 1;
    }

    /// Makes the page as small as it gets. Nothing can be added afterwards.
    pub(super) fn pack(&mut self) {
        self.ends.shrink_to_fit();
        let mut numbers: HashTable<(u32, u8)> = HashTable::new();
        let hash = |pair: u32| u64::from(pair).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (mut distinct, mut packed) = (Vec::new(), Vec::with_capacity(self.pairs.len()));
        for pair in &self.pairs {
            let known = numbers.find(hash(*pair), |(known, _)| known == pair);
            let number = match known {
                Some((_, number)) => *number,
                None if distinct.len() < DISTINCT_MAX => {
                    let number = distinct.len() as u8;
                    numbers.insert_unique(hash(*pair), (*pair, number), |(pair, _)| hash(*pair));
                    distinct.push(*pair);
                    number
                }
                None => {
                    self.pairs.shrink_to_fit();
                    return;
                }
            };
            packed.push(number);
        }
        distinct.shrink_to_fit();
        self.pairs = distinct;
        self.packed = Some(packed.into());
    }

    /// The pairs of a series, by its place in the page.
    pub(super) fn pairs_of(&self, place: usize) -> impl Iterator<Item = u32> {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let start = usize::from(start.unwrap_or(0));
        let end = self.ends.get(place).map_or(start, |end| usize::from(*end));
        (start..end).filter_map(|at| match &self.packed {
            Some(packed) => self.pairs.get(usize::from(*packed.get(at)?)).copied(),
            None => self.pairs.get(at).copied(),
        })
    }

    /// Notes that a series is gone. Returns whether it was the last of a page that is full.
    pub(super) fn forget_one(&mut self) -> bool {
        self.live -= 1;
        self.live == 0 && self.ends.len() == PAGE_SERIES
    }

    /// Memory in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + self.pairs.capacity() * size_of::<u32>()
            + self.packed.as_ref().map_or(0, |packed| packed.len())
            + self.ends.capacity() * size_of::<u16>()
    }
}
