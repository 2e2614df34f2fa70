//! Memory stays flat while series come and go, and limits are kept to the series.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use disk::sim::SimDisk;
use model::time::Timestamp;
use tsdb::{limits::Limits, options::Options, outcome::RejectReason, store::Store};

use super::{
    churn::Load,
    tools::{NOW, batch, open, open_with, tenant},
};

/// The whole day of `cargo run --release -p tsdb --example churn`, with fewer pods.
#[test]
fn a_day_of_short_lived_pods_takes_no_more_memory_than_its_sixth_hour() {
    let store = open(&SimDisk::new(1));
    let load = Load { pods: 30, series: 6, hours: 24 };
    let peaks = load.run(&store, &mut |_| {}).unwrap();
    let warm = peaks[6];
    for (hour, peak) in peaks.iter().enumerate().skip(7) {
        let flat = |now: u64, before: u64| now as f64 <= before as f64 * 1.2;
        assert!(flat(peak.series, warm.series), "hour {hour}: {peak:?}, {warm:?}");
        assert!(flat(peak.bytes, warm.bytes), "hour {hour}: {peak:?}, {warm:?}");
        assert!(flat(peak.wal_bytes, warm.wal_bytes), "hour {hour}: {peak:?}, {warm:?}");
        assert!(peak.blocks < 30, "hour {hour}: {peak:?}");
    }
    // Those alive, those of the hour before that are not in blocks yet, and what is idle for less
    // than half an hour.
    let alive = (load.pods * load.series) as u64;
    assert!(warm.series <= alive * 5 / 2 + alive / 10, "{warm:?}");
    store.flush().unwrap();
    assert_eq!(store.stats().block_samples, load.samples(), "nothing is lost meanwhile");
}

const LIMIT: u64 = 200;
const THREADS: usize = 4;
const ROUNDS: i64 = 5;

/// Series that no other thread or round writes.
fn write(store: &Store, round: i64, thread: usize, now: i64, most: &AtomicU64) -> (u64, u64) {
    let (mut created, mut refused) = (0, 0);
    for first in (0..LIMIT).step_by(20) {
        let pods: Vec<String> =
            (first..first + 20).map(|pod| format!("{round}-{thread}-{pod}")).collect();
        let sent: Vec<(&str, i64, f64)> = pods.iter().map(|pod| (pod.as_str(), now, 1.0)).collect();
        let appended = store.append(&tenant("acme"), &batch(&sent), Timestamp(now)).unwrap();
        created += appended.series_created;
        for rejected in &appended.rejected {
            assert_eq!(rejected.reason, RejectReason::SeriesLimit);
            refused += rejected.count;
        }
        assert_eq!(appended.samples, appended.series_created);
        most.fetch_max(store.tenant_stats(&tenant("acme")).series, Ordering::Relaxed);
    }
    (created, refused)
}

#[test]
fn the_limit_of_active_series_is_exact_under_churn_and_concurrency() {
    let limits = Limits { active_series: LIMIT, ..Limits::default() };
    let store = open_with(&SimDisk::new(1), Options { limits, ..Options::default() });
    let most = AtomicU64::new(0);
    for round in 0..ROUNDS {
        // An hour and a half later, so that the head has been flushed and what was is idle.
        let now = NOW + round * 90 * 60_000;
        store.maintain(Timestamp(now - 30 * 60_000));
        store.maintain(Timestamp(now));
        assert_eq!(store.tenant_stats(&tenant("acme")).series, 0, "round {round}");
        let done = AtomicBool::new(false);
        let counts: Vec<(u64, u64)> = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    store.maintain(Timestamp(now));
                    store.flush().unwrap();
                }
            });
            let writers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (store, most) = (&store, &most);
                    scope.spawn(move || write(store, round, thread, now, most))
                })
                .collect();
            let counts = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
            done.store(true, Ordering::Relaxed);
            counts
        });
        let created: u64 = counts.iter().map(|(created, _)| created).sum();
        let refused: u64 = counts.iter().map(|(_, refused)| refused).sum();
        assert_eq!(created, LIMIT, "as many as allowed, and no fewer");
        assert_eq!(refused, LIMIT * THREADS as u64 - LIMIT);
        assert_eq!(store.tenant_stats(&tenant("acme")).series, LIMIT);
        // Those that are there go on, whatever the limit.
        let again = write_known(&store, round, now + 1000);
        assert_eq!(again, LIMIT, "round {round}");
    }
    assert_eq!(most.load(Ordering::Relaxed), LIMIT, "never more");
}

/// Writes one more sample to all series of a round, known or not, and returns how many were taken.
fn write_known(store: &Store, round: i64, now: i64) -> u64 {
    let mut taken = 0;
    for thread in 0..THREADS {
        let pods: Vec<String> = (0..LIMIT).map(|pod| format!("{round}-{thread}-{pod}")).collect();
        let sent: Vec<(&str, i64, f64)> = pods.iter().map(|pod| (pod.as_str(), now, 2.0)).collect();
        taken += store.append(&tenant("acme"), &batch(&sent), Timestamp(now)).unwrap().samples;
    }
    taken
}
