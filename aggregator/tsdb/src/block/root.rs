//! A tenant's root page: where the pages of its labels, series, columns and samples are.

use codec::varint;

use super::format::{PageRef, bounded_capacity, put_text, take_text, take_u32, take_usize};

/// A page of labels and the first entry in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LabelPage {
    pub(super) page: PageRef,
    pub(super) name: u32,
    pub(super) value: Box<str>,
}

/// A page of numbered things and the number of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberedPage {
    pub(super) page: PageRef,
    pub(super) first: u32,
}

/// The same for things that many series share. The page is there twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedPage {
    pub(super) pages: [PageRef; 2],
    pub(super) first: u32,
}

/// What has the number of its first thing.
pub(super) trait First: Copy {
    fn first(&self) -> u32;
}

impl First for NumberedPage {
    fn first(&self) -> u32 {
        self.first
    }
}

impl First for SharedPage {
    fn first(&self) -> u32 {
        self.first
    }
}

/// The page that has a number, its place in the list, and the first number behind it.
pub(super) fn find<P: First>(pages: &[P], number: u32, count: u32) -> Option<(P, usize, u32)> {
    let place = pages.partition_point(|page| page.first() <= number).checked_sub(1)?;
    let page = *pages.get(place)?;
    let until = pages.get(place + 1).map_or(count, First::first);
    (number < until).then_some((page, place, until))
}

/// What the root page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) series: u32,
    pub(super) columns: u32,
    /// Distinct pairs of name and value.
    pub(super) symbols: u32,
    /// Label names, in no order.
    pub(super) names: Vec<Box<str>>,
    /// The place of each name among the sorted ones; not written.
    pub(super) ranks: Vec<u32>,
    pub(super) labels: Vec<LabelPage>,
    pub(super) series_pages: Vec<NumberedPage>,
    pub(super) column_pages: Vec<SharedPage>,
    pub(super) symbol_pages: Vec<SharedPage>,
    pub(super) payloads: Vec<PageRef>,
}

impl Root {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, u64::from(self.series));
        varint::put_u64(out, u64::from(self.columns));
        varint::put_u64(out, u64::from(self.symbols));
        varint::put_u64(out, self.names.len() as u64);
        self.names.iter().for_each(|name| put_text(out, name));
        varint::put_u64(out, self.labels.len() as u64);
        for labels in &self.labels {
            labels.page.put(out);
            varint::put_u64(out, u64::from(labels.name));
            put_text(out, &labels.value);
        }
        varint::put_u64(out, self.series_pages.len() as u64);
        for numbered in &self.series_pages {
            numbered.page.put(out);
            varint::put_u64(out, u64::from(numbered.first));
        }
        for pages in [&self.column_pages, &self.symbol_pages] {
            varint::put_u64(out, pages.len() as u64);
            for shared in pages {
                shared.pages.iter().for_each(|page| page.put(out));
                varint::put_u64(out, u64::from(shared.first));
            }
        }
        varint::put_u64(out, self.payloads.len() as u64);
        self.payloads.iter().for_each(|page| page.put(out));
    }

    pub(super) fn read(mut input: &[u8]) -> Option<Self> {
        let input = &mut input;
        let mut root = Self {
            series: take_u32(input)?,
            columns: take_u32(input)?,
            symbols: take_u32(input)?,
            ..Self::default()
        };
        let count = take_usize(input)?;
        root.names.reserve(bounded_capacity(count, input));
        for _ in 0..count {
            root.names.push(take_text(input)?.into());
        }
        let count = take_usize(input)?;
        root.labels.reserve(bounded_capacity(count, input));
        for _ in 0..count {
            let page = PageRef::take(input)?;
            let name = take_u32(input)?;
            root.labels.push(LabelPage { page, name, value: take_text(input)?.into() });
        }
        root.series_pages = take_pages(input, |input| {
            Some(NumberedPage { page: PageRef::take(input)?, first: take_u32(input)? })
        })?;
        let shared = |input: &mut &[u8]| {
            let pages = [PageRef::take(input)?, PageRef::take(input)?];
            Some(SharedPage { pages, first: take_u32(input)? })
        };
        root.column_pages = take_pages(input, shared)?;
        root.symbol_pages = take_pages(input, shared)?;
        let count = take_usize(input)?;
        root.payloads.reserve(bounded_capacity(count, input));
        for _ in 0..count {
            root.payloads.push(PageRef::take(input)?);
        }
        root.rank_names();
        (input.is_empty() && root.is_sorted()).then_some(root)
    }

    fn rank_names(&mut self) {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_unstable_by_key(|number| self.names.get(*number));
        self.ranks = vec![0; order.len()];
        for (rank, number) in (0u32..).zip(order) {
            if let Some(slot) = self.ranks.get_mut(number) {
                *slot = rank;
            }
        }
    }

    fn is_sorted(&self) -> bool {
        let key =
            |page: &LabelPage| Some((self.names.get(page.name as usize)?, page.value.clone()));
        let keys: Option<Vec<_>> = self.labels.iter().map(key).collect();
        keys.is_some_and(|keys| keys.is_sorted_by(|a, b| a < b))
    }
}

fn take_pages<P: First>(
    input: &mut &[u8],
    take: impl Fn(&mut &[u8]) -> Option<P>,
) -> Option<Vec<P>> {
    let count = take_usize(input)?;
    let mut pages: Vec<P> = Vec::with_capacity(bounded_capacity(count, input));
    for _ in 0..count {
        pages.push(take(input)?);
    }
    let sorted = pages.is_sorted_by(|a, b| a.first() < b.first());
    (sorted && pages.first().is_none_or(|page| page.first() == 0)).then_some(pages)
}
