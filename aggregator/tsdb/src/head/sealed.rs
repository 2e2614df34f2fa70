//! Sealed chunks of the head: typed and compressed, with columns of times that series share.

use std::{ops::Range, sync::Arc};

use codec::{
    chunk::{ChunkError, Scratch},
    varint,
};
use model::histogram::Histogram;

use super::pool::{Chain, Pool, Reader};
use crate::{
    cardinality::Census,
    chunk,
    samples::{Column, Samples},
};

/// Columns of times that are remembered for series that have the same.
const COLUMNS_KEPT: usize = 16;

/// Times of a chunk, shared between series.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) count: u16,
    bytes: Box<[u8]>,
}

impl Times {
    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        self.min <= end && self.max >= start
    }

    fn heap_bytes(&self) -> usize {
        self.bytes.len() + size_of::<Self>() + 32
    }

    /// Appends the samples of a chunk that has these times.
    pub(crate) fn decode(&self, payload: &[u8], out: &mut Samples) -> Result<(), ChunkError> {
        let mut times = Vec::new();
        codec::chunk::decode_times(&self.bytes, usize::from(self.count), &mut times)?;
        chunk::decode(&times, payload, out)
    }
}

/// Where the samples of a tenant's series are.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    pub(crate) pool: Pool,
    times: Vec<Option<Shared>>,
    free: Vec<u32>,
    /// The columns that were used last.
    recent: Vec<u32>,
    oldest_recent: usize,
    times_bytes: usize,
    /// Memory of what is kept neither in the pool nor here, in bytes.
    pub(crate) other_bytes: usize,
}

/// Chunks that were copied, one after the other: their bytes, and of each its times and where it
/// ends.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    pub(super) bytes: Vec<u8>,
    pub(super) chunks: Vec<(Arc<Times>, u32)>,
}

#[derive(Debug)]
struct Shared {
    times: Arc<Times>,
    users: u32,
}

/// What a sealing thread reuses.
#[derive(Debug, Default)]
pub(crate) struct Sealer {
    scratch: Scratch,
    pub(super) floats: Column<f64>,
    pub(super) histograms: Column<Arc<Histogram>>,
    pub(super) bytes: Vec<u8>,
    pub(super) copied: Copied,
    times: Vec<u8>,
    /// Values of a group's window, member by member.
    pub(super) matrix: Vec<f64>,
}

impl Arena {
    /// Memory in use, in bytes.
    pub(crate) fn used_bytes(&self) -> usize {
        self.pool.used_bytes() + self.times_bytes + self.other_bytes
    }

    /// Memory that was allocated, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.pool.heap_bytes() + self.times_bytes + self.other_bytes
    }

    /// How many numbers columns of times have, in use or not.
    pub(crate) fn columns(&self) -> usize {
        self.times.len()
    }

    /// Counts the chunks with some of the columns.
    pub(crate) fn count_sealed(&self, columns: Range<usize>, census: &mut Census) {
        for shared in self.times.iter().take(columns.end).skip(columns.start).flatten() {
            census.chunks(u64::from(shared.users), shared.times.min, shared.times.max);
        }
    }

    /// Seals the floats of the sealer behind the chunks of a chain.
    pub(super) fn seal_floats(
        &mut self,
        chain: &mut Chain,
        sealer: &mut Sealer,
    ) -> Result<(), ChunkError> {
        sealer.bytes.clear();
        chunk::encode_floats(&sealer.floats, &mut sealer.bytes, &mut sealer.scratch)?;
        sealer.times.clear();
        let times = &sealer.floats.times;
        codec::chunk::encode_times(times, &mut sealer.times, &mut sealer.scratch)?;
        let number = self.share(times, &sealer.times);
        self.append(chain, number, &sealer.bytes);
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
        chain: &mut Chain,
        times: u32,
        values: &[f64],
        sealer: &mut Sealer,
    ) -> Result<(), ChunkError> {
        sealer.bytes.clear();
        chunk::encode_plain(values, &mut sealer.bytes, &mut sealer.scratch)?;
        if let Some(Some(shared)) = self.times.get_mut(times as usize) {
            shared.users += 1;
        }
        self.append(chain, times, &sealer.bytes);
        Ok(())
    }

    /// Seals the histograms of the sealer likewise.
    pub(super) fn seal_histograms(
        &mut self,
        chain: &mut Chain,
        sealer: &mut Sealer,
    ) -> Result<(), ChunkError> {
        sealer.bytes.clear();
        chunk::encode_histograms(&sealer.histograms, &mut sealer.bytes, &mut sealer.scratch)?;
        sealer.times.clear();
        let times = &sealer.histograms.times;
        codec::chunk::encode_times(times, &mut sealer.times, &mut sealer.scratch)?;
        let number = self.share(times, &sealer.times);
        self.append(chain, number, &sealer.bytes);
        Ok(())
    }

    /// Appends a chunk behind the number of its times and its length.
    fn append(&mut self, chain: &mut Chain, times: u32, chunk: &[u8]) {
        let mut header = Vec::with_capacity(8);
        varint::put_u64(&mut header, u64::from(times));
        varint::put_u64(&mut header, chunk.len() as u64);
        self.pool.append(chain, &header);
        self.pool.append(chain, chunk);
    }

    /// The number of a column of times, with one more user.
    fn share(&mut self, times: &[i64], bytes: &[u8]) -> u32 {
        let (min, max) = (times.first().copied(), times.last().copied());
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or_default());
        for number in &self.recent {
            if let Some(Some(known)) = self.times.get_mut(*number as usize)
                && known.times.min == min
                && known.times.max == max
                && *known.times.bytes == *bytes
            {
                known.users += 1;
                return *number;
            }
        }
        let times = Arc::new(Times { min, max, count: times.len() as u16, bytes: bytes.into() });
        self.times_bytes += times.heap_bytes();
        let number = self.free.pop().unwrap_or(self.times.len() as u32);
        let shared = Some(Shared { times, users: 1 });
        match self.times.get_mut(number as usize) {
            Some(slot) => *slot = shared,
            None => self.times.push(shared),
        }
        if self.recent.len() < COLUMNS_KEPT {
            self.recent.push(number);
        } else {
            self.recent[self.oldest_recent] = number;
            self.oldest_recent = (self.oldest_recent + 1) % COLUMNS_KEPT;
        }
        number
    }

    pub(super) fn release(&mut self, number: u32) {
        let Some(slot) = self.times.get_mut(number as usize) else { return };
        if let Some(shared) = slot {
            shared.users -= 1;
            if shared.users == 0 {
                self.times_bytes -= shared.times.heap_bytes();
                *slot = None;
                self.free.push(number);
            }
        }
    }

    /// Copies the chunks of a chain that overlap a range of time.
    pub(super) fn copy_chunks(&self, chain: &Chain, start: i64, end: i64, out: &mut Copied) {
        let mut reader = self.pool.reader(chain);
        while let Some((times, length)) = self.next_chunk(&mut reader) {
            let wanted = times.filter(|times| times.overlaps(start, end));
            let passed = reader.take(length, |piece| {
                if wanted.is_some() {
                    out.bytes.extend_from_slice(piece);
                }
            });
            if passed.is_none() {
                return;
            }
            if let Some(times) = wanted {
                out.chunks.push((Arc::clone(times), out.bytes.len() as u32));
            }
        }
    }

    /// Whether a chunk of a chain overlaps a range of time.
    pub(super) fn has_chunk(&self, chain: &Chain, start: i64, end: i64) -> bool {
        let mut reader = self.pool.reader(chain);
        while let Some((times, length)) = self.next_chunk(&mut reader) {
            if times.is_some_and(|times| times.overlaps(start, end)) {
                return true;
            }
            if reader.take(length, |_| ()).is_none() {
                break;
            }
        }
        false
    }

    /// Times and length of the chunk that follows.
    fn next_chunk(&self, reader: &mut Reader<'_>) -> Option<(Option<&Arc<Times>>, usize)> {
        let number = usize::try_from(reader.varint()?).ok()?;
        let length = usize::try_from(reader.varint()?).ok()?;
        let shared = self.times.get(number).and_then(Option::as_ref);
        Some((shared.map(|shared| &shared.times), length))
    }

    /// Drops chunks off the front of a chain, so many bytes of them.
    pub(super) fn drop_front(&mut self, chain: &mut Chain, count: usize, sealer: &mut Sealer) {
        sealer.bytes.clear();
        self.pool.copy(chain, &mut sealer.bytes);
        let mut bytes = sealer.bytes.get(..count).unwrap_or_default();
        while let Some((number, _)) = take_chunk(&mut bytes) {
            self.release(number);
        }
        self.pool.drop_front(chain, count);
    }
}

fn take_chunk<'a>(bytes: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let number = u32::try_from(varint::take_u64(bytes)?).ok()?;
    let length = usize::try_from(varint::take_u64(bytes)?).ok()?;
    let (payload, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((number, payload))
}
