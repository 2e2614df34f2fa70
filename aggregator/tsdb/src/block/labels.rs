//! The labels of a tenant's series in a block: sorted pairs of name and value with the series that
//! have them. The empty value stands for the name itself, whatever its value.

use std::{collections::HashMap, io};

use codec::varint;

use roaring::RoaringBitmap;

use super::{
    format::{INDEX_PAGE_BYTES, PageFile, shared_prefix, take_bytes, take_u32, take_usize},
    postings::{List, ListWriter},
    root::{LabelPage, Root},
};

/// Collects labels while series are written.
#[derive(Debug, Default)]
pub(super) struct LabelsWriter {
    numbers: HashMap<Box<str>, usize>,
    names: Vec<NameWriter>,
}

#[derive(Debug)]
struct NameWriter {
    text: Box<str>,
    numbers: HashMap<Box<str>, usize>,
    values: Vec<(Box<str>, ListWriter)>,
}

impl LabelsWriter {
    pub(super) fn add<'a>(
        &mut self,
        series: u32,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        for (name, value) in labels {
            let number = match self.numbers.get(name) {
                Some(number) => *number,
                None => {
                    let number = self.names.len();
                    self.numbers.insert(name.into(), number);
                    let (numbers, values) = (HashMap::default(), Vec::new());
                    self.names.push(NameWriter { text: name.into(), numbers, values });
                    self.names[number].add("", series);
                    self.names[number].add(value, series);
                    continue;
                }
            };
            self.names[number].add("", series);
            self.names[number].add(value, series);
        }
    }

    /// Writes the pages and enters them into the root.
    pub(super) fn finish(self, file: &mut PageFile, root: &mut Root) -> io::Result<()> {
        let mut names = self.names;
        names.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        let mut page = Vec::new();
        let mut first: Option<(u32, Box<str>)> = None;
        let mut before = String::new();
        for (number, mut name) in (0u32..).zip(names) {
            name.values.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            for (value, list) in name.values {
                if first.is_none() {
                    first = Some((number, value.clone()));
                    before.clear();
                }
                let shared = shared_prefix(before.as_bytes(), value.as_bytes());
                let rest = value.as_bytes().get(shared..).unwrap_or_default();
                varint::put_u64(&mut page, u64::from(number));
                varint::put_u64(&mut page, shared as u64);
                varint::put_u64(&mut page, rest.len() as u64);
                page.extend_from_slice(rest);
                list.put(&mut page);
                before = value.into();
                if page.len() >= INDEX_PAGE_BYTES {
                    close(&mut page, &mut first, file, root)?;
                }
            }
            root.names.push(name.text);
        }
        close(&mut page, &mut first, file, root)
    }
}

impl NameWriter {
    fn add(&mut self, value: &str, series: u32) {
        let number = match self.numbers.get(value) {
            Some(number) => *number,
            None => {
                let number = self.values.len();
                self.numbers.insert(value.into(), number);
                self.values.push((value.into(), ListWriter::default()));
                number
            }
        };
        self.values[number].1.push(series);
    }
}

fn close(
    page: &mut Vec<u8>,
    first: &mut Option<(u32, Box<str>)>,
    file: &mut PageFile,
    root: &mut Root,
) -> io::Result<()> {
    if let Some((name, value)) = first.take() {
        let written = file.page(page)?;
        root.labels.push(LabelPage { page: written, name, value });
        page.clear();
    }
    Ok(())
}

/// Visits the entries of a label page as (number of the name, value, series), until the visitor
/// returns `false`. `None` when the page is none.
pub(super) fn read_page(
    mut input: &[u8],
    mut visit: impl FnMut(u32, &str, List<'_>) -> Option<bool>,
) -> Option<()> {
    let mut value: Vec<u8> = Vec::new();
    while !input.is_empty() {
        let name = take_u32(&mut input)?;
        let shared = take_usize(&mut input)?;
        if shared > value.len() {
            return None;
        }
        value.truncate(shared);
        value.extend_from_slice(take_bytes(&mut input)?);
        let list = List::take(&mut input)?;
        if !visit(name, std::str::from_utf8(&value).ok()?, list)? {
            break;
        }
    }
    Some(())
}

/// Adds the list to the set, if all its series exist.
pub(super) fn collect(list: List<'_>, root: &Root, set: &mut RoaringBitmap) -> Option<()> {
    list.add_to(set, root.series)
}
