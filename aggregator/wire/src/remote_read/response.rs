//! Encodes the two forms of an answer.
//!
//! ```text
//! ReadResponse         repeated QueryResult results = 1;
//! QueryResult          repeated TimeSeries timeseries = 1; (TimeSeries as in remote write 1.0)
//! ChunkedReadResponse  repeated ChunkedSeries chunked_series = 1; int64 query_index = 2;
//! ChunkedSeries        repeated Label labels = 1; repeated Chunk chunks = 2;
//! Chunk                int64 min_time_ms = 1; int64 max_time_ms = 2; Encoding type = 3;
//!                      bytes data = 4;
//! ```
//!
//! A frame of the stream is the length of its message as a varint, the CRC32C of the message in
//! four bytes, big-endian, and the message.

use std::{iter::Peekable, ops::Range, sync::Arc};

use codec::{checksum::crc32c, varint::put_u64, xor::Chunk};
use model::{
    columns::Columns,
    labels::Labels,
    write::{HistogramSample, Sample},
};

use crate::{
    protobuf::writer::{put_bytes, put_message, put_varint},
    remote_write::{encode::put_labels, fields::put_sample, histogram},
};

/// A frame that has so many bytes takes no further chunk; clients refuse frames that are much
/// larger.
const FRAME_BYTES: usize = 1 << 20;

/// Appends one query's result to a `ReadResponse`; `fill` appends its series.
pub fn put_result<E>(
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut filled = Ok(());
    put_message(out, 1, |out| filled = fill(out));
    filled
}

/// Appends a series with a range of its samples to a result.
pub fn put_series(out: &mut Vec<u8>, labels: &Labels, columns: &Columns, range: Range<usize>) {
    put_message(out, 1, |out| {
        put_labels(out, labels.iter());
        let first = u32::try_from(range.start).unwrap_or(u32::MAX);
        let skipped = columns.histograms.partition_point(|(index, _)| *index < first);
        let mut histograms = columns.histograms.iter().skip(skipped).peekable();
        for index in range {
            let Some(&time) = columns.times.get(index) else { break };
            match histograms.next_if(|(at, _)| *at as usize == index) {
                Some((_, value)) => {
                    let value = Arc::clone(value);
                    let sample = HistogramSample { time, value, start: 0 };
                    put_message(out, 4, |out| histogram::put(out, &sample, false));
                }
                None => {
                    let value = columns.values.get(index).copied().unwrap_or_default();
                    let sample = Sample { time, value, start: 0 };
                    put_message(out, 2, |out| put_sample(out, &sample, false));
                }
            }
        }
    });
}

/// The frames of one series.
#[derive(Debug)]
pub struct Frames<'a, C: Iterator<Item = Chunk>> {
    query: usize,
    labels: &'a Labels,
    chunks: Peekable<C>,
}

impl<'a, C: Iterator<Item = Chunk>> Frames<'a, C> {
    /// `query` is the index of the query that selected the series.
    pub fn new(query: usize, labels: &'a Labels, chunks: C) -> Self {
        Self { query, labels, chunks: chunks.peekable() }
    }

    /// Appends a frame with as many chunks as fit; false when there are no more chunks.
    pub fn put_next(&mut self, out: &mut Vec<u8>) -> bool {
        if self.chunks.peek().is_none() {
            return false;
        }
        let mut message = Vec::new();
        put_message(&mut message, 1, |message| {
            put_labels(message, self.labels.iter());
            while message.len() < FRAME_BYTES
                && let Some(chunk) = self.chunks.next()
            {
                put_message(message, 2, |message| put_chunk(message, &chunk));
            }
        });
        put_varint(&mut message, 2, self.query as u64);
        put_u64(out, message.len() as u64);
        out.extend_from_slice(&crc32c(&message).to_be_bytes());
        out.append(&mut message);
        true
    }
}

fn put_chunk(out: &mut Vec<u8>, chunk: &Chunk) {
    put_varint(out, 1, chunk.start as u64);
    put_varint(out, 2, chunk.end as u64);
    put_varint(out, 3, chunk.encoding as u64);
    put_bytes(out, 4, &chunk.data);
}
