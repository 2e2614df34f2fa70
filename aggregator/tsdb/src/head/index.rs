//! The labels of the series of one tenant's head, and which series have which.
//!
//! Every pair of name and value is kept once and has a number; a series is the list of its pairs.
//! Series numbers only grow, so lists are appended to and a number never changes its meaning.

use std::sync::Arc;

use hashbrown::{HashTable, hash_table::Entry};
use model::{
    labels::{Labels, put_pair},
    query::QueryError,
};
use roaring::RoaringBitmap;

use super::{
    listing::Listing,
    page::{PAGE_SERIES, Page},
    postings::Postings,
};
use crate::{
    bounds::Bounds,
    hash::HashKey,
    select::{
        LabelIndex, Pattern,
        memo::{Memo, WORTH_REMEMBERING},
    },
    union::Union,
};

mod bulk;
mod census;
mod matched;
mod texts;

pub(crate) use bulk::Bulk;
use matched::Matched;
use texts::{Text, Texts};

/// Most labels of a series that the index can hold.
pub(crate) const LABELS_MAX: usize = 1000;

/// Room for the labels of most series, in bytes.
const PACKED_BYTES: usize = 512;

#[derive(Debug)]
struct Name {
    text: Text,
    /// The pairs with this name.
    pairs: Vec<u32>,
    /// The series that have a label of this name.
    present: Postings,
}

#[derive(Debug, Default)]
struct Pair {
    name: u32,
    value: Text,
    postings: Postings,
}

/// The index of one tenant.
#[derive(Debug)]
pub(crate) struct Index {
    key: HashKey,
    names: Vec<Name>,
    name_table: HashTable<u32>,
    pairs: Vec<Pair>,
    pair_table: HashTable<u32>,
    free_pairs: Vec<u32>,
    pages: Vec<Option<Box<Page>>>,
    next: u32,
    all: Postings,
    texts: Texts,
    memo: Memo<Matched>,
}

impl Index {
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            key,
            names: Vec::new(),
            name_table: HashTable::new(),
            pairs: Vec::new(),
            pair_table: HashTable::new(),
            free_pairs: Vec::new(),
            pages: Vec::new(),
            next: 0,
            all: Postings::default(),
            texts: Texts::default(),
            memo: Memo::default(),
        }
    }

    /// Adds a series with sorted labels and returns its number. `None` when there are more than
    /// [`LABELS_MAX`] labels or all numbers are used, or labels would take more than 4 GiB.
    pub(crate) fn add<'a>(
        &mut self,
        labels: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Option<u32> {
        let series = self.next;
        if labels.clone().nth(LABELS_MAX).is_some() || series == u32::MAX {
            return None;
        }
        let bytes = labels.clone().map(|(name, value)| name.len() + value.len()).sum();
        if !self.texts.has_room(bytes) {
            return None;
        }
        self.begin_series();
        for (name, value) in labels {
            let name = self.name(name);
            let pair = self.pair(name, value);
            self.pairs[pair as usize].postings.push(series);
            self.names[name as usize].present.push(series);
            if let Some(Some(page)) = self.pages.last_mut() {
                page.push(pair);
            }
        }
        if let Some(Some(page)) = self.pages.last_mut() {
            page.end_series();
        }
        self.all.push(series);
        Some(series)
    }

    /// Lets `fill` add many series.
    pub(crate) fn bulk<T>(&mut self, fill: impl FnOnce(&mut Bulk<'_>) -> T) -> T {
        let mut bulk = Bulk::new(self);
        let filled = fill(&mut bulk);
        bulk.finish();
        filled
    }

    /// Uses the next number.
    fn begin_series(&mut self) {
        if (self.next as usize).is_multiple_of(PAGE_SERIES) {
            if let Some(Some(page)) = self.pages.last_mut() {
                page.pack();
            }
            self.pages.push(Some(Box::default()));
        }
        self.next += 1;
    }

    fn name(&mut self, text: &str) -> u32 {
        let hash = |text: &str| self.key.hash64(0, text.as_bytes());
        let (names, texts) = (&self.names, &self.texts);
        let entry = self.name_table.entry(
            hash(text),
            |name| texts.get(names[*name as usize].text) == text,
            |name| hash(texts.get(names[*name as usize].text)),
        );
        match entry {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(vacant) => {
                let number = names.len() as u32;
                vacant.insert(number);
                let text = self.texts.push(text);
                let (pairs, present) = (Vec::new(), Postings::default());
                push_tight(&mut self.names, Name { text, pairs, present });
                number
            }
        }
    }

    fn pair(&mut self, name: u32, value: &str) -> u32 {
        let key = self.key;
        let hash = |name: u32, value: &str| key.hash64(u64::from(name) + 1, value.as_bytes());
        let (pairs, texts) = (&self.pairs, &self.texts);
        let text = |pair: u32| texts.get(pairs[pair as usize].value);
        let entry = self.pair_table.entry(
            hash(name, value),
            |pair| pairs[*pair as usize].name == name && text(*pair) == value,
            |pair| hash(pairs[*pair as usize].name, text(*pair)),
        );
        match entry {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(vacant) => {
                let number = self.free_pairs.pop().unwrap_or(pairs.len() as u32);
                vacant.insert(number);
                let value = self.texts.push(value);
                let pair = Pair { name, value, postings: Postings::default() };
                match self.pairs.get_mut(number as usize) {
                    Some(free) => *free = pair,
                    None => push_tight(&mut self.pairs, pair),
                }
                self.names[name as usize].pairs.push(number);
                number
            }
        }
    }

    fn text_of(&self, name: u32) -> &str {
        self.names.get(name as usize).map_or("", |name| self.texts.get(name.text))
    }

    fn value_of(&self, pair: u32) -> &str {
        self.pairs.get(pair as usize).map_or("", |pair| self.texts.get(pair.value))
    }

    fn find_name(&self, text: &str) -> Option<&Name> {
        let hash = self.key.hash64(0, text.as_bytes());
        let found = self.name_table.find(hash, |name| self.text_of(*name) == text)?;
        self.names.get(*found as usize)
    }

    fn find_pair(&self, name: &str, value: &str) -> Option<&Pair> {
        let hash = self.key.hash64(0, name.as_bytes());
        let name = *self.name_table.find(hash, |number| self.text_of(*number) == name)?;
        let hash = self.key.hash64(u64::from(name) + 1, value.as_bytes());
        let found = self.pair_table.find(hash, |pair| {
            let pair = &self.pairs[*pair as usize];
            pair.name == name && self.texts.get(pair.value) == value
        })?;
        self.pairs.get(*found as usize)
    }

    fn page_of(&self, series: u32) -> Option<&Page> {
        self.pages.get(series as usize / PAGE_SERIES)?.as_deref()
    }

    fn pairs_of(&self, series: u32) -> impl Iterator<Item = u32> {
        let page = self.page_of(series);
        page.into_iter().flat_map(move |page| page.pairs_of(series as usize % PAGE_SERIES))
    }

    /// The labels of a series that exists.
    pub(crate) fn labels(&self, series: u32) -> Labels {
        let pairs: Vec<u32> = self.pairs_of(series).collect();
        self.join(&pairs, &mut Vec::with_capacity(PACKED_BYTES))
    }

    fn join(&self, pairs: &[u32], packed: &mut Vec<u8>) -> Labels {
        packed.clear();
        for pair in pairs {
            let pair = &self.pairs[*pair as usize];
            put_pair(packed, self.text_of(pair.name), self.texts.get(pair.value));
        }
        Labels::from_packed_pairs(packed)
    }

    /// The labels of many series.
    ///
    /// Mostly what they take is waiting for memory. Going over some of them once for the numbers
    /// of pairs, once for the texts and only then to join them, the waits overlap.
    pub(crate) fn labels_of(&self, series: &[u32]) -> Vec<Labels> {
        const TOGETHER: usize = 128;
        let mut found = Vec::with_capacity(series.len());
        let (mut pairs, mut ends) = (Vec::new(), Vec::new());
        let mut packed = Vec::with_capacity(PACKED_BYTES);
        for some in series.chunks(TOGETHER) {
            pairs.clear();
            ends.clear();
            for number in some {
                if let Some(page) = self.page_of(*number) {
                    page.copy_pairs(*number as usize % PAGE_SERIES, &mut pairs);
                }
                ends.push(pairs.len());
            }
            let text = |pair: &u32| self.value_of(*pair).as_bytes().first().copied();
            std::hint::black_box(pairs.iter().filter_map(text).fold(0, |all, byte| all ^ byte));
            let mut start = 0;
            for end in &ends {
                found.push(self.join(&pairs[start..*end], &mut packed));
                start = *end;
            }
        }
        found
    }

    /// Forgets series.
    pub(crate) fn remove(&mut self, series: &RoaringBitmap) {
        self.memo.clear();
        let mut touched = RoaringBitmap::new();
        for number in series {
            if !self.all.contains(number) {
                continue;
            }
            let pairs: Vec<u32> = self.pairs_of(number).collect();
            for pair in pairs {
                let name = self.pairs[pair as usize].name;
                self.pairs[pair as usize].postings.remove(number);
                self.names[name as usize].present.remove(number);
                if self.pairs[pair as usize].postings.is_empty() {
                    touched.insert(pair);
                }
            }
            let page = &mut self.pages[number as usize / PAGE_SERIES];
            if page.as_mut().is_some_and(|page| page.forget_one()) {
                *page = None;
            }
            self.all.remove(number);
        }
        self.free(&touched);
    }

    fn free(&mut self, pairs: &RoaringBitmap) {
        let mut names = RoaringBitmap::new();
        for number in pairs {
            let pair = std::mem::take(&mut self.pairs[number as usize]);
            let value = self.texts.get(pair.value);
            let hash = self.key.hash64(u64::from(pair.name) + 1, value.as_bytes());
            if let Ok(entry) = self.pair_table.find_entry(hash, |found| *found == number) {
                entry.remove();
            }
            self.texts.forget(pair.value);
            self.free_pairs.push(number);
            names.insert(pair.name);
        }
        for name in names {
            let name = &mut self.names[name as usize];
            name.pairs.retain(|pair| !pairs.contains(*pair));
            name.pairs.shrink_to(name.pairs.len() * 2);
        }
        let names = self.names.iter_mut().map(|name| &mut name.text);
        let values = self.pairs.iter_mut().map(|pair| &mut pair.value);
        self.texts.compact(names.chain(values));
    }

    /// Calls back with each label name that some of the series have. Order is that of first use.
    pub(crate) fn names_of(&self, series: &RoaringBitmap, visit: &mut dyn FnMut(&str)) {
        for name in &self.names {
            if name.present.meets(series) {
                visit(self.texts.get(name.text));
            }
        }
    }

    /// Calls back with each value of a label that some of the series have.
    pub(crate) fn values_of(
        &self,
        name: &str,
        series: &RoaringBitmap,
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        let Some(name) = self.find_name(name) else { return Ok(()) };
        let mut pace = bounds.pace();
        for pair in &name.pairs {
            pace.step()?;
            let pair = &self.pairs[*pair as usize];
            if pair.postings.meets(series) {
                visit(self.texts.get(pair.value));
            }
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> RoaringBitmap {
        self.all.to_bitmap()
    }

    /// A copy of the labels of all series, to be put in order without holding a lock.
    pub(crate) fn listing(&self) -> Listing {
        let mut listing = Listing {
            names: self.names.iter().map(|name| self.texts.get(name.text).into()).collect(),
            pairs: self
                .pairs
                .iter()
                .map(|pair| (pair.name, self.texts.get(pair.value).into()))
                .collect(),
            ..Listing::default()
        };
        for series in self.all.to_bitmap() {
            listing.push(series, self.pairs_of(series));
        }
        listing
    }

    /// Memory in bytes, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        let postings: usize = self.pairs.iter().map(|pair| pair.postings.heap_bytes()).sum();
        let present: usize = self.names.iter().map(|name| name.present.heap_bytes()).sum();
        let pages = self.pages.iter().flatten();
        let pages: usize = pages.map(|page| page.heap_bytes()).sum();
        self.texts.heap_bytes()
            + self.pairs.capacity() * (size_of::<Pair>() + size_of::<u32>())
            + self.names.capacity() * size_of::<Name>()
            + self.pair_table.allocation_size()
            + self.name_table.allocation_size()
            + self.pages.capacity() * size_of::<usize>()
            + self.all.heap_bytes()
            + postings
            + present
            + pages
            + self.memo.heap_bytes()
    }
}

impl LabelIndex for Index {
    fn all(&self) -> Result<RoaringBitmap, QueryError> {
        Ok(self.all.to_bitmap())
    }

    fn with_name(&self, name: &str) -> Result<RoaringBitmap, QueryError> {
        Ok(self.find_name(name).map(|name| name.present.to_bitmap()).unwrap_or_default())
    }

    fn with_value(&self, name: &str, value: &str) -> Result<RoaringBitmap, QueryError> {
        Ok(self.find_pair(name, value).map(|pair| pair.postings.to_bitmap()).unwrap_or_default())
    }

    fn with_values(
        &self,
        name: &str,
        pattern: &Pattern<'_>,
        among: Option<&RoaringBitmap>,
    ) -> Result<RoaringBitmap, QueryError> {
        let Some(known) = self.find_name(name) else { return Ok(RoaringBitmap::new()) };
        let mut found = self.memo.get(name, pattern.text).unwrap_or_default();
        // What is asked for again is worth the sets of all series.
        let again = found.pairs_seen > 0;
        let news = known.pairs.get(found.pairs_seen..).unwrap_or_default();
        if !news.is_empty() {
            let mut pace = pattern.bounds.pace();
            let mut passing = Vec::new();
            for number in news {
                pace.step()?;
                if pattern.matches(self.value_of(*number)) {
                    passing.push(*number);
                }
            }
            let found = Arc::make_mut(&mut found);
            found.passing.extend(passing);
            found.pairs_seen = known.pairs.len();
        }
        let lists = || found.passing.iter().map(|number| &self.pairs[number as usize].postings);
        let total = || lists().map(Postings::len).sum::<u64>();
        let passes = |series: u32| self.pairs_of(series).any(|pair| found.passing.contains(pair));
        let (answer, series) = match (&found.series, among) {
            (Some((series, seen)), _) if u64::from(self.next - seen) * ASKING_COST <= total() => {
                let mut series = series.clone();
                series.extend((*seen..self.next).filter(|series| passes(*series)));
                (series.clone(), Some((series, self.next)))
            }
            (None, Some(few)) if !again && few.len() * ASKING_COST < total() => {
                let mut bits = vec![0u64; self.pairs.len().div_ceil(64)];
                found.passing.iter().for_each(|pair| bits[pair as usize / 64] |= 1 << (pair % 64));
                let passes = |pair: u32| bits[pair as usize / 64] >> (pair % 64) & 1 != 0;
                (few.iter().filter(|series| self.pairs_of(*series).any(passes)).collect(), None)
            }
            _ => {
                let mut union = Union::new(self.next);
                lists().for_each(|postings| postings.add_to(&mut union));
                let series = union.finish();
                (series.clone(), Some((series, self.next)))
            }
        };
        if known.pairs.len() >= WORTH_REMEMBERING {
            let unchanged = news.is_empty()
                && series.as_ref().map(|(_, seen)| *seen)
                    == found.series.as_ref().map(|(_, seen)| *seen);
            if !unchanged {
                Arc::make_mut(&mut found).series = series;
                let bytes = found.bytes();
                self.memo.put(name, pattern.text, found, bytes);
            }
        }
        Ok(answer)
    }
}

/// Adds to the end. Most tenants are small, so there is little room to spare; that of a large one
/// still grows by a constant factor.
fn push_tight<T>(all: &mut Vec<T>, one: T) {
    if all.len() == all.capacity() {
        all.reserve_exact((all.len() / 4).max(4));
    }
    all.push(one);
}

/// Asking a series for its labels costs about as much as so many entries of a list.
const ASKING_COST: u64 = 32;

#[cfg(test)]
mod tests;
