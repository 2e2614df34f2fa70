//! Tests of the disk of the operating system.

use std::io;

use super::OsDisk;
use crate::{Disk, read, remove_all};

#[test]
fn files_are_written_read_cut_linked_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join("deep/er").join(name);
    OsDisk.create_dir_all(&dir.path().join("deep/er")).unwrap();
    let mut file = OsDisk.create(&at("a")).unwrap();
    file.append(b"hello ").unwrap();
    file.append(b"world").unwrap();
    file.sync().unwrap();
    file.truncate(8).unwrap();
    file.append(b"!").unwrap();
    assert_eq!(file.size().unwrap(), 9);
    let mut end = [0; 10];
    assert_eq!(file.read_at(&mut end, 6).unwrap(), 3);
    let short = file.read_exact_at(&mut end, 6).unwrap_err();
    assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
    OsDisk.hard_link(&at("a"), &at("b")).unwrap();
    OsDisk.rename(&at("a"), &at("c")).unwrap();
    OsDisk.sync_dir(&dir.path().join("deep/er")).unwrap();
    assert_eq!(read(&OsDisk, &at("b"), 9).unwrap(), b"hello wo!");
    assert_eq!(read(&OsDisk, &at("b"), 8).unwrap_err().kind(), io::ErrorKind::InvalidData);
    let mut again = OsDisk.open_append(&at("c")).unwrap();
    again.append(b"?").unwrap();
    let entries = OsDisk.list(&dir.path().join("deep/er")).unwrap();
    let entries: Vec<(&str, u64)> =
        entries.iter().map(|entry| (entry.name.as_str(), entry.size)).collect();
    assert_eq!(entries, [("b", 10), ("c", 10)]);
    remove_all(&OsDisk, &dir.path().join("deep")).unwrap();
    remove_all(&OsDisk, &dir.path().join("deep")).unwrap();
    assert_eq!(OsDisk.open(&at("b")).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_second_lock_is_refused_while_the_first_lives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let first = OsDisk.lock(&path).unwrap();
    assert_eq!(OsDisk.lock(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    drop(first);
    OsDisk.lock(&path).unwrap();
}

#[test]
fn space_is_plausible() {
    let dir = tempfile::tempdir().unwrap();
    let space = OsDisk.space(dir.path()).unwrap();
    assert!(space.free <= space.total && space.total > 0);
}
