//! Chunks of native histograms: layouts once, then one column per number over the samples.
//!
//! A bucket's count seldom changes much from sample to sample, so each bucket is a chunk of values
//! of its own. The total is not written where it is the sum of the buckets.

use std::sync::Arc;

use model::histogram::{Histogram, ResetHint};

use super::{
    ChunkError, MAX_HISTOGRAM_CELLS,
    block::take_byte,
    integers::{
        self,
        encode::{Kind, encode as encode_integers},
    },
    values,
};

use layout::Layout;

mod layout;

/// What stands before the totals.
const DERIVED: u8 = 0;
const WRITTEN: u8 = 1;

/// Appends a chunk; there is at least one histogram.
pub(super) fn encode(
    histograms: &[Arc<Histogram>],
    scratch: &mut values::Scratch,
    out: &mut Vec<u8>,
) -> Result<(), ChunkError> {
    let cells: usize = histograms.iter().map(|histogram| layout::cells(histogram)).sum();
    if cells > MAX_HISTOGRAM_CELLS {
        return Err(ChunkError::Cells);
    }
    let (layouts, indexes) = layout::collect(histograms);
    layout::write_all(&layouts, scratch, out);
    encode_integers(&indexes, Kind::Measurements, &mut scratch.integers, out);
    let hints: Vec<i64> =
        histograms.iter().map(|histogram| hint_code(histogram.reset_hint)).collect();
    encode_integers(&hints, Kind::Measurements, &mut scratch.integers, out);

    let mut column = Vec::with_capacity(histograms.len());
    let mut write = |numbers: &mut dyn Iterator<Item = f64>, out: &mut Vec<u8>| {
        column.clear();
        column.extend(numbers);
        values::encode(&column, scratch, out);
    };
    write(&mut histograms.iter().map(|histogram| histogram.zero_count), out);
    write(&mut histograms.iter().map(|histogram| histogram.sum), out);
    let derived = |histogram: &Arc<Histogram>| {
        derived_count(histogram).to_bits() == histogram.count.to_bits()
    };
    if histograms.iter().all(derived) {
        out.push(DERIVED);
    } else {
        out.push(WRITTEN);
        write(&mut histograms.iter().map(|histogram| histogram.count), out);
    }
    for (number, layout) in layouts.iter().enumerate() {
        let members = || {
            histograms
                .iter()
                .zip(&indexes)
                .filter(move |(_, index)| **index == number as i64)
                .map(|(histogram, _)| histogram)
        };
        for bucket in 0..layout.positive_buckets {
            write(&mut members().map(|histogram| histogram.positive_buckets[bucket]), out);
        }
        for bucket in 0..layout.negative_buckets {
            write(&mut members().map(|histogram| histogram.negative_buckets[bucket]), out);
        }
    }
    Ok(())
}

/// The total that the buckets add up to, in this order.
fn derived_count(histogram: &Histogram) -> f64 {
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    buckets.fold(histogram.zero_count, |sum, bucket| sum + bucket)
}

fn hint_code(hint: ResetHint) -> i64 {
    match hint {
        ResetHint::Unknown => 0,
        ResetHint::Reset => 1,
        ResetHint::NotReset => 2,
        ResetHint::Gauge => 3,
    }
}

fn hint_of(code: i64) -> Result<ResetHint, ChunkError> {
    match code {
        0 => Ok(ResetHint::Unknown),
        1 => Ok(ResetHint::Reset),
        2 => Ok(ResetHint::NotReset),
        3 => Ok(ResetHint::Gauge),
        _ => Err(ChunkError::Invalid("reset hint")),
    }
}

/// Takes a chunk off the front.
pub(super) fn decode(input: &mut &[u8], count: usize) -> Result<Vec<Arc<Histogram>>, ChunkError> {
    let layouts = layout::take_all(input, count)?;
    let mut indexes = vec![0i64; count];
    integers::decode(input, &mut indexes)?;
    let mut hints = vec![0i64; count];
    integers::decode(input, &mut hints)?;
    let members = members_of(&layouts, &indexes)?;

    let mut zero_counts = Vec::new();
    values::decode(input, count, &mut zero_counts)?;
    let mut sums = Vec::new();
    values::decode(input, count, &mut sums)?;
    let mut totals = Vec::new();
    match take_byte(input)? {
        DERIVED => {}
        WRITTEN => values::decode(input, count, &mut totals)?,
        _ => return Err(ChunkError::Invalid("total")),
    }
    let mut histograms = Vec::with_capacity(count);
    for (number, index) in indexes.iter().enumerate() {
        let layout = &layouts[*index as usize];
        histograms.push(Histogram {
            reset_hint: hint_of(hints[number])?,
            zero_count: zero_counts[number],
            sum: sums[number],
            ..layout.empty_histogram()
        });
    }
    for (layout, members) in layouts.iter().zip(&members) {
        let mut columns = Columns { input: &mut *input, histograms: &mut histograms, members };
        columns.take(layout.positive_buckets, |histogram| &mut histogram.positive_buckets)?;
        columns.take(layout.negative_buckets, |histogram| &mut histogram.negative_buckets)?;
    }
    for (number, histogram) in histograms.iter_mut().enumerate() {
        histogram.count = totals.get(number).copied().unwrap_or_else(|| derived_count(histogram));
    }
    Ok(histograms.into_iter().map(Arc::new).collect())
}

/// For each layout the samples that have it, once it is known that all cells fit into memory.
fn members_of(layouts: &[Layout], indexes: &[i64]) -> Result<Vec<Vec<usize>>, ChunkError> {
    let mut members = vec![Vec::new(); layouts.len()];
    let mut cells = 0usize;
    for (number, index) in indexes.iter().enumerate() {
        let index = usize::try_from(*index).unwrap_or(usize::MAX);
        let layout = layouts.get(index).ok_or(ChunkError::Invalid("layout number"))?;
        members[index].push(number);
        cells += layout.cells();
    }
    if cells > MAX_HISTOGRAM_CELLS { Err(ChunkError::Cells) } else { Ok(members) }
}

/// Buckets of one layout, still to be read.
struct Columns<'a, 'b> {
    input: &'a mut &'b [u8],
    histograms: &'a mut [Histogram],
    members: &'a [usize],
}

impl Columns<'_, '_> {
    /// Takes one column for each bucket of one side.
    fn take(
        &mut self,
        buckets: usize,
        side: impl Fn(&mut Histogram) -> &mut Vec<f64>,
    ) -> Result<(), ChunkError> {
        if self.members.is_empty() {
            return Ok(());
        }
        for member in self.members {
            side(&mut self.histograms[*member]).reserve_exact(buckets);
        }
        let mut column = Vec::with_capacity(self.members.len());
        for _ in 0..buckets {
            column.clear();
            values::decode(self.input, self.members.len(), &mut column)?;
            for (member, count) in self.members.iter().zip(&column) {
                side(&mut self.histograms[*member]).push(*count);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
