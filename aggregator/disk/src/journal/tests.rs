//! Tests of the journal: what was synced comes back, whatever happens to the disk.

use std::{path::Path, sync::Arc};

use proptest::prelude::*;

use super::{Journal, JournalError, Options, Record, ReplayStats};
use crate::{
    Disk,
    sim::{Random, SimDisk},
};

const DIR: &str = "/wal";

fn options() -> Options {
    let salt = Some(7);
    Options { segment_bytes: 200, payload_bytes_max: 1000, pending_bytes_max: 4000, salt }
}

type Records = Vec<(u8, Vec<u8>)>;

fn open(disk: &SimDisk) -> (Journal, Records, ReplayStats) {
    let mut records = Vec::new();
    let mut visit = |record: Record<'_>| records.push((record.kind, record.payload.to_vec()));
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let (journal, stats) = Journal::open(disk, Path::new(DIR), options(), &mut visit).unwrap();
    (journal, records, stats)
}

fn payload(number: u64) -> Vec<u8> {
    let length = (number * 37 % 150) as usize;
    std::iter::repeat_n(number.to_le_bytes(), 20).flatten().take(length).collect()
}

fn write(journal: &mut Journal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        journal.append(number as u8, &payload(number)).unwrap();
        journal.sync().unwrap();
    }
}

fn expected(numbers: std::ops::Range<u64>) -> Records {
    numbers.map(|number| (number as u8, payload(number))).collect()
}

#[test]
fn records_come_back_in_order_over_segments_and_openings() {
    let disk = SimDisk::new(1);
    for round in 0..4 {
        let (mut journal, records, stats) = open(&disk);
        assert_eq!(records, expected(0..round * 10));
        assert_eq!((stats.records, stats.corrupt, stats.torn_bytes), (round * 10, 0, 0));
        write(&mut journal, round * 10..round * 10 + 10);
        assert!(journal.segment_count() > 2);
    }
}

#[test]
fn frames_made_elsewhere_are_records() {
    let disk = SimDisk::new(1);
    let (mut journal, ..) = open(&disk);
    let mut frames = journal.frames();
    frames.push(1, b"one");
    frames.push(2, b"two");
    journal.append(0, b"zero").unwrap();
    journal.append_frames(&mut frames).unwrap();
    assert!(frames.is_empty());
    journal.append(3, b"three").unwrap();
    journal.sync().unwrap();
    let kinds: Vec<u8> = open(&disk).1.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [0, 1, 2, 3]);
}

#[test]
fn rotated_segments_can_be_removed() {
    let disk = SimDisk::new(1);
    let (mut journal, ..) = open(&disk);
    write(&mut journal, 0..10);
    let boundary = journal.rotate();
    write(&mut journal, 10..20);
    let bytes = journal.bytes();
    assert!(journal.remove_before(boundary).unwrap() > 2);
    assert!(journal.bytes() < bytes);
    assert_eq!(open(&disk).1, expected(10..20));
    let mut seen = 0;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let count = &mut |_: Record<'_>| seen += 1;
    Journal::open_from(disk, Path::new(DIR), options(), boundary + 1, count).unwrap();
    assert!(seen < 10, "{seen}: earlier segments are not read");
}

#[test]
fn inspecting_finds_the_same_and_changes_nothing() {
    let disk = SimDisk::new(1);
    let (mut journal, ..) = open(&disk);
    write(&mut journal, 0..10);
    let files = disk.files();
    let mut torn = disk.open_append(files.last().unwrap()).unwrap();
    torn.append(b"torn").unwrap();
    let before = disk.operations();
    let mut seen = 0;
    let count = &mut |_: Record<'_>| seen += 1;
    let stats = super::inspect(&disk, Path::new(DIR), options(), 0, count).unwrap();
    assert_eq!((stats.records, stats.torn_bytes, stats.corrupt), (10, 4, 0));
    assert_eq!(disk.operations(), before);
    assert_eq!(seen, 10);
    assert_eq!(open(&disk).2, stats);
}

/// Segments of every version must be readable for ever. The file is the first segment that
/// `write(0..12)` writes to a new disk.
#[test]
fn old_segments_are_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/journal-v1.log");
    let content = crate::read(&crate::os::OsDisk, &path, 1 << 20).unwrap();
    let mut records = Vec::new();
    let mut stats = ReplayStats::default();
    super::replay::segment(&content, 0, false, &options(), &mut stats, &mut |record| {
        records.push((record.kind, record.payload.to_vec()));
    });
    assert_eq!((stats.corrupt, stats.torn_bytes), (0, 0));
    assert!(records.len() > 2);
    assert_eq!(records, expected(0..records.len() as u64));
    // What is written today is still the same.
    let disk = SimDisk::new(1);
    let (mut journal, ..) = open(&disk);
    write(&mut journal, 0..12);
    assert_eq!(crate::read(&disk, &disk.files()[0], 1 << 20).unwrap(), content);
}

#[test]
fn too_long_records_and_too_many_waiting_ones_are_refused() {
    let disk = SimDisk::new(1);
    let (mut journal, ..) = open(&disk);
    let error = journal.append(0, &[0; 1001]).unwrap_err();
    assert!(matches!(error, JournalError::TooLong { bytes: 1001, limit: 1000 }));
    disk.set_capacity(0);
    let mut taken = 0;
    let error = loop {
        match journal.append(0, &[0; 500]) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(journal.sync().unwrap_err().is_full());
    };
    assert!(matches!(error, JournalError::Pending { .. }) && error.is_full(), "{error}");
    assert_eq!(taken, 7);
    disk.set_capacity(u64::MAX);
    journal.sync().unwrap();
    assert_eq!(journal.pending_bytes(), 0);
    assert_eq!(open(&disk).1.len(), 7);
}

/// Every acknowledged record survives a crash at any operation; of the others a prefix may.
#[test]
fn crashes_at_every_operation_lose_nothing_acknowledged() {
    for seed in 0..60 {
        let disk = SimDisk::new(seed);
        let mut random = Random::new(seed);
        let mut acknowledged: Records = Vec::new();
        let mut number = 0;
        for _ in 0..6 {
            let (mut journal, records, stats) = open(&disk);
            assert_eq!(stats.corrupt, 0, "seed {seed}: {stats:?}");
            assert!(records.len() >= acknowledged.len(), "seed {seed}");
            assert_eq!(records[..acknowledged.len()], acknowledged, "seed {seed}");
            acknowledged = records;
            disk.crash_after(random.below(40));
            loop {
                let unsynced = random.below(4);
                let batch: Records =
                    (number..=number + unsynced).map(|n| (n as u8, payload(n))).collect();
                number += unsynced + 1;
                for (kind, payload) in &batch {
                    journal.append(*kind, payload).unwrap();
                }
                if journal.sync().is_err() {
                    break;
                }
                acknowledged.extend(batch);
            }
            assert!(disk.has_crashed());
            disk.restart();
        }
    }
}

/// A failed sync or a full disk delays records but loses none, and does not reorder them.
#[test]
fn failures_are_made_good_by_the_next_sync() {
    for seed in 0..60 {
        let disk = SimDisk::new(seed);
        let mut random = Random::new(seed);
        let (mut journal, ..) = open(&disk);
        for number in 0..30 {
            journal.append(number as u8, &payload(number)).unwrap();
            match random.below(4) {
                0 => disk.fail_syncs(1),
                1 => disk.set_capacity(disk_used(&disk) + random.below(100)),
                _ => {}
            }
            if journal.sync().is_err() {
                disk.set_capacity(u64::MAX);
                disk.fail_syncs(0);
            }
        }
        disk.set_capacity(u64::MAX);
        journal.sync().unwrap();
        disk.restart();
        let (_, mut records, _) = open(&disk);
        // What a failed call wrote may be there twice.
        records.dedup();
        let mut left = records.as_slice();
        for record in expected(0..30) {
            let at = left.iter().position(|found| *found == record);
            left = &left[at.unwrap_or_else(|| panic!("seed {seed}: {record:?} is lost"))..];
        }
    }
}

fn disk_used(disk: &SimDisk) -> u64 {
    let space = disk.space(Path::new(DIR)).unwrap();
    space.total - space.free
}

#[test]
fn a_rotten_bit_costs_one_record_and_is_counted() {
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        let (mut journal, ..) = open(&disk);
        write(&mut journal, 0..20);
        drop(journal);
        let files = disk.files();
        let path = &files[seed as usize % files.len()];
        let is_last = Some(path) == files.last();
        let at = disk.rot(path).unwrap();
        let (journal, records, stats) = open(&disk);
        let all = expected(0..20);
        assert!(records.iter().all(|record| all.contains(record)), "seed {seed}");
        assert!(records.len() + 1 >= all.len() || is_last, "seed {seed}, {at}: {stats:?}");
        assert!(stats.corrupt + stats.torn_bytes > 0, "seed {seed}: {stats:?}");
        drop(journal);
        // Opening again finds the same: no loop of repairs.
        let (_, again, stats_again) = open(&disk);
        assert_eq!(again, records);
        assert_eq!(stats_again.corrupt, stats.corrupt);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_replayed_without_a_panic(
        content in proptest::collection::vec(any::<u8>(), 0..600),
        with_header in any::<bool>(),
        is_last in any::<bool>(),
    ) {
        let mut bytes = Vec::new();
        if with_header {
            bytes.extend_from_slice(&super::frame::segment_header(3));
        }
        bytes.extend_from_slice(&content);
        let mut stats = ReplayStats::default();
        let end =
            super::replay::segment(&bytes, 1, is_last, &options(), &mut stats, &mut |_| {});
        prop_assert!(end <= bytes.len() as u64);
        prop_assert_eq!(stats.records, 0);
    }

    #[test]
    fn damage_anywhere_leaves_only_whole_records(
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..8), 1..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        let disk = SimDisk::new(1);
        let (mut journal, ..) = open(&disk);
        write(&mut journal, 0..12);
        let path = disk.files()[0].clone();
        let mut bytes = crate::read(&disk, &path, 1 << 20).unwrap();
        bytes.truncate(cut.index(bytes.len()) + 1);
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        let all = expected(0..12);
        let mut stats = ReplayStats::default();
        let mut whole = true;
        super::replay::segment(&bytes, 1, true, &options(), &mut stats, &mut |record| {
            whole &= all.contains(&(record.kind, record.payload.to_vec()));
        });
        prop_assert!(whole);
    }
}
