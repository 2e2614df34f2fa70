//! Tests of checking a data directory.

use std::{path::Path, sync::Arc};

use disk::{Disk, sim::SimDisk};
use model::{
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};

use super::check;
use crate::{options::Options, store::Store};

const DIR: &str = "/data";

/// Two blocks and something in the log.
fn filled() -> SimDisk {
    let sim = SimDisk::new(1);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let (store, _) = Store::open(disk, Path::new(DIR), Options::default(), &|_| {}).unwrap();
    let tenant = TenantId::new("acme").unwrap();
    for round in 0..3 {
        let mut batch = WriteBatch::default();
        for pod in ["a", "b", "c"] {
            batch.begin_series(&mut [("__name__", "m"), ("pod", pod)]).unwrap();
            for at in 0..50 {
                let time = 1_700_000_000_000 + round * 10_000_000 + at * 15_000;
                batch.push_sample(Sample { time, value: (at * at % 7) as f64, start: 0 });
            }
        }
        store.append(&tenant, &batch, Timestamp(1_700_030_000_000)).unwrap();
        if round < 2 {
            store.flush().unwrap();
        }
    }
    sim
}

#[test]
fn a_whole_directory_is_good() {
    let disk = filled();
    let report = check(&disk, Path::new(DIR), &|_, _| {});
    assert!(report.is_good(), "{:?}", report.problems);
    assert_eq!((report.blocks, report.series, report.samples), (2, 6, 300));
    assert!(report.wal.records > 0);
    let empty = check(&disk, Path::new("/nothing"), &|_, _| {});
    assert!(empty.is_good());
    assert_eq!(empty.blocks, 0);
}

#[test]
fn every_rotten_file_is_named() {
    for file in filled().files().iter().filter(|file| !file.ends_with("lock")) {
        let disk = filled();
        disk.rot(file).unwrap();
        let report = check(&disk, Path::new(DIR), &|_, _| {});
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        let told = told.join("; ");
        let torn = report.wal.torn_bytes > 0;
        let named = match name.parse::<u64>() {
            Ok(number) => told.contains(&number.to_string()) || torn,
            Err(_) => told.contains("manifest"),
        };
        assert!(named, "{}: {told}", file.display());
    }
}

#[test]
fn a_missing_block_is_named() {
    let disk = filled();
    let block = disk.files().into_iter().find(|file| file.starts_with("/data/blocks")).unwrap();
    disk.remove(&block).unwrap();
    let report = check(&disk, Path::new(DIR), &|_, _| {});
    assert_eq!(report.problem_count, 1, "{:?}", report.problems);
    assert_eq!(report.blocks, 1);
}
