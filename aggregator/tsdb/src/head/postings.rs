//! The series that have one label value: most often few, sometimes all.

use roaring::RoaringBitmap;

/// Longer lists become bitmaps.
const LIST_MAX: usize = 64;

/// A set of series numbers.
#[derive(Debug)]
pub(crate) enum Postings {
    /// Ascending.
    List(Vec<u32>),
    Bitmap(RoaringBitmap),
}

impl Default for Postings {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Postings {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::List(list) => list.is_empty(),
            Self::Bitmap(bitmap) => bitmap.is_empty(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::List(list) => list.len() as u64,
            Self::Bitmap(bitmap) => bitmap.len(),
        }
    }

    /// Memory beside the struct itself, in bytes, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::List(list) => list.capacity() * 4,
            Self::Bitmap(bitmap) => bitmap.serialized_size(),
        }
    }

    /// Adds a series with a number greater than all before.
    pub(crate) fn push(&mut self, series: u32) {
        match self {
            Self::List(list) if list.len() < LIST_MAX => {
                if list.len() == list.capacity() {
                    list.reserve_exact((list.len() / 2).max(1));
                }
                list.push(series);
            }
            Self::List(list) => {
                let mut bitmap: RoaringBitmap = list.iter().copied().collect();
                bitmap.insert(series);
                *self = Self::Bitmap(bitmap);
            }
            Self::Bitmap(bitmap) => {
                bitmap.insert(series);
            }
        }
    }

    pub(crate) fn remove(&mut self, series: u32) {
        match self {
            Self::List(list) => {
                if let Ok(at) = list.binary_search(&series) {
                    list.remove(at);
                }
            }
            Self::Bitmap(bitmap) => {
                bitmap.remove(series);
            }
        }
    }

    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        match self {
            Self::List(list) => list.iter().copied().collect(),
            Self::Bitmap(bitmap) => bitmap.clone(),
        }
    }
}

/// Collects the union of many sets.
#[derive(Debug, Default)]
pub(crate) struct Union {
    few: Vec<u32>,
    /// One bit per series, once there are many.
    words: Vec<u64>,
}

/// So many numbers are sorted; more of them are marked in an array of bits.
const FEW_MAX: usize = 4096;

impl Union {
    pub(crate) fn add(&mut self, postings: &Postings) {
        match postings {
            Postings::List(list) => self.extend(list.iter().copied()),
            Postings::Bitmap(bitmap) => self.extend(bitmap.iter()),
        }
    }

    pub(crate) fn extend(&mut self, series: impl Iterator<Item = u32>) {
        if self.words.is_empty() {
            self.few.extend(series);
            if self.few.len() > FEW_MAX {
                let few = std::mem::take(&mut self.few);
                self.mark(few.into_iter());
            }
        } else {
            self.mark(series);
        }
    }

    fn mark(&mut self, series: impl Iterator<Item = u32>) {
        for series in series {
            let word = series as usize / 64;
            if word >= self.words.len() {
                self.words.resize((word + 1).max(self.words.len() * 2), 0);
            }
            self.words[word] |= 1 << (series % 64);
        }
    }

    pub(crate) fn finish(mut self) -> RoaringBitmap {
        if self.words.is_empty() {
            self.few.sort_unstable();
            return self.few.into_iter().collect();
        }
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        RoaringBitmap::from_lsb0_bytes(0, &bytes)
    }
}

#[cfg(test)]
mod tests;
