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

/// What the root page says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) series: u32,
    pub(super) columns: u32,
    /// Label names in order.
    pub(super) names: Vec<Box<str>>,
    pub(super) labels: Vec<LabelPage>,
    pub(super) series_pages: Vec<NumberedPage>,
    pub(super) column_pages: Vec<NumberedPage>,
    pub(super) payloads: Vec<PageRef>,
}

impl Root {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, u64::from(self.series));
        varint::put_u64(out, u64::from(self.columns));
        varint::put_u64(out, self.names.len() as u64);
        self.names.iter().for_each(|name| put_text(out, name));
        varint::put_u64(out, self.labels.len() as u64);
        for labels in &self.labels {
            labels.page.put(out);
            varint::put_u64(out, u64::from(labels.name));
            put_text(out, &labels.value);
        }
        for pages in [&self.series_pages, &self.column_pages] {
            varint::put_u64(out, pages.len() as u64);
            for numbered in pages {
                numbered.page.put(out);
                varint::put_u64(out, u64::from(numbered.first));
            }
        }
        varint::put_u64(out, self.payloads.len() as u64);
        self.payloads.iter().for_each(|page| page.put(out));
    }

    pub(super) fn read(mut input: &[u8]) -> Option<Self> {
        let input = &mut input;
        let mut root =
            Self { series: take_u32(input)?, columns: take_u32(input)?, ..Self::default() };
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
        root.series_pages = take_numbered(input)?;
        root.column_pages = take_numbered(input)?;
        let count = take_usize(input)?;
        root.payloads.reserve(bounded_capacity(count, input));
        for _ in 0..count {
            root.payloads.push(PageRef::take(input)?);
        }
        let sorted = root.names.is_sorted_by(|a, b| a < b)
            && root.labels.is_sorted_by(|a, b| (a.name, &a.value) < (b.name, &b.value));
        (input.is_empty() && sorted).then_some(root)
    }
}

fn take_numbered(input: &mut &[u8]) -> Option<Vec<NumberedPage>> {
    let count = take_usize(input)?;
    let mut pages: Vec<NumberedPage> = Vec::with_capacity(bounded_capacity(count, input));
    for _ in 0..count {
        let page = PageRef::take(input)?;
        pages.push(NumberedPage { page, first: take_u32(input)? });
    }
    let sorted = pages.is_sorted_by(|a, b| a.first < b.first);
    (sorted && pages.first().is_none_or(|page| page.first == 0)).then_some(pages)
}
