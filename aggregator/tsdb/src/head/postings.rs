//! The series that have one label value: most often few that came together, sometimes all.

use std::ops::Range;

use roaring::RoaringBitmap;

use crate::union::Union;

/// Longer lists become bitmaps.
const LIST_MAX: usize = 256;

/// A set of series numbers.
#[derive(Debug)]
pub(crate) enum Postings {
    /// Numbers that follow each other without a gap, as those of one target do: nothing on the heap.
    Run { first: u32, count: u32 },
    /// Ascending.
    List(Vec<u32>),
    /// Boxed, as few sets are large.
    Bitmap(Box<RoaringBitmap>),
}

impl Default for Postings {
    fn default() -> Self {
        Self::Run { first: 0, count: 0 }
    }
}

impl Postings {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Run { count, .. } => u64::from(*count),
            Self::List(list) => list.len() as u64,
            Self::Bitmap(bitmap) => bitmap.len(),
        }
    }

    pub(crate) fn contains(&self, series: u32) -> bool {
        match self {
            Self::Run { first, count } => (*first..first + count).contains(&series),
            Self::List(list) => list.binary_search(&series).is_ok(),
            Self::Bitmap(bitmap) => bitmap.contains(series),
        }
    }

    /// Memory beside the struct itself, in bytes, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Run { .. } => 0,
            Self::List(list) => list.capacity() * 4,
            Self::Bitmap(bitmap) => size_of::<RoaringBitmap>() + bitmap.serialized_size(),
        }
    }

    /// Adds a series with a number greater than all before.
    pub(crate) fn push(&mut self, series: u32) {
        self.push_run(series..series + 1);
    }

    /// Adds series with numbers in a row, greater than all before.
    pub(crate) fn push_run(&mut self, run: Range<u32>) {
        match self {
            _ if run.is_empty() => {}
            Self::Run { first, count } if *count == 0 => {
                (*first, *count) = (run.start, run.len() as u32);
            }
            Self::Run { first, count } if *first + *count == run.start => {
                *count += run.len() as u32;
            }
            Self::Run { .. } => {
                self.spread(run.len());
                self.push_run(run);
            }
            Self::List(list) if list.len() + run.len() <= LIST_MAX => {
                if list.len() + run.len() > list.capacity() {
                    list.reserve_exact((list.len() / 2).max(run.len()));
                }
                list.extend(run);
            }
            Self::List(list) => {
                let bitmap: RoaringBitmap = list.iter().copied().collect();
                *self = Self::Bitmap(bitmap.into());
                self.push_run(run);
            }
            Self::Bitmap(bitmap) if run.len() == 1 => {
                bitmap.insert(run.start);
            }
            Self::Bitmap(bitmap) => {
                bitmap.insert_range(run);
            }
        }
    }

    pub(crate) fn remove(&mut self, series: u32) {
        match self {
            Self::Run { first, count } => {
                let Some(at) = series.checked_sub(*first).filter(|at| at < count) else { return };
                if at == 0 {
                    (*first, *count) = (*first + 1, *count - 1);
                } else if at + 1 == *count {
                    *count -= 1;
                } else {
                    self.spread(0);
                    self.remove(series);
                }
            }
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

    /// Makes a list or bitmap of a run, with room for so many more in a list.
    fn spread(&mut self, more: usize) {
        let Self::Run { first, count } = *self else { return };
        let numbers = first..first + count;
        *self = if numbers.len() + more <= LIST_MAX {
            let mut list = Vec::with_capacity(numbers.len() + more);
            list.extend(numbers);
            Self::List(list)
        } else {
            let mut bitmap = RoaringBitmap::new();
            bitmap.insert_range(numbers);
            Self::Bitmap(bitmap.into())
        };
    }

    pub(crate) fn add_to(&self, union: &mut Union) {
        match self {
            Self::Run { first, count } => union.add_range(*first, first + count),
            Self::List(list) => union.extend(list.iter().copied()),
            Self::Bitmap(bitmap) => union.add_set(bitmap),
        }
    }

    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        match self {
            Self::Run { first, count } => {
                let mut bitmap = RoaringBitmap::new();
                bitmap.insert_range(*first..first + count);
                bitmap
            }
            Self::List(list) => list.iter().copied().collect(),
            Self::Bitmap(bitmap) => (**bitmap).clone(),
        }
    }

    /// Whether some of the series are among those of a set.
    pub(crate) fn meets(&self, set: &RoaringBitmap) -> bool {
        match self {
            Self::Run { first, count } => set.range_cardinality(*first..first + count) > 0,
            Self::List(list) => list.iter().any(|number| set.contains(*number)),
            Self::Bitmap(bitmap) => !bitmap.is_disjoint(set),
        }
    }
}

#[cfg(test)]
mod tests;
