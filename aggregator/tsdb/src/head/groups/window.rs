//! Frames of a group that are not sealed yet.

use std::sync::{Arc, OnceLock};

use crate::samples::Column;

/// Frames in order, the first a key frame. What is here has been applied once, so it is known to
/// be good.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Payloads, one behind the other, none of them in two pieces. Pieces are not grown, so nothing
    /// is copied and little is empty.
    pieces: Vec<Vec<u8>>,
    lengths: Vec<u32>,
    pub(crate) times: Vec<i64>,
    /// Memory in bytes.
    bytes: usize,
}

/// Memory of a frame beside its payload, in bytes.
const FRAME_BYTES: usize = size_of::<u32>() + size_of::<i64>();

/// A piece is as long as a quarter of those before it, within these bounds, in bytes.
const PIECE_MIN: usize = 128;
const PIECE_MAX: usize = 16 << 10;

/// Of up to this share of the members the values are picked out of the frames; of more, all are
/// decoded.
const SOME_SHARE: usize = 8;

/// Ticks that are transposed together: as many values as a cache line has.
const TOGETHER: usize = 8;

impl Window {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Memory in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the memory that it took, in bytes.
    pub(crate) fn push(&mut self, time: i64, payload: &[u8]) -> usize {
        let before = self.bytes;
        let room = self.pieces.last().map_or(0, |piece| piece.capacity() - piece.len());
        if room < payload.len() {
            let length = (self.bytes / 4).clamp(PIECE_MIN, PIECE_MAX).max(payload.len());
            self.pieces.push(Vec::with_capacity(length));
            self.bytes += length;
        }
        if let Some(piece) = self.pieces.last_mut() {
            piece.extend_from_slice(payload);
        }
        self.lengths.push(payload.len() as u32);
        self.times.push(time);
        self.bytes += FRAME_BYTES;
        self.bytes - before
    }

    /// Forgets the frames and gives their memory to whichever group needs it next.
    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.lengths.clear();
        self.times.clear();
        self.bytes = 0;
    }

    /// Times of the first and last frame.
    pub(crate) fn ends(&self) -> Option<(i64, i64)> {
        Some((*self.times.first()?, *self.times.last()?))
    }

    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        let (first, last) = (self.times.first(), self.times.last());
        first.is_some_and(|first| *first <= end) && last.is_some_and(|last| *last >= start)
    }

    fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        let mut pieces = self.pieces.iter();
        let mut rest: &[u8] = &[];
        self.lengths.iter().map(move |length| {
            if rest.is_empty() {
                rest = pieces.next().map_or(&[], |piece| piece);
            }
            let (payload, behind) = rest.split_at_checked(*length as usize).unwrap_or_default();
            rest = behind;
            payload
        })
    }

    /// Replaces `out` by the values of all members, member by member.
    pub(crate) fn columns(&self, members: usize, out: &mut Vec<f64>) {
        let count = self.len();
        out.clear();
        out.resize(count * members, 0.0);
        let mut rows = vec![0; TOGETHER * members];
        let mut payloads = self.payloads();
        for first in (0..count).step_by(TOGETHER) {
            let ticks = TOGETHER.min(count - first);
            for tick in 0..ticks {
                // Each row begins as the one before it; before the first lies the last.
                let before = (tick + TOGETHER - 1) % TOGETHER * members;
                rows.copy_within(before..before + members, tick * members);
                let row = &mut rows[tick * members..(tick + 1) * members];
                apply(payloads.next().unwrap_or_default(), row);
            }
            for (member, column) in out.chunks_exact_mut(count).enumerate() {
                for (tick, value) in column[first..first + ticks].iter_mut().enumerate() {
                    *value = f64::from_bits(rows[tick * members + member]);
                }
            }
        }
    }

    /// The values of some members, member by member.
    fn some_columns(&self, members: usize, wanted: &[u32]) -> Vec<f64> {
        if wanted.len() > members / SOME_SHARE {
            let mut all = Vec::new();
            self.columns(members, &mut all);
            let columns = wanted.iter().flat_map(|member| self.column(&all, *member));
            return columns.copied().collect();
        }
        let count = self.len();
        let mut places: Vec<usize> = (0..wanted.len()).collect();
        places.sort_unstable_by_key(|place| wanted[*place]);
        let ascending: Vec<u32> = places.iter().map(|place| wanted[*place]).collect();
        let mut values = vec![0; wanted.len()];
        let mut out = vec![0.0; count * wanted.len()];
        for (tick, payload) in self.payloads().enumerate() {
            let applied = codec::frame::apply_some(payload, members, &ascending, &mut values);
            debug_assert!(applied.is_ok(), "{applied:?}");
            for (place, bits) in places.iter().zip(&values) {
                out[place * count + tick] = f64::from_bits(*bits);
            }
        }
        out
    }

    /// One member's values among those of all.
    fn column<'a>(&self, all: &'a [f64], member: u32) -> &'a [f64] {
        all.chunks_exact(self.len().max(1)).nth(member as usize).unwrap_or_default()
    }
}

fn apply(payload: &[u8], row: &mut [u64]) {
    let applied = codec::frame::apply(payload, row);
    debug_assert!(applied.is_ok(), "{applied:?}");
}

/// A window that several series of a selection are in, decoded when the first of them is read.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) window: Arc<Window>,
    pub(crate) members: usize,
    /// The members that were selected.
    pub(crate) wanted: Vec<u32>,
    pub(crate) decoded: OnceLock<Vec<f64>>,
}

impl Shared {
    /// The values of one of those that were selected.
    pub(crate) fn values(&self, at: u32) -> &[f64] {
        let decode = || self.window.some_columns(self.members, &self.wanted);
        self.window.column(self.decoded.get_or_init(decode), at)
    }

    /// Appends the samples of one of those that were selected.
    pub(crate) fn decode(&self, at: u32, out: &mut Column<f64>) {
        out.times.extend_from_slice(&self.window.times);
        out.values.extend_from_slice(self.values(at));
        debug_assert_eq!(out.times.len(), out.values.len());
    }
}
