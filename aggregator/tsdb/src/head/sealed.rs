//! Sealed chunks of the head: typed and compressed, with columns of times that series share.

use std::{ops::Range, sync::Arc};

use codec::chunk::{ChunkError, Scratch};
use model::histogram::Histogram;

use super::{
    pool::Pool,
    slabs::{Place, Slabs, View},
};
use crate::{cardinality::Census, chunk, samples};

mod chunks;

pub(crate) use chunks::{Chunk, Chunks};
use chunks::{HEADER_MAX, Times};

/// Columns of times that are remembered for series that have the same.
const COLUMNS_KEPT: usize = 16;

/// Where the samples of a tenant's series are.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    /// What is not sealed.
    pub(crate) pool: Pool,
    slabs: Slabs,
    columns: Vec<Option<Column>>,
    free: Vec<u32>,
    /// The columns that were used last.
    recent: Vec<u32>,
    oldest_recent: usize,
    /// Memory of what is kept neither in the pool nor here, in bytes.
    pub(crate) other_bytes: usize,
}

/// A column of times that chunks have.
#[derive(Debug)]
struct Column {
    place: Place,
    users: u32,
    min: i64,
    max: i64,
}

/// What a sealing thread reuses.
#[derive(Debug, Default)]
pub(crate) struct Sealer {
    scratch: Scratch,
    pub(super) floats: samples::Column<f64>,
    pub(super) histograms: samples::Column<Arc<Histogram>>,
    pub(super) bytes: Vec<u8>,
    times: Vec<u8>,
    /// Places and lengths of chunks that are being dropped, and the numbers of their times.
    dropped: Vec<(Place, usize, u32)>,
    /// Values of a group's window, member by member.
    pub(super) matrix: Vec<f64>,
}

impl Arena {
    /// Memory in use, in bytes.
    pub(crate) fn used_bytes(&self) -> usize {
        let columns = self.columns.len() - self.free.len();
        let columns_bytes = columns * size_of::<Option<Column>>();
        self.pool.used_bytes() + self.slabs.used_bytes() + columns_bytes + self.other_bytes
    }

    /// Memory that was allocated, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        let columns_bytes = self.columns.capacity() * size_of::<Option<Column>>();
        self.pool.heap_bytes() + self.slabs.heap_bytes() + columns_bytes + self.other_bytes
    }

    /// What is sealed now, to be read without the arena.
    pub(crate) fn view(&self) -> &View {
        self.slabs.view()
    }

    /// How many numbers columns of times have, in use or not.
    pub(crate) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// Counts the chunks with some of the columns.
    pub(crate) fn count_sealed(&self, columns: Range<usize>, census: &mut Census) {
        for column in self.columns.iter().take(columns.end).skip(columns.start).flatten() {
            census.chunks(u64::from(column.users), column.min, column.max);
        }
    }

    /// Seals the floats of the sealer behind other chunks.
    pub(super) fn seal_floats(
        &mut self,
        chunks: &mut Chunks,
        sealer: &mut Sealer,
    ) -> Result<(), ChunkError> {
        sealer.bytes.clear();
        chunk::encode_floats(&sealer.floats, &mut sealer.bytes, &mut sealer.scratch)?;
        sealer.times.clear();
        let times = &sealer.floats.times;
        codec::chunk::encode_times(times, &mut sealer.times, &mut sealer.scratch)?;
        let number = self.share(times, &sealer.times);
        self.append(chunks, number, &sealer.bytes);
        Ok(())
    }

    /// The number of a column of times for several chunks, to be released when they have it.
    pub(super) fn share_times(
        &mut self,
        times: &[i64],
        sealer: &mut Sealer,
    ) -> Result<u32, ChunkError> {
        sealer.times.clear();
        codec::chunk::encode_times(times, &mut sealer.times, &mut sealer.scratch)?;
        Ok(self.share(times, &sealer.times))
    }

    /// Seals floats, without start timestamps, whose times have a number already.
    pub(super) fn seal_values(
        &mut self,
        chunks: &mut Chunks,
        times: u32,
        values: &[f64],
        sealer: &mut Sealer,
    ) -> Result<(), ChunkError> {
        sealer.bytes.clear();
        chunk::encode_plain(values, &mut sealer.bytes, &mut sealer.scratch)?;
        if let Some(Some(column)) = self.columns.get_mut(times as usize) {
            column.users += 1;
        }
        self.append(chunks, times, &sealer.bytes);
        Ok(())
    }

    /// Seals the histograms of the sealer likewise.
    pub(super) fn seal_histograms(
        &mut self,
        chunks: &mut Chunks,
        sealer: &mut Sealer,
    ) -> Result<(), ChunkError> {
        sealer.bytes.clear();
        chunk::encode_histograms(&sealer.histograms, &mut sealer.bytes, &mut sealer.scratch)?;
        sealer.times.clear();
        let times = &sealer.histograms.times;
        codec::chunk::encode_times(times, &mut sealer.times, &mut sealer.scratch)?;
        let number = self.share(times, &sealer.times);
        self.append(chunks, number, &sealer.bytes);
        Ok(())
    }

    /// Appends a chunk that has the times of a number.
    fn append(&mut self, chunks: &mut Chunks, times: u32, payload: &[u8]) {
        let Some(Some(Column { place: times, min, .. })) = self.columns.get(times as usize) else {
            return;
        };
        let (follow, times) = (chunks.follow(self.slabs.view(), *min), *times);
        let place = self.slabs.append(HEADER_MAX + payload.len(), |slab, out| {
            follow.write(slab, times, payload, out);
        });
        *chunks = chunks.with(place);
    }

    /// The number of a column of times, with one more user.
    fn share(&mut self, times: &[i64], bytes: &[u8]) -> u32 {
        let (min, max) = (times.first().copied(), times.last().copied());
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or_default());
        for number in &self.recent {
            if let Some(Some(known)) = self.columns.get_mut(*number as usize)
                && (known.min, known.max) == (min, max)
                && Times::read(self.slabs.view(), known.place).is_some_and(|t| t.bytes == bytes)
            {
                known.users += 1;
                return *number;
            }
        }
        let number = self.free.pop().unwrap_or(self.columns.len() as u32);
        let place = self.slabs.append(HEADER_MAX + bytes.len(), |_, out| {
            Times::write(number, (min, max), times.len(), bytes, out);
        });
        let column = Some(Column { place, users: 1, min, max });
        match self.columns.get_mut(number as usize) {
            Some(slot) => *slot = column,
            None => self.columns.push(column),
        }
        if self.recent.len() < COLUMNS_KEPT {
            self.recent.push(number);
        } else {
            self.recent[self.oldest_recent] = number;
            self.oldest_recent = (self.oldest_recent + 1) % COLUMNS_KEPT;
        }
        number
    }

    /// Takes a user from a column of times.
    pub(super) fn release(&mut self, number: u32) {
        let Some(slot) = self.columns.get_mut(number as usize) else { return };
        let Some(column) = slot else { return };
        column.users -= 1;
        if column.users > 0 {
            return;
        }
        let place = column.place;
        *slot = None;
        self.free.push(number);
        let length = Times::read(self.slabs.view(), place).map(|times| times.length);
        self.slabs.release(place, length.unwrap_or_default());
    }

    /// Whether a chunk overlaps a range of time.
    pub(super) fn has_chunk(&self, chunks: Chunks, start: i64, end: i64) -> bool {
        !chunks.within(self.slabs.view(), start, end).is_empty()
    }

    /// Drops the oldest chunks, so many of them.
    pub(super) fn drop_oldest(&mut self, chunks: &mut Chunks, count: u32, sealer: &mut Sealer) {
        let kept = chunks.len().saturating_sub(count);
        let view = self.slabs.view();
        let all = chunks.all(view).skip(kept as usize);
        sealer.dropped.clear();
        sealer
            .dropped
            .extend(all.map(|chunk| (chunk.place, chunk.length(view), chunk.times.number)));
        for (place, length, times) in sealer.dropped.drain(..) {
            self.slabs.release(place, length);
            self.release(times);
        }
        *chunks = chunks.newest(kept);
    }
}
