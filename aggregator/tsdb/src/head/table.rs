//! The series of one tenant by number, and by the hash of their labels.

use hashbrown::HashTable;

use super::series::Series;
use crate::hash::Hash128;

/// Series that are allocated together, and freed together.
const PAGE_SERIES: usize = 64;
/// Series that a page grows by, at least.
const STEP_SERIES: usize = 4;

/// A table of series. Numbers come from the index and only grow.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pages: Vec<Option<Page>>,
    by_key: HashTable<u32>,
}

#[derive(Debug)]
struct Page {
    series: Vec<Option<Series>>,
    live: usize,
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    #[inline]
    pub(crate) fn find(&self, key: Hash128) -> Option<u32> {
        let found = self.by_key.find(key[0], |number| {
            get(&self.pages, *number).is_some_and(|series| series.key == key)
        });
        found.copied()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Series> {
        get(&self.pages, number)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Series> {
        let page = self.pages.get_mut(number as usize / PAGE_SERIES)?.as_mut()?;
        page.series.get_mut(number as usize % PAGE_SERIES)?.as_mut()
    }

    /// Adds the series with the next number.
    pub(crate) fn push(&mut self, number: u32, key: Hash128) {
        let page = number as usize / PAGE_SERIES;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Page { series: Vec::new(), live: 0 });
        let slot = number as usize % PAGE_SERIES;
        if page.series.len() == page.series.capacity() {
            // In small steps, as most tenants are small.
            let more = page.series.len() / 4 / STEP_SERIES * STEP_SERIES + STEP_SERIES;
            page.series.reserve_exact(more.min(PAGE_SERIES - page.series.len()));
        }
        page.series.resize_with(page.series.len().max(slot), || None);
        page.series.push(Some(Series::new(key)));
        page.live += 1;
        let pages = &self.pages;
        self.by_key.insert_unique(key[0], number, |number| {
            get(pages, *number).map_or(0, |series| series.key[0])
        });
    }

    pub(crate) fn remove(&mut self, number: u32) {
        let Some(key) = self.get(number).map(|series| series.key) else { return };
        if let Ok(entry) = self.by_key.find_entry(key[0], |found| *found == number) {
            entry.remove();
        }
        let slot = &mut self.pages[number as usize / PAGE_SERIES];
        if let Some(page) = slot {
            page.series[number as usize % PAGE_SERIES] = None;
            page.live -= 1;
            if page.live == 0 && page.series.len() == PAGE_SERIES {
                *slot = None;
            }
        }
    }

    /// Memory in bytes without what series hold on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let pages = self.pages.iter().flatten();
        let pages: usize =
            pages.map(|page| page.series.capacity() * size_of::<Option<Series>>()).sum();
        pages + self.pages.capacity() * size_of::<Option<Page>>() + self.by_key.allocation_size()
    }
}

fn get(pages: &[Option<Page>], number: u32) -> Option<&Series> {
    pages
        .get(number as usize / PAGE_SERIES)?
        .as_ref()?
        .series
        .get(number as usize % PAGE_SERIES)?
        .as_ref()
}
