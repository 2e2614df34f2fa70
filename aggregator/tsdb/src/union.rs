//! The union of many sets of series.

use roaring::RoaringBitmap;

/// So many numbers are sorted; more of them are marked in an array of bits.
const FEW_MAX: usize = 4096;

/// Sets with more numbers than this are joined as they are.
const MANY: u64 = 4096;

/// Collects the union of sets of numbers below a limit.
#[derive(Debug)]
pub(crate) struct Union {
    limit: u32,
    few: Vec<u32>,
    /// One bit per series, once there are many.
    words: Vec<u64>,
    /// Sets that were large before.
    large: RoaringBitmap,
}

impl Union {
    /// For numbers below `limit`; others are ignored.
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, few: Vec::new(), words: Vec::new(), large: RoaringBitmap::new() }
    }

    pub(crate) fn add_set(&mut self, set: &RoaringBitmap) {
        if set.len() > MANY {
            self.large |= set;
        } else {
            self.extend(set.iter());
        }
    }

    pub(crate) fn extend(&mut self, numbers: impl Iterator<Item = u32>) {
        if self.words.is_empty() {
            self.few.extend(numbers);
            self.grow();
        } else {
            numbers.for_each(|number| mark(&mut self.words, number));
        }
    }

    /// Adds one number, or several that follow each other, the end not included.
    pub(crate) fn add_range(&mut self, start: u32, end: u32) {
        if self.words.is_empty() && end.saturating_sub(start) as usize <= FEW_MAX {
            self.few.extend(start..end);
            self.grow();
        } else if end.saturating_sub(start) < 64 {
            self.spread();
            (start..end).for_each(|number| mark(&mut self.words, number));
        } else {
            self.large.insert_range(start..end.min(self.limit));
        }
    }

    fn grow(&mut self) {
        if self.few.len() > FEW_MAX {
            self.spread();
        }
    }

    fn spread(&mut self) {
        if self.words.is_empty() {
            self.words.resize(self.limit.div_ceil(64) as usize, 0);
            let few = std::mem::take(&mut self.few);
            few.into_iter().for_each(|number| mark(&mut self.words, number));
        }
    }

    pub(crate) fn finish(mut self) -> RoaringBitmap {
        let mut found = if self.words.is_empty() {
            self.few.retain(|number| *number < self.limit);
            self.few.sort_unstable();
            self.few.into_iter().collect()
        } else {
            if !self.limit.is_multiple_of(64)
                && let Some(last) = self.words.last_mut()
            {
                *last &= (1 << (self.limit % 64)) - 1;
            }
            let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
            RoaringBitmap::from_lsb0_bytes(0, &bytes)
        };
        if !self.large.is_empty() {
            self.large.remove_range(self.limit..);
            found |= self.large;
        }
        found
    }
}

fn mark(words: &mut [u64], number: u32) {
    if let Some(word) = words.get_mut(number as usize / 64) {
        *word |= 1 << (number % 64);
    }
}

#[cfg(test)]
mod tests;
