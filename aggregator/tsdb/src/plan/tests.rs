//! Tests of the choice of what to merge.

use super::{Candidate, next_merge};
use crate::block::BlockId;

const HOUR: i64 = 3600 * 1000;

fn block(id: u64, hours: std::ops::Range<i64>, bytes: u64) -> Candidate {
    let (min, max) = (hours.start * HOUR, hours.end * HOUR - 1);
    Candidate { id: BlockId(id), min, max, bytes, has_tombstones: false }
}

/// The numbers of the blocks chosen and the length of their window in hours.
fn choice(blocks: &[Candidate], now_hours: i64) -> Option<(Vec<u64>, i64)> {
    let merge = next_merge(blocks, now_hours * HOUR, 2)?;
    let mut ids: Vec<u64> = merge.blocks.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    Some((ids, (merge.window.end - merge.window.start) / HOUR))
}

#[test]
fn a_window_is_merged_when_it_is_over() {
    let blocks = [block(1, 0..1, 5 << 20), block(2, 1..2, 6 << 20), block(3, 2..3, 1 << 20)];
    assert_eq!(choice(&blocks, 2), None, "late samples may come");
    assert_eq!(choice(&blocks, 3), Some((vec![1, 2], 2)));
    let merged = [block(4, 0..2, 11 << 20), block(3, 2..3, 1 << 20)];
    assert_eq!(choice(&merged, 3), None);
}

#[test]
fn two_hours_become_a_day_and_days_a_month() {
    let mut blocks: Vec<Candidate> =
        (0..12).map(|n| block(n as u64, 2 * n..2 * n + 2, 10 << 20)).collect();
    assert_eq!(choice(&blocks, 24), None);
    assert_eq!(choice(&blocks, 25), Some(((0..12).collect(), 24)));
    blocks = (0..31).map(|n| block(n as u64, 24 * n..24 * n + 24, 100 << 20)).collect();
    assert_eq!(choice(&blocks, 31 * 24), None);
    assert_eq!(choice(&blocks, 31 * 24 + 1), Some(((0..31).collect(), 744)));
    assert_eq!(next_merge(&blocks, 9000 * HOUR, 1), None, "the retention is too short for months");
}

#[test]
fn many_blocks_of_an_open_window_are_merged() {
    let blocks: Vec<Candidate> = (0..8).map(|n| block(n, 0..1, 10 << 20)).collect();
    assert_eq!(choice(&blocks[..7], 1), None);
    assert_eq!(choice(&blocks, 1), Some(((0..8).collect(), 2)));
}

#[test]
fn little_that_is_late_does_not_rewrite_much() {
    let large = block(1, 0..24, 10 << 30);
    let late = |id, bytes| block(id, 3..4, bytes);
    assert_eq!(choice(&[large, late(2, 3 << 20)], 900), None);
    let two = [large, late(2, 3 << 20), late(3, 5 << 20)];
    assert_eq!(choice(&two, 900), Some((vec![2, 3], 2)));
    assert_eq!(choice(&[large, late(2, 6 << 30)], 900), Some((vec![1, 2], 24)));
    assert_eq!(choice(&[late(1, 1000), late(2, 900_000)], 900), Some((vec![1, 2], 2)), "both tiny");
}

#[test]
fn deletions_are_carried_out_when_nothing_else_is_due() {
    let mut blocks = [block(1, 0..24, 10 << 20), block(2, 24..26, 10 << 20)];
    blocks[1].has_tombstones = true;
    assert_eq!(choice(&blocks, 25), Some((vec![2], 2)));
}
