//! Tests that the simulated disk is as unhelpful as it says.

use std::path::Path;

use super::SimDisk;
use crate::{Disk, is_full, read};

fn disk(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    disk.create_dir_all(Path::new("/d")).unwrap();
    disk
}

#[test]
fn synced_bytes_survive_and_the_rest_may_not() {
    let path = Path::new("/d/file");
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let disk = disk(seed);
        let mut file = disk.create(path).unwrap();
        file.append(b"kept").unwrap();
        file.sync().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.append(b"perhaps").unwrap();
        disk.restart();
        let content = read(&disk, path, 100).unwrap();
        assert_eq!(&content[..4], b"kept");
        lengths.insert(content.len());
        assert!(file.append(b"x").is_err(), "opened before the crash");
    }
    assert!(lengths.len() > 4, "{lengths:?}");
}

#[test]
fn names_survive_only_up_to_the_last_sync_of_the_directory() {
    let (mut gone, mut kept) = (0, 0);
    for seed in 0..50 {
        let disk = disk(seed);
        disk.create(Path::new("/d/a")).unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        disk.rename(Path::new("/d/a"), Path::new("/d/b")).unwrap();
        disk.restart();
        let names: Vec<String> =
            disk.list(Path::new("/d")).unwrap().into_iter().map(|entry| entry.name).collect();
        assert!(!names.is_empty(), "one of the names stays");
        gone += u32::from(names == ["b"]);
        kept += u32::from(names == ["a"]);
    }
    assert!(gone > 5 && kept > 5, "{gone} {kept}");
}

#[test]
fn a_full_disk_takes_a_part() {
    let disk = disk(1);
    disk.set_capacity(6);
    let mut file = disk.create(Path::new("/d/file")).unwrap();
    let error = file.append(b"too much").unwrap_err();
    assert!(is_full(&error));
    assert_eq!(read(&disk, Path::new("/d/file"), 100).unwrap(), b"too mu");
    assert_eq!(disk.space(Path::new("/d")).unwrap().free, 0);
    disk.set_capacity(100);
    file.truncate(3).unwrap();
    file.append(b"!").unwrap();
    assert_eq!(read(&disk, Path::new("/d/file"), 100).unwrap(), b"too!");
}

#[test]
fn everything_fails_after_the_crash_point() {
    let disk = disk(1);
    disk.crash_after(2);
    disk.create(Path::new("/d/a")).unwrap();
    assert!(disk.create(Path::new("/d/b")).is_err());
    assert!(disk.has_crashed());
    assert!(disk.list(Path::new("/d")).is_err());
    disk.restart();
    assert!(disk.list(Path::new("/d")).is_ok());
}

#[test]
fn a_failed_sync_loses_what_it_should_have_kept() {
    let disk = disk(7);
    let path = Path::new("/d/file");
    let mut file = disk.create(path).unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.fail_syncs(1);
    file.append(&[1; 4096]).unwrap();
    assert!(file.sync().is_err());
    file.sync().unwrap();
    assert_eq!(read(&disk, path, 1 << 20).unwrap(), [1; 4096]);
    disk.restart();
    assert_eq!(read(&disk, path, 1 << 20).unwrap(), [0; 4096], "a later sync does not help");
}

#[test]
fn locks_end_with_their_guard_or_with_the_power() {
    let disk = disk(1);
    let path = Path::new("/d/lock");
    let guard = disk.lock(path).unwrap();
    assert!(disk.lock(path).is_err());
    drop(guard);
    let guard = disk.lock(path).unwrap();
    disk.restart();
    let again = disk.lock(path).unwrap();
    drop(guard);
    assert!(disk.lock(path).is_err(), "an old guard does not release a new lock");
    drop(again);
}

#[test]
fn one_bit_rots() {
    let disk = disk(1);
    let path = Path::new("/d/file");
    let mut file = disk.create(path).unwrap();
    assert_eq!(disk.rot(path), None);
    file.append(&[0; 100]).unwrap();
    let at = disk.rot(path).unwrap() as usize;
    let content = read(&disk, path, 100).unwrap();
    assert_eq!(content.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    assert_eq!(content[at].count_ones(), 1);
}
