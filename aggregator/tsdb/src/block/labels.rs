//! The labels of a tenant's series in a block: sorted pairs of name and value with the series that
//! have them. The empty value stands for the name itself, whatever its value.

use std::{collections::HashMap, io};

use codec::varint;
use model::labels::put_pair;
use roaring::RoaringBitmap;

use super::{
    format::{
        INDEX_PAGE_BYTES, PageFile, put_text, shared_prefix, take_bytes, take_text, take_u32,
        take_usize,
    },
    postings::{List, ListWriter},
    root::{LabelPage, Root},
};

/// Collects labels while series are written.
#[derive(Debug, Default)]
pub(super) struct LabelsWriter {
    numbers: HashMap<Box<str>, usize>,
    names: Vec<NameWriter>,
    /// Numbers of name and value of each label of the series before, which mostly has the same.
    last: Vec<(usize, usize)>,
    /// The symbols of the series before, and their texts that have not gone to a page yet.
    pub(super) series: Vec<u32>,
    pub(super) page: Vec<u8>,
    pub(super) symbols: u32,
}

#[derive(Debug)]
struct NameWriter {
    text: Box<str>,
    numbers: HashMap<Box<str>, usize>,
    /// The first stands for the name itself.
    values: Vec<ValueWriter>,
}

#[derive(Debug)]
struct ValueWriter {
    text: Box<str>,
    symbol: u32,
    list: ListWriter,
}

impl LabelsWriter {
    pub(super) fn add<'a>(
        &mut self,
        series: u32,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        self.series.clear();
        for (place, (name, value)) in labels.enumerate() {
            let last = self.last.get(place).copied();
            let known = |&(name_number, _): &(usize, usize)| *self.names[name_number].text == *name;
            let last = last.filter(known);
            let name_number = match last {
                Some((number, _)) => number,
                None => self.name(name),
            };
            let known = |(_, number): &(usize, usize)| {
                *self.names[name_number].values[*number].text == *value
            };
            let value_number = match last.filter(known) {
                Some((_, number)) => number,
                None => self.value(name_number, value),
            };
            let writer = &mut self.names[name_number];
            writer.values[0].list.push(series);
            writer.values[value_number].list.push(series);
            self.series.push(writer.values[value_number].symbol);
            match self.last.get_mut(place) {
                Some(last) => *last = (name_number, value_number),
                None => self.last.push((name_number, value_number)),
            }
        }
        self.last.truncate(self.series.len());
    }

    fn name(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.names.len();
        self.numbers.insert(text.into(), number);
        // No series has the symbol of the name itself.
        let itself = ValueWriter { text: "".into(), symbol: 0, list: ListWriter::default() };
        let values = vec![itself];
        self.names.push(NameWriter { text: text.into(), numbers: HashMap::new(), values });
        number
    }

    fn value(&mut self, name: usize, text: &str) -> usize {
        let writer = &mut self.names[name];
        if let Some(number) = writer.numbers.get(text) {
            return *number;
        }
        let number = writer.values.len();
        writer.numbers.insert(text.into(), number);
        let (symbol, list) = (self.symbols, ListWriter::default());
        writer.values.push(ValueWriter { text: text.into(), symbol, list });
        varint::put_u64(&mut self.page, name as u64);
        put_text(&mut self.page, text);
        self.symbols += 1;
        number
    }

    /// Writes the pages and enters them into the root.
    pub(super) fn finish(self, file: &mut PageFile, root: &mut Root) -> io::Result<()> {
        root.names = self.names.iter().map(|name| name.text.clone()).collect();
        let mut names: Vec<(u32, NameWriter)> = (0u32..).zip(self.names).collect();
        names.sort_unstable_by(|a, b| a.1.text.cmp(&b.1.text));
        let mut page = Vec::new();
        let mut first: Option<(u32, Box<str>)> = None;
        let mut before = String::new();
        for (number, mut name) in names {
            name.values.sort_unstable_by(|a, b| a.text.cmp(&b.text));
            for ValueWriter { text: value, list, .. } in name.values {
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
        }
        close(&mut page, &mut first, file, root)
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

/// The pairs of a page of symbols, as they are in packed label sets.
#[derive(Debug, Default)]
pub(super) struct SymbolPage {
    packed: Vec<u8>,
    /// Rank of the name among all names, and where the pair ends.
    symbols: Vec<(u32, u32)>,
}

impl SymbolPage {
    /// `None` when the bytes are none.
    pub(super) fn read(page: &[u8], root: &Root) -> Option<Self> {
        let mut input = page;
        let mut read = Self::default();
        while !input.is_empty() {
            let name = take_usize(&mut input)?;
            let value = take_text(&mut input)?;
            if value.is_empty() {
                return None;
            }
            put_pair(&mut read.packed, root.names.get(name)?, value);
            read.symbols.push((*root.ranks.get(name)?, u32::try_from(read.packed.len()).ok()?));
        }
        Some(read)
    }

    /// Rank of the name, and the packed pair.
    pub(super) fn get(&self, place: usize) -> Option<(u32, &[u8])> {
        let (rank, end) = *self.symbols.get(place)?;
        let start = match place.checked_sub(1) {
            Some(before) => self.symbols.get(before)?.1,
            None => 0,
        };
        Some((rank, self.packed.get(start as usize..end as usize)?))
    }
}

/// Adds the list to the set, if all its series exist.
pub(super) fn collect(list: List<'_>, root: &Root, set: &mut RoaringBitmap) -> Option<()> {
    list.add_to(set, root.series)
}
