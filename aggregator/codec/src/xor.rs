//! The chunk encodings of Prometheus' own storage, which its streamed remote read speaks.
//!
//! A chunk holds up to [`SAMPLES_PER_CHUNK`] samples of one series and of one kind: floats, integer
//! histograms or float histograms. Bits are written most significant first. Start timestamps have
//! no place in these encodings.
//!
//! Sources: "Gorilla: A Fast, Scalable, In-Memory Time Series Database" (VLDB 2015) for times and
//! values; the chunk formats documented in `tsdb/docs/format/chunks.md` of Prometheus.

mod bits;
mod float;
mod histogram;
mod layout;

use model::columns::Columns;

/// Samples in one chunk, as Prometheus cuts them.
pub const SAMPLES_PER_CHUNK: usize = 120;

/// How a chunk is encoded; the numbers are those of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    Xor = 1,
    Histogram = 2,
    FloatHistogram = 3,
}

impl Encoding {
    /// The encoding of a number, if it is one that [`decode`] reads.
    pub fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Xor),
            2 => Some(Self::Histogram),
            3 => Some(Self::FloatHistogram),
            _ => None,
        }
    }
}

/// Encoded samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub encoding: Encoding,
    /// Times of the first and the last sample, in milliseconds.
    pub start: i64,
    pub end: i64,
    pub data: Vec<u8>,
}

/// Why bytes are no chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("the chunk is cut short")]
    Short,
    #[error("the chunk is corrupt: {0}")]
    Corrupt(&'static str),
}

/// Encodes a range of the samples, chunk by chunk as the iterator is asked.
pub fn chunks(columns: &Columns, range: std::ops::Range<usize>) -> Chunks<'_> {
    let end = range.end.min(columns.len());
    let first = u32::try_from(range.start).unwrap_or(u32::MAX);
    let histogram = columns.histograms.partition_point(|(index, _)| *index < first);
    Chunks { columns, next: range.start, end, histogram }
}

/// The chunks of a series; see [`chunks`].
#[derive(Debug)]
pub struct Chunks<'a> {
    columns: &'a Columns,
    /// The sample that is encoded next.
    next: usize,
    end: usize,
    /// The histogram, among those of the columns, that is encoded next.
    histogram: usize,
}

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        if self.next >= self.end {
            return None;
        }
        let histograms = self.columns.histograms.get(self.histogram..).unwrap_or_default();
        let next_histogram = histograms.first().map_or(usize::MAX, |(index, _)| *index as usize);
        let times = self.columns.times.get(self.next..self.end)?;
        let (encoding, data, count) = if next_histogram == self.next {
            // Those that follow each other without a float between them.
            let run = histograms.iter().zip(self.next..self.end);
            let run = run.take_while(|((index, _), at)| *index as usize == *at);
            let samples = run.map(|((_, histogram), _)| &**histogram).zip(times.iter().copied());
            let encoded = histogram::encode(samples)?;
            self.histogram += encoded.2;
            encoded
        } else {
            let count = (next_histogram - self.next).min(times.len()).min(SAMPLES_PER_CHUNK);
            let values = self.columns.values.get(self.next..)?;
            let samples = times.iter().copied().zip(values.iter().copied()).take(count);
            (Encoding::Xor, float::encode(samples, count), count)
        };
        self.next += count;
        let (start, end) = (*times.first()?, *times.get(count.checked_sub(1)?)?);
        Some(Chunk { encoding, start, end, data })
    }
}

/// Appends the samples of a chunk. Histograms after the first of a chunk are known not to be reset,
/// unless they are gauges. After an error some samples may have been appended.
pub fn decode(encoding: Encoding, data: &[u8], columns: &mut Columns) -> Result<(), ChunkError> {
    match encoding {
        Encoding::Xor => float::decode(data, columns),
        Encoding::Histogram => histogram::decode(data, false, columns),
        Encoding::FloatHistogram => histogram::decode(data, true, columns),
    }
}

#[cfg(test)]
mod tests;
