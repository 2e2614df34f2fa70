//! Full disks, failed syncs, rot, and power cuts at any moment.

use disk::sim::{Random, SimDisk};
use proptest::prelude::*;

use super::{append, open, read, tick};
use crate::SpoolError;

#[test]
fn a_full_disk_costs_the_ticks_that_do_not_fit() {
    let disk = SimDisk::new(2);
    let mut spool = open(&disk);
    append(&mut spool, 0..5);
    disk.set_capacity(0);
    for number in 5..8 {
        let written = spool.append(number, &tick(number)).and_then(|()| spool.sync());
        let error = written.expect_err("there is no room");
        assert!(error.is_full(), "{error}");
        assert!(
            matches!(error, SpoolError::NotWritten { first, last, .. } if (first, last) == (number, number))
        );
    }
    disk.set_capacity(u64::MAX);
    append(&mut spool, 8..10);
    assert_eq!(read(&mut spool.reader(), 0), [0, 1, 2, 3, 4, 8, 9]);
    drop(spool);
    disk.restart();
    assert_eq!(read(&mut open(&disk).reader(), 0), [0, 1, 2, 3, 4, 8, 9]);
}

#[test]
fn a_failed_sync_costs_its_ticks_only() {
    let disk = SimDisk::new(3);
    let mut spool = open(&disk);
    append(&mut spool, 0..3);
    disk.fail_syncs(1);
    spool.append(3, &tick(3)).expect("is taken");
    spool.append(4, &tick(4)).expect("is taken");
    let error = spool.sync().expect_err("fails");
    assert!(matches!(error, SpoolError::NotWritten { first: 3, last: 4, .. }), "{error}");
    append(&mut spool, 5..7);
    assert_eq!(read(&mut spool.reader(), 0), [0, 1, 2, 5, 6]);
}

#[test]
fn rot_costs_the_rest_of_a_segment_and_is_counted() {
    let mut found = 0;
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let mut spool = open(&disk);
        append(&mut spool, 0..40);
        let first = disk.files().into_iter().next().expect("has files");
        disk.rot(&first);
        let mut reader = spool.reader();
        let (mut from, mut damaged, mut numbers) = (0, 0, Vec::new());
        while let Some(read) = reader.read(from).expect("is read") {
            damaged += read.damaged;
            numbers.push(read.number);
            from = read.number + 1;
        }
        assert_eq!(numbers.len() as u64 + damaged, 40, "{seed}: {numbers:?}");
        assert!(numbers.ends_with(&[38, 39]), "{seed}: other segments are whole");
        found += u64::from(damaged > 0);
    }
    assert!(found > 0, "no bit was in a record");
}

/// The sync that fails is the one before a segment is left.
#[test]
fn a_failed_sync_between_segments_does_not_cost_the_tick_that_comes() {
    let disk = SimDisk::new(4);
    let mut spool = open(&disk);
    append(&mut spool, [0]);
    disk.fail_syncs(1);
    let failed =
        (1..100).find_map(|number| Some((number, spool.append(number, &tick(number)).err()?)));
    let (number, error) = failed.expect("a segment is left");
    assert!(number > 2, "several wait");
    assert!((1..number).all(|lost| error.loses(lost)) && !error.loses(number), "{error}");
    spool.sync().expect("is written");
    append(&mut spool, [number + 1]);
    assert_eq!(read(&mut spool.reader(), 0), [0, number, number + 1]);
}

#[test]
fn a_segment_that_is_gone_does_not_keep_the_spool_from_shrinking() {
    let disk = SimDisk::new(5);
    let mut spool = open(&disk);
    append(&mut spool, 0..200);
    let first = disk.files().into_iter().next().expect("has files");
    disk::Disk::remove(&disk, &first).expect("is removed");
    let mut unreadable = 0;
    while let Some(dropped) = spool.shrink().expect("works") {
        unreadable += dropped.unreadable;
    }
    assert!(unreadable > 0);
    assert!(spool.bytes() <= super::SIZES.bytes_max);
    assert!(read(&mut spool.reader(), 0).ends_with(&[199]));
}

proptest! {
    /// Synced ticks are there after a power cut at any operation, and nothing else is.
    #[test]
    fn synced_ticks_survive(seed in any::<u64>(), rounds in 1usize..5) {
        let disk = SimDisk::new(seed);
        let mut random = Random::new(seed);
        let (mut next, mut oldest) = (0u64, 0u64);
        let mut synced = Vec::new();
        for _ in 0..rounds {
            disk.restart();
            let mut spool = open(&disk);
            // What was under way in the crash may be there or not.
            let there = read(&mut spool.reader(), 0);
            let kept = |number: &&u64| **number >= oldest;
            for number in synced.iter().filter(kept) {
                prop_assert!(there.contains(number), "tick {number} of {there:?} is lost");
            }
            synced.clone_from(&there);
            next = next.max(spool.next());
            disk.crash_after(random.below(60));
            while !disk.has_crashed() {
                let burst = next..next + 1 + random.below(3);
                next = burst.end;
                let wrote = burst.clone().try_for_each(|n| spool.append(n, &tick(n)));
                if wrote.and_then(|()| spool.sync()).is_ok() {
                    synced.extend(burst);
                }
                if random.one_in(4) {
                    oldest = oldest.max(next.saturating_sub(random.below(20)));
                    let _result = spool.trim(oldest);
                }
                while let Ok(Some(dropped)) = spool.shrink() {
                    oldest = oldest.max(dropped.end);
                }
            }
        }
    }
}
