//! Sealed chunks as records in slabs: each names its column of times and the chunk before it.
//!
//! Every eighth names as many before it: a reader that follows them one by one would wait for memory
//! each time, and so reads of several are under way at once. For that, too, numbers are not as short
//! as can be: a guess of their lengths that is wrong would be found out only when memory has answered.

use std::sync::Arc;

use codec::chunk::ChunkError;
use model::query::TimesSource;

use crate::{
    chunk,
    head::slabs::{Mark, Place, View},
    samples::Samples,
};

/// Chunks that are named together.
const TOGETHER: usize = 8;

/// The first byte of a chunk says whether all before are older, and how many chunks lie between it
/// and the last that names several; the second, how many it names.
const ORDERED: u8 = 0x80;
/// Also in the first byte: numbers have 32 bits instead of 16.
const WIDE: u8 = 0x40;

/// Most bytes of a place that is written in a record, and of a record beside its payload or times.
const PLACE_MAX: usize = 6;
pub(super) const HEADER_MAX: usize = (1 + TOGETHER) * PLACE_MAX + 6;
/// Bytes of the record of a column of times before the times.
const TIMES_HEADER: usize = 26;

/// Places of chunks, the newest first.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    places: [Place; TOGETHER],
    count: u8,
}

/// The chunks of a series, of which each leads to the one before. Packed, as each series has them.
#[derive(Clone, Copy, Debug, Default)]
#[repr(Rust, packed(2))]
pub(crate) struct Chunks {
    last: Place,
    count: u32,
}

/// Times of chunks, which several series may share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times<'a> {
    /// What the writer calls them.
    pub(super) number: u32,
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) count: u16,
    pub(super) bytes: &'a [u8],
    /// Bytes of the record.
    pub(super) length: usize,
    mark: &'a Arc<Mark>,
    at: u16,
}

/// A sealed chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk<'a> {
    pub(crate) times: Times<'a>,
    payload: &'a [u8],
    pub(super) place: Place,
    flags: u8,
    /// How many chunks are named, and their places.
    named: u8,
    places: &'a [u8],
}

impl<'a> Times<'a> {
    pub(super) fn read(view: &'a View, place: Place) -> Option<Self> {
        let (record, mark) = view.from(place)?;
        let (header, rest) = record.split_first_chunk::<TIMES_HEADER>()?;
        let (min, header) = header.split_first_chunk()?;
        let (max, header) = header.split_first_chunk()?;
        let (number, header) = header.split_first_chunk()?;
        let (length, count) = header.split_first_chunk()?;
        let bytes = rest.get(..u32::from_le_bytes(*length) as usize)?;
        Some(Self {
            number: u32::from_le_bytes(*number),
            min: i64::from_le_bytes(*min),
            max: i64::from_le_bytes(*max),
            count: u16::from_le_bytes(*count.first_chunk()?),
            bytes,
            length: TIMES_HEADER + bytes.len(),
            mark,
            at: place.at,
        })
    }

    /// Appends a record of [`HEADER_MAX`] bytes at most, and the times.
    pub(super) fn write(
        number: u32,
        (min, max): (i64, i64),
        count: usize,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(&min.to_le_bytes());
        out.extend_from_slice(&max.to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(&(count as u16).to_le_bytes());
        out.extend_from_slice(bytes);
    }

    fn overlaps(&self, start: i64, end: i64) -> bool {
        self.min <= end && self.max >= start
    }

    pub(crate) fn source(&self) -> TimesSource {
        TimesSource::new(Arc::<Mark>::clone(self.mark), usize::from(self.at))
    }

    pub(crate) fn has_source(&self, source: &TimesSource) -> bool {
        source.is(self.mark, usize::from(self.at))
    }
}

impl<'a> Chunk<'a> {
    pub(super) fn read(view: &'a View, place: Place) -> Option<Self> {
        let (record, _) = view.from(place)?;
        let (&[flags, named], mut rest) = record.split_first_chunk()?;
        let is_wide = flags & WIDE != 0;
        let times = Times::read(view, take_place(place, is_wide, &mut rest)?)?;
        let length = take_number(is_wide, &mut rest)?;
        let (payload, places) = rest.split_at_checked(length as usize)?;
        Some(Self { times, payload, place, flags, named, places })
    }

    /// Whether the chunks before end before this begins, and likewise they.
    pub(super) fn is_ordered(&self) -> bool {
        self.flags & ORDERED != 0
    }

    /// How many chunks lie between this and the one before that names several.
    fn run(&self) -> u8 {
        self.flags & !(ORDERED | WIDE)
    }

    /// The chunks that are named, and what lies behind the record.
    fn named(&self) -> (Named, &'a [u8]) {
        let (mut named, mut rest) = (Named::default(), self.places);
        for place in named.places.iter_mut().take(usize::from(self.named)) {
            let is_wide = self.flags & WIDE != 0;
            let Some(taken) = take_place(self.place, is_wide, &mut rest) else { break };
            *place = taken;
            named.count += 1;
        }
        (named, rest)
    }

    /// Bytes of the record, of a view that has it.
    pub(super) fn length(&self, view: &View) -> usize {
        let record = view.from(self.place).map_or(0, |(record, _)| record.len());
        record - self.named().1.len()
    }

    /// Appends the samples.
    pub(crate) fn decode(&self, out: &mut Samples) -> Result<(), ChunkError> {
        let mut times = Vec::new();
        let count = usize::from(self.times.count);
        codec::chunk::decode_times(self.times.bytes, count, &mut times)?;
        chunk::decode(&times, self.payload, out)
    }

    /// Appends the values if they are floats without start timestamps and can be read.
    pub(crate) fn decode_plain(&self, values: &mut Vec<f64>) -> bool {
        chunk::decode_plain(self.payload, usize::from(self.times.count), values)
    }
}

impl Chunks {
    pub(crate) fn is_empty(self) -> bool {
        self.count == 0
    }

    pub(crate) fn len(self) -> u32 {
        self.count
    }

    /// The place of the newest.
    fn last(self) -> Option<Place> {
        (self.count > 0).then_some(self.last)
    }

    /// With another one, which was written behind the newest.
    pub(super) fn with(self, last: Place) -> Self {
        Self { last, count: self.count + 1 }
    }

    /// Without all but the newest.
    pub(super) fn newest(self, count: u32) -> Self {
        Self { count, ..self }
    }

    /// What a chunk of these times that is written behind the newest names.
    pub(super) fn follow(self, view: &View, min: i64) -> Follow {
        let newest = self.last().map(|last| Chunk::read(view, last));
        let ordered = newest.is_none_or(|newest| {
            newest.is_some_and(|newest| newest.is_ordered() && newest.times.max < min)
        });
        let run = newest.flatten().map_or(0, |newest| newest.run() + 1);
        let together = usize::from(run) == TOGETHER;
        let mut named = Named::default();
        let before = self.overlapping(view, i64::MIN, i64::MAX);
        let count = if together { TOGETHER } else { 1 };
        for (slot, chunk) in named.places.iter_mut().zip(before).take(count) {
            *slot = chunk.place;
            named.count += 1;
        }
        Follow { ordered, run: if together { 0 } else { run }, named }
    }

    /// Without the newest as far as they do not overlap a range of time.
    pub(crate) fn within(self, view: &View, start: i64, end: i64) -> Self {
        let mut chunks = self.overlapping(view, start, end);
        let newest = chunks.next();
        newest.map_or(Self::default(), |chunk| Self { last: chunk.place, count: chunks.left + 1 })
    }

    /// Those that overlap a range of time, the newest first.
    pub(crate) fn overlapping(self, view: &View, start: i64, end: i64) -> Overlapping<'_> {
        let mut places = [Place::default(); TOGETHER];
        places[0] = self.last;
        let next = Named { places, count: 1 };
        Overlapping { view, next, at: 0, left: self.count, start, end }
    }

    /// All, the newest first.
    pub(super) fn all(self, view: &View) -> Overlapping<'_> {
        self.overlapping(view, i64::MIN, i64::MAX)
    }
}

/// What the record of a chunk tells of those before it.
#[derive(Debug)]
pub(super) struct Follow {
    ordered: bool,
    run: u8,
    named: Named,
}

impl Follow {
    /// Appends a record: [`HEADER_MAX`] bytes at most, and the payload.
    pub(super) fn write(&self, slab: u32, times: Place, payload: &[u8], out: &mut Vec<u8>) {
        let Named { places, count } = self.named;
        let places = places.get(..usize::from(count)).unwrap_or_default();
        let is_far = |place: &Place| i16::try_from(distance(slab, *place)).is_err();
        let is_wide =
            u16::try_from(payload.len()).is_err() || is_far(&times) || places.iter().any(is_far);
        let ordered = if self.ordered { ORDERED } else { 0 };
        out.extend_from_slice(&[self.run | ordered | if is_wide { WIDE } else { 0 }, count]);
        put_place(slab, times, is_wide, out);
        put_number(payload.len() as u32, is_wide, out);
        out.extend_from_slice(payload);
        for place in places {
            put_place(slab, *place, is_wide, out);
        }
    }
}

/// Chunks of a series from the newest on.
#[derive(Debug)]
pub(crate) struct Overlapping<'a> {
    view: &'a View,
    /// The places that are known, and which of them is next.
    next: Named,
    at: u8,
    left: u32,
    start: i64,
    end: i64,
}

impl<'a> Iterator for Overlapping<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        while self.left > 0 && self.at < self.next.count {
            let place = *self.next.places.get(usize::from(self.at))?;
            let chunk = Chunk::read(self.view, place)?;
            self.at += 1;
            self.left -= 1;
            if self.at == self.next.count {
                (self.next, self.at) = (chunk.named().0, 0);
                let places = self.next.places.get(..usize::from(self.next.count));
                self.view.expect(places.unwrap_or_default());
            }
            if chunk.is_ordered() && chunk.times.min <= self.start {
                // All before are older.
                self.left = 0;
            }
            if chunk.times.overlaps(self.start, self.end) {
                return Some(chunk);
            }
        }
        None
    }
}

fn put_number(number: u32, is_wide: bool, out: &mut Vec<u8>) {
    let length = if is_wide { 4 } else { 2 };
    out.extend_from_slice(number.to_le_bytes().get(..length).unwrap_or_default());
}

/// Takes a number off the front.
#[inline]
fn take_number(is_wide: bool, input: &mut &[u8]) -> Option<u32> {
    if is_wide {
        let (number, rest) = input.split_first_chunk()?;
        *input = rest;
        return Some(u32::from_le_bytes(*number));
    }
    let (number, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(u32::from(u16::from_le_bytes(*number)))
}

/// By how many numbers of slabs a place lies before one, modulo 2^32.
fn distance(slab: u32, place: Place) -> i32 {
    slab.wrapping_sub(place.slab) as i32
}

fn put_place(slab: u32, place: Place, is_wide: bool, out: &mut Vec<u8>) {
    put_number(distance(slab, place) as u32, is_wide, out);
    put_number(u32::from(place.at), false, out);
}

/// Takes the place that is written in the record at another one off the front.
#[inline]
fn take_place(own: Place, is_wide: bool, input: &mut &[u8]) -> Option<Place> {
    let distance = take_number(is_wide, input)?;
    let distance = if is_wide { distance as i32 } else { i32::from(distance as i16) };
    let at = take_number(false, input)? as u16;
    Some(Place { slab: own.slab.wrapping_sub(distance as u32), at })
}

#[cfg(test)]
mod tests;
