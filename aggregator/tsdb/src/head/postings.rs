//! The series that have one label value: most often few, sometimes all.

use roaring::RoaringBitmap;

use crate::union::Union;

/// Longer lists become bitmaps.
const LIST_MAX: usize = 256;

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

    pub(crate) fn add_to(&self, union: &mut Union) {
        match self {
            Self::List(list) => union.extend(list.iter().copied()),
            Self::Bitmap(bitmap) => union.add_set(bitmap),
        }
    }

    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        match self {
            Self::List(list) => list.iter().copied().collect(),
            Self::Bitmap(bitmap) => bitmap.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
