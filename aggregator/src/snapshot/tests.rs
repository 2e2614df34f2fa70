//! Tests of making a data directory out of a snapshot, where there is no snapshot or no room for it.

use std::{path::Path, sync::Arc};

use disk::{Disk, os::OsDisk};
use tsdb::{options::Options, store::Store};

use super::{SnapshotError, restore};
use crate::background::{store_dir, timeline_dir};

#[test]
fn only_snapshots_are_restored_and_only_to_where_nothing_is() {
    let dir = tempfile::tempdir().unwrap();
    let (source, empty, target) =
        (dir.path().join("source"), dir.path().join("empty"), dir.path().join("target"));
    OsDisk.create_dir_all(&empty).unwrap();
    for missing in [Path::new("/nonexistent"), &empty] {
        let refused = restore(missing, &target).unwrap_err();
        assert!(matches!(refused, SnapshotError::NoSnapshot { .. }), "{refused}");
    }
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let (store, _) =
        Store::open(disk, &dir.path().join("store"), Options::default(), &|_| {}).unwrap();
    store.snapshot(&store_dir(&source)).unwrap();
    let events = timeline_dir(&source);
    OsDisk.create_dir_all(&events).unwrap();
    disk::atomic::write(&OsDisk, &events.join("0000000000.log"), b"events").unwrap();
    restore(&source, &target).unwrap();
    let copied = disk::read(&OsDisk, &timeline_dir(&target).join("0000000000.log"), 100);
    assert_eq!(copied.unwrap(), b"events");
    let refused = restore(&source, &target).unwrap_err();
    assert!(matches!(refused, SnapshotError::NotEmpty { .. }), "{refused}");
}
