//! Lists of series numbers as bytes.
//!
//! Series are sorted by labels, so a list is most often a few runs of neighbours; else it is the
//! distances between them.

use codec::varint;
use roaring::RoaringBitmap;

use super::format::{take_bytes, take_u64, take_usize};

const DISTANCES: u8 = 0;
/// Distance to the start of a run, and how many follow it.
const RUNS: u8 = 1;

/// Collects a list while a block is written.
#[derive(Debug, Default)]
pub(super) struct ListWriter {
    distances: Vec<u8>,
    runs: Vec<u8>,
    /// The series that would follow without a gap.
    next: u32,
    /// The start of the run in progress, and the end of the one before it.
    run: Option<(u32, u32)>,
    count: u64,
}

impl ListWriter {
    /// Adds a series with a number greater than all before.
    pub(super) fn push(&mut self, series: u32) {
        varint::put_u64(&mut self.distances, u64::from(series - self.next));
        match self.run {
            Some(_) if series == self.next => {}
            Some((start, before)) => {
                put_run(&mut self.runs, start, before, self.next);
                self.run = Some((series, self.next));
            }
            None => self.run = Some((series, 0)),
        }
        self.next = series + 1;
        self.count += 1;
    }

    /// Appends the list in its shorter form.
    pub(super) fn put(mut self, out: &mut Vec<u8>) {
        if let Some((start, before)) = self.run {
            put_run(&mut self.runs, start, before, self.next);
        }
        let (form, bytes) = if self.runs.len() < self.distances.len() {
            (RUNS, self.runs)
        } else {
            (DISTANCES, self.distances)
        };
        varint::put_u64(out, self.count);
        out.push(form);
        varint::put_u64(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
}

fn put_run(out: &mut Vec<u8>, start: u32, before: u32, end: u32) {
    varint::put_u64(out, u64::from(start - before));
    varint::put_u64(out, u64::from(end - start - 1));
}

/// A list in a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'a> {
    count: usize,
    form: u8,
    bytes: &'a [u8],
}

impl<'a> List<'a> {
    /// Takes a list off the front.
    pub(super) fn take(input: &mut &'a [u8]) -> Option<Self> {
        let count = take_usize(input)?;
        let (&form, rest) = input.split_first()?;
        *input = rest;
        Some(Self { count, form, bytes: take_bytes(input)? })
    }

    /// Visits runs of series that follow each other, as (first, end). `None` when the bytes are no
    /// list of series below `limit`.
    pub(super) fn runs(&self, limit: u32, mut visit: impl FnMut(u32, u32)) -> Option<()> {
        let mut input = self.bytes;
        let mut next = 0u64;
        let mut count = 0;
        while !input.is_empty() {
            let start = next.checked_add(take_u64(&mut input)?)?;
            let more = if self.form == RUNS { take_u64(&mut input)? } else { 0 };
            next = start.checked_add(more)?.checked_add(1)?;
            if next > u64::from(limit) || self.form > RUNS {
                return None;
            }
            visit(start as u32, next as u32);
            count += (next - start) as usize;
        }
        (count == self.count).then_some(())
    }

    /// Adds the series to a set. `None` when the bytes are no list of series below `limit`.
    pub(super) fn add_to(&self, set: &mut RoaringBitmap, limit: u32) -> Option<()> {
        self.runs(limit, |start, end| {
            if end == start + 1 {
                set.insert(start);
            } else {
                set.insert_range(start..end);
            }
        })
    }
}

#[cfg(test)]
mod tests;
