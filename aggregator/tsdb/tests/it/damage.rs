//! Full disks and damaged files, one by one.

use std::path::{Path, PathBuf};

use disk::{Disk, sim::SimDisk};
use model::{query::QueryError, time::Timestamp};
use tsdb::{
    options::Options,
    outcome::{AppendError, OpenError},
    store::Store,
    view::TenantSet,
};

use super::tools::{DIR, NOW, append, batch, open, open_with, samples, tenant, try_read};

fn find(disk: &SimDisk, dir: &str) -> Vec<PathBuf> {
    disk.files().into_iter().filter(|file| file.starts_with(dir)).collect()
}

#[test]
fn a_full_disk_refuses_writes_and_recovers_by_itself() {
    let disk = SimDisk::new(1);
    let store = open_with(&disk, Options { reserve_bytes: 0, ..Options::default() });
    append(&store, "acme", &[("a", NOW, 1.0)]);
    let space = disk.space(Path::new(DIR)).unwrap();
    disk.set_capacity(space.total - space.free);
    for _ in 0..3 {
        let sent = batch(&[("a", NOW + 1, 2.0)]);
        let refused = store.append(&tenant("acme"), &sent, Timestamp(NOW));
        assert!(matches!(refused, Err(AppendError::DiskFull)), "{refused:?}");
        assert_eq!(samples(&store, "acme", "a")[0], (NOW, 1.0), "queries still answer");
        assert!(store.stats().disk_full);
        store.maintain(Timestamp(NOW));
    }
    disk.set_capacity(u64::MAX);
    append(&store, "acme", &[("a", NOW + 1, 2.0)]);
    assert!(!store.stats().disk_full);
    drop(store);
    disk.restart();
    assert_eq!(samples(&open(&disk), "acme", "a"), [(NOW, 1.0), (NOW + 1, 2.0)]);
}

#[test]
fn a_reserve_is_left_for_making_room() {
    let disk = SimDisk::new(1);
    disk.set_capacity(1 << 20);
    let store = open_with(&disk, Options { reserve_bytes: 900 << 10, ..Options::default() });
    append(&store, "acme", &[("a", NOW, 1.0)]);
    disk.set_capacity(800 << 10);
    store.maintain(Timestamp(NOW));
    let refused = store.append(&tenant("acme"), &batch(&[("a", NOW + 1, 2.0)]), Timestamp(NOW));
    assert!(matches!(refused, Err(AppendError::DiskFull)));
    store.flush().unwrap();
    disk.set_capacity(960 << 10);
    store.maintain(Timestamp(NOW));
    let refused = store.append(&tenant("acme"), &batch(&[("a", NOW + 1, 2.0)]), Timestamp(NOW));
    assert!(refused.is_err(), "a little more than the reserve is wanted back");
    disk.set_capacity(2 << 20);
    store.maintain(Timestamp(NOW));
    append(&store, "acme", &[("a", NOW + 1, 2.0)]);
}

/// So many that they take several pages of each kind.
const SERIES: usize = 1500;

/// A store with a block, and the block's path.
fn with_block(disk: &SimDisk) -> (Store, PathBuf) {
    let store = open(disk);
    let pods: Vec<String> = (0..SERIES).map(|pod| format!("p{pod}")).collect();
    for at in 0..20 {
        let value = |pod: usize| ((at * 7919 + pod as i64 * 104_729) as f64).sin();
        let sent: Vec<(&str, i64, f64)> = (0..SERIES)
            .map(|pod| (pods[pod].as_str(), NOW - 7_000_000 + at * 15_000, value(pod)))
            .collect();
        append(&store, "acme", &sent);
    }
    store.flush().unwrap();
    let blocks = find(disk, "/data/blocks");
    assert_eq!(blocks.len(), 1);
    (store, blocks[0].clone())
}

#[test]
fn damage_is_told_set_aside_and_costs_no_more_than_its_page() {
    let mut repaired = 0;
    for seed in 0..12 {
        let disk = SimDisk::new(seed);
        let (store, block) = with_block(&disk);
        drop(store);
        disk.rot(&block).unwrap();
        let store = open(&disk);
        let all = || try_read(&store, TenantSet::One(tenant("acme")), &[]);
        match all() {
            // One of two copies was hit.
            Ok(found) => assert_eq!(found.len(), SERIES),
            Err(error) => {
                assert!(matches!(&error, QueryError::Damaged(told) if told.contains("block")));
                assert_eq!(store.stats().damaged_reads, 1);
                let stats = store.maintain(Timestamp(NOW));
                assert!(stats.errors.iter().any(|told| told.contains("lost")), "{stats:?}");
                let left = all().unwrap();
                assert!(left.len() > SERIES / 2, "seed {seed}: {} series are left", left.len());
                assert_eq!(find(&disk, "/data/damaged").len(), 1);
                repaired += 1;
            }
        }
    }
    assert!(repaired > 3);
}

#[test]
fn a_missing_block_is_named_and_the_rest_is_there() {
    let disk = SimDisk::new(1);
    let (store, block) = with_block(&disk);
    append(&store, "acme", &[("new", NOW, 1.0)]);
    drop(store);
    disk.rename(&block, Path::new("/data/elsewhere")).unwrap();
    let opened = |disk: &SimDisk| {
        Store::open(std::sync::Arc::new(disk.clone()), Path::new(DIR), Options::default(), &|_| {})
            .unwrap()
    };
    let (store, stats) = opened(&disk);
    assert_eq!((stats.blocks, stats.blocks_damaged), (0, 1));
    assert!(stats.problems[0].contains("block 0"), "{:?}", stats.problems);
    assert_eq!(samples(&store, "acme", "new"), [(NOW, 1.0)]);
    drop(store);
    disk.rename(Path::new("/data/elsewhere"), &block).unwrap();
    let (store, stats) = opened(&disk);
    assert_eq!((stats.blocks, stats.blocks_damaged), (1, 0), "it is back");
    assert_eq!(samples(&store, "acme", "p7").len(), 20);
}

#[test]
fn without_a_manifest_the_blocks_are_found() {
    let disk = SimDisk::new(1);
    let (store, _) = with_block(&disk);
    append(&store, "acme", &[("new", NOW, 1.0)]);
    store.flush().unwrap();
    drop(store);
    for name in ["manifest", "manifest.copy"] {
        disk.rot(&Path::new(DIR).join(name)).unwrap();
    }
    let store = open(&disk);
    assert_eq!(samples(&store, "acme", "p7").len(), 20);
    assert_eq!(samples(&store, "acme", "new"), [(NOW, 1.0)]);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let disk = SimDisk::new(1);
    drop(open(&disk));
    let path = Path::new(DIR).join("manifest");
    let mut bytes = disk::read(&disk, &path, 1 << 20).unwrap();
    let end = bytes.len() - 4;
    bytes[8] = 9;
    let check = codec::checksum::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&check.to_le_bytes());
    disk::atomic::write(&disk, &path, &bytes).unwrap();
    let opened =
        Store::open(std::sync::Arc::new(disk.clone()), Path::new(DIR), Options::default(), &|_| {});
    assert!(matches!(opened.unwrap_err(), OpenError::NewerFormat { found: 9, known: 1, .. }));
}
