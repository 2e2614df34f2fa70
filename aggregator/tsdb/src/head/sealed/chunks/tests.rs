//! Tests of records of chunks.

use super::{Chunk, Chunks, HEADER_MAX, Place, Times, put_place, take_place};
use crate::head::slabs::Slabs;

#[test]
fn places_are_written_relative_to_their_record() {
    for (own, slab, is_wide) in [
        (7, 7, false),
        (40_000, 7_233, false),
        (0, 32_768, false),
        (100_000, 0, true),
        (0, u32::MAX, true),
    ] {
        let (own, place) = (Place { slab: own, at: 1 }, Place { slab, at: u16::MAX });
        let mut bytes = Vec::new();
        put_place(own.slab, place, is_wide, &mut bytes);
        let mut input = bytes.as_slice();
        assert_eq!(take_place(own, is_wide, &mut input), Some(place));
        assert!(input.is_empty());
        assert_eq!(take_place(own, is_wide, &mut &bytes[1..]), None, "cut short");
    }
}

/// Chunks `[10 n, 10 n + 5]`, of which each payload is longer than the last, and some are very long.
#[test]
fn chunks_lead_to_those_before() {
    let (mut slabs, mut chunks) = (Slabs::default(), Chunks::default());
    let length = |number: usize| if number.is_multiple_of(7) { 70_000 + number } else { number };
    for number in 0..30usize {
        let min = 10 * number as i64;
        let write =
            |_, out: &mut Vec<u8>| Times::write(number as u32, (min, min + 5), 2, &[1], out);
        let times = slabs.append(HEADER_MAX + 1, write);
        let (follow, payload) = (chunks.follow(slabs.view(), min), vec![0; length(number)]);
        let last = slabs.append(HEADER_MAX + payload.len(), |slab, out| {
            follow.write(slab, times, &payload, out);
        });
        chunks = chunks.with(last);
    }
    let view = slabs.view();
    let numbers = |chunks: Chunks, start, end| -> Vec<u32> {
        chunks.overlapping(view, start, end).map(|chunk| chunk.times.number).collect()
    };
    let from = |first: u32, last: u32| (first..=last).rev().collect::<Vec<u32>>();
    assert_eq!(numbers(chunks, i64::MIN, i64::MAX), from(0, 29));
    assert_eq!(numbers(chunks, 125, 250), from(12, 25));
    assert_eq!(numbers(chunks, 126, 129), [], "between two");
    assert_eq!(numbers(chunks.newest(20), 0, 150), from(10, 15), "the others were dropped");
    let within = chunks.within(view, 0, 256);
    assert_eq!((within.len(), numbers(within, 0, 500)), (26, from(0, 25)));
    assert!(chunks.within(view, 300, 400).is_empty());
    let is_whole = |chunk: Chunk<'_>| chunk.payload.len() == length(chunk.times.number as usize);
    assert!(chunks.all(view).all(is_whole));
    let used: usize = chunks.all(view).map(|chunk| chunk.length(view) + chunk.times.length).sum();
    assert_eq!(used, slabs.used_bytes());
}
