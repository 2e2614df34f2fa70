//! Many threads at once, on a real disk.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use codec::frame;
use disk::os::OsDisk;
use model::{labels::Labels, matcher::Matcher, tenant::TenantId, time::Timestamp};
use tsdb::{
    options::Options,
    store::{Store, Write},
    view::TenantSet,
};

use super::tools::{NOW, batch, tenant, try_read};

fn open(dir: &Path) -> Store {
    let options =
        Options { wal_bytes_max: 40 << 10, wal_segment_bytes: 15 << 10, ..Options::default() };
    Store::open(Arc::new(OsDisk), dir, options, &|_| {}).unwrap().0
}

/// Writes the same as others do with batches. Maintenance has a fast clock and drops groups, which are
/// then registered again.
fn write_frames(store: &Store, to: &TenantId, pods: &[String], frames: i64, written: &AtomicU64) {
    let sets: Vec<Labels> =
        pods.iter().map(|pod| Labels::new([("__name__", "m"), ("pod", pod)]).unwrap()).collect();
    let packed: Vec<&[u8]> = sets.iter().map(Labels::as_bytes).collect();
    let register = || store.register_group(to, &packed, Timestamp(NOW)).unwrap().group.unwrap();
    let mut group = register();
    for at in 0..frames {
        let mut payload = Vec::new();
        let row = |at: i64| vec![(at as f64).to_bits(); pods.len()];
        frame::encode(&row(at.max(1) - 1), &row(at), &mut payload);
        let (now, time) = (Timestamp(NOW), NOW + at * 1000);
        loop {
            let write = Write::Frame { group: &group, time, payload: &payload };
            let appended = store.append_all(&[write], now).unwrap().appended;
            if !appended.is_group_unknown() {
                assert_eq!(appended.samples, pods.len() as u64);
                break;
            }
            group = register();
            payload.clear();
            frame::encode_key(&row(at), &mut payload);
        }
        written.fetch_add(pods.len() as u64, Ordering::Relaxed);
    }
}

#[test]
fn writers_readers_and_maintenance_do_not_disturb_each_other() {
    const WRITERS: usize = 4;
    const BATCHES: i64 = 150;
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (written, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, written) = (&store, &written);
                scope.spawn(move || {
                    let pods: Vec<String> = (0..40).map(|pod| format!("w{writer}-{pod}")).collect();
                    let to = tenant(["acme", "beta"][writer % 2]);
                    if writer >= WRITERS / 2 {
                        return write_frames(store, &to, &pods, BATCHES, written);
                    }
                    for at in 0..BATCHES {
                        let sent: Vec<(&str, i64, f64)> = pods
                            .iter()
                            .map(|pod| (pod.as_str(), NOW + at * 1000, at as f64))
                            .collect();
                        let appended = store.append(&to, &batch(&sent), Timestamp(NOW)).unwrap();
                        assert_eq!(appended.samples, 40);
                        written.fetch_add(40, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut now = NOW;
            while !done.load(Ordering::Relaxed) {
                now += 1000;
                let stats = store.maintain(Timestamp(now));
                assert_eq!(stats.errors, [""; 0]);
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let before = written.load(Ordering::Relaxed);
                let found = try_read(&store, TenantSet::All, &[Matcher::metric("m")]).unwrap();
                let count: usize = found.values().map(Vec::len).sum();
                assert!(
                    count as u64 >= before,
                    "{count} of {before}: a reader misses what is there"
                );
                for samples in found.values() {
                    let in_order = (0i64..)
                        .zip(samples)
                        .all(|(at, (time, value))| *time == NOW + at * 1000 && *value == at as f64);
                    assert!(in_order, "no sample is missing in the middle");
                }
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let stats = store.stats();
    assert!(stats.blocks > 0 && stats.wal_syncs > 0, "{stats:?}");
    assert!(stats.wal_syncs <= WRITERS as u64 * BATCHES as u64 + stats.blocks * 20);
    drop(store);
    let store = open(dir.path());
    let found = try_read(&store, TenantSet::All, &[]).unwrap();
    assert_eq!(found.len(), WRITERS * 40);
    assert!(found.values().all(|samples| samples.len() as i64 == BATCHES));
    drop(store);
    let report = tsdb::check::check(&OsDisk, dir.path(), &|_, _| {});
    assert!(report.is_good(), "{:?}", report.problems);
}
