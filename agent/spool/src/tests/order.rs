//! What goes in comes out, and what must go is told.

use std::{path::Path, sync::Arc};

use disk::sim::SimDisk;

use super::{DIR, SIZES, append, open, read};
use crate::Cursors;

#[test]
fn ticks_come_back_in_order_and_after_a_restart() {
    let disk = SimDisk::new(1);
    let mut spool = open(&disk);
    append(&mut spool, 0..30);
    let all: Vec<u64> = (0..30).collect();
    assert_eq!(read(&mut spool.reader(), 0), all);
    assert_eq!(read(&mut spool.reader(), 11), all[11..]);
    drop(spool);
    disk.restart();
    let mut spool = open(&disk);
    assert_eq!(spool.next(), 30);
    append(&mut spool, 30..33);
    assert_eq!(read(&mut spool.reader(), 28), [28, 29, 30, 31, 32]);
}

#[test]
fn a_reader_follows_the_writer() {
    let disk = SimDisk::new(1);
    let mut spool = open(&disk);
    let mut reader = spool.reader();
    assert_eq!(read(&mut reader, 0), [0u64; 0]);
    for number in 0..40 {
        append(&mut spool, [number]);
        assert_eq!(read(&mut reader, number), [number]);
    }
    // And back again.
    assert_eq!(read(&mut reader, 38), [38, 39]);
    assert_eq!(read(&mut reader, 3).len(), 37);
}

#[test]
fn what_was_not_synced_is_not_read() {
    let disk = SimDisk::new(1);
    let mut spool = open(&disk);
    spool.append(0, &super::tick(0)).expect("is taken");
    assert_eq!(read(&mut spool.reader(), 0), [0u64; 0]);
    spool.sync().expect("is written");
    assert_eq!(read(&mut spool.reader(), 0), [0]);
}

#[test]
fn taken_segments_are_removed() {
    let disk = SimDisk::new(1);
    let mut spool = open(&disk);
    append(&mut spool, 0..30);
    let (files, bytes) = (disk.files().len(), spool.bytes());
    spool.trim(0).expect("works");
    assert_eq!(disk.files().len(), files);
    spool.trim(20).expect("works");
    assert!(disk.files().len() < files && spool.bytes() < bytes);
    let left = read(&mut spool.reader(), 0);
    assert!(left.starts_with(&[spool.oldest().expect("there is one")]));
    assert!(left.contains(&20) && left.ends_with(&[29]), "{left:?}");
    // The segment that is written to stays.
    spool.trim(30).expect("works");
    append(&mut spool, [30]);
    assert!(read(&mut spool.reader(), 0).ends_with(&[30]));
}

#[test]
fn the_oldest_go_first_and_are_told_by_tenant() {
    let disk = SimDisk::new(1);
    let mut spool = open(&disk);
    append(&mut spool, 0..200);
    assert!(spool.bytes() > SIZES.bytes_max);
    let (mut ticks, mut missed_a, mut missed_b) = (0, 0, 0);
    while let Some(dropped) = spool.shrink().expect("works") {
        ticks += dropped.ticks.len() as u64;
        assert_eq!(dropped.unreadable, 0);
        assert_eq!(dropped.end, ticks);
        for (_, tenants) in &dropped.ticks {
            missed_a += tenants["a"];
            missed_b += tenants["b"];
        }
    }
    assert!(spool.bytes() <= SIZES.bytes_max);
    assert_eq!(spool.oldest(), Some(ticks));
    assert_eq!((missed_a, missed_b), (3 * ticks, ticks));
    assert_eq!(read(&mut spool.reader(), 0), (ticks..200).collect::<Vec<_>>());
}

#[test]
fn cursors_are_kept_for_those_who_are_configured() {
    let disk = SimDisk::new(1);
    let open = |names: &[&str]| {
        Cursors::open(Arc::new(disk.clone()), Path::new(DIR), names).expect("opens")
    };
    let mut cursors = open(&["one", "two"]);
    assert_eq!((cursors.get("one"), cursors.newest()), (None, None));
    cursors.save("one", 7).expect("is saved");
    cursors.save("two", 9).expect("is saved");
    cursors.save("one", 8).expect("is saved");
    disk.restart();
    let cursors = open(&["one", "two", "three"]);
    assert_eq!((cursors.get("one"), cursors.get("two")), (Some(8), Some(9)));
    assert_eq!((cursors.get("three"), cursors.newest()), (None, Some(9)));
    assert_eq!(open(&["one"]).newest(), Some(8));
    assert_eq!(open(&["one", "two"]).get("two"), None);
    disk.rot(&Path::new(DIR).join("one.cursor"));
    assert_eq!(open(&["one"]).get("one"), None);
}
