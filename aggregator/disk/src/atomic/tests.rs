//! Tests of replacing files.

use std::path::Path;

use crate::{Disk, read, sim::SimDisk};

#[test]
fn a_crash_at_any_operation_leaves_the_old_or_the_new_content() {
    let (dir, path) = (Path::new("/d"), Path::new("/d/file"));
    let (mut old, mut new) = (0, 0);
    for seed in 0..40 {
        for operations in 0..6 {
            let disk = SimDisk::new(seed);
            disk.create_dir_all(dir).unwrap();
            super::write(&disk, path, b"old").unwrap();
            disk.crash_after(operations);
            let done = super::write(&disk, path, b"new content").is_ok();
            disk.restart();
            match read(&disk, path, 100).unwrap().as_slice() {
                b"old" if !done => old += 1,
                b"new content" => new += 1,
                other => panic!("seed {seed}, operations {operations}: {other:?}"),
            }
        }
    }
    assert!(old > 10 && new > 10, "{old} {new}");
}

#[test]
fn a_full_disk_keeps_the_old_content() {
    let (dir, path) = (Path::new("/d"), Path::new("/d/file"));
    let disk = SimDisk::new(1);
    disk.create_dir_all(dir).unwrap();
    super::write(&disk, path, b"old").unwrap();
    disk.set_capacity(8);
    assert!(crate::is_full(&super::write(&disk, path, b"too long").unwrap_err()));
    assert_eq!(read(&disk, path, 100).unwrap(), b"old");
    assert_eq!(disk.files(), [path]);
}
