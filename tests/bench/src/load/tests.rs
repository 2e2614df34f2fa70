//! The load is the same each time, and what it says it is.

use std::collections::BTreeSet;

use codec::inflate::{Compression, decompress};
use model::write::WriteBatch;
use wire::remote_write::{DecodeOptions, Version, decode};

use super::{Load, Protocol, REQUEST_SERIES, Random, TICK, labels, step};

const LOAD: Load = Load {
    protocol: Protocol::RemoteWrite(Version::V1),
    series: 6_000,
    ticks: 3,
    start: 1_000,
    tenant_series: None,
};

fn read(version: Version, body: &[u8]) -> WriteBatch {
    let (mut plain, mut batch) = (Vec::new(), WriteBatch::default());
    decompress(Compression::Snappy, body, 64 << 20, &mut plain).expect("is snappy");
    decode(version, &plain, &DecodeOptions::default(), &mut batch).expect("is a write");
    batch
}

#[test]
fn bodies_are_the_same_each_time() {
    assert_eq!(LOAD.prepare(), LOAD.prepare());
}

#[test]
fn both_versions_hold_the_same_series_and_values() {
    let first = LOAD.prepare().expect("is prepared");
    let second = Load { protocol: Protocol::RemoteWrite(Version::V2), ..LOAD }
        .prepare()
        .expect("is prepared");
    assert_eq!(first.len(), 2);
    for (one, two) in first.iter().flatten().zip(second.iter().flatten()) {
        let (one, two) = (read(Version::V1, one), read(Version::V2, two));
        assert!(one.series().eq(two.series()));
    }
}

#[test]
fn every_series_has_a_sample_each_tick_and_three_of_ten_change() {
    let bodies = LOAD.prepare().expect("is prepared");
    let ticks: Vec<_> = bodies[0].iter().map(|body| read(Version::V1, body)).collect();
    assert_eq!(ticks.len(), 3);
    for (tick, batch) in ticks.iter().enumerate() {
        assert_eq!(batch.series_count(), REQUEST_SERIES);
        let time = 1_000 + TICK * i64::try_from(tick).expect("fits");
        assert!(
            batch
                .series()
                .all(|series| series.samples.len() == 1 && series.samples[0].time == time)
        );
    }
    let changed = ticks[0].series().zip(ticks[1].series());
    let changed = changed.filter(|(a, b)| a.samples[0].value != b.samples[0].value).count();
    assert!(
        (REQUEST_SERIES * 28 / 100..=REQUEST_SERIES * 30 / 100).contains(&changed),
        "{changed}"
    );
}

#[test]
fn series_differ_in_their_labels() {
    let sets: BTreeSet<_> = (0..10_000).map(labels).collect();
    assert_eq!(sets.len(), 10_000);
    assert!(sets.iter().all(|set| set.len() == 10));
}

#[test]
fn tenants_have_so_many_series_each() {
    let load = Load { tenant_series: Some(20), ..LOAD };
    let tenant = |series| load.labels(series).pop();
    assert_eq!(tenant(19), Some(("tenant", "tenant-00000".to_owned())));
    assert_eq!(tenant(20), Some(("tenant", "tenant-00001".to_owned())));
}

#[test]
fn random_numbers_are_below_their_limit_and_reach_all() {
    let mut random = Random(1);
    let seen: BTreeSet<u32> = (0..1_000).map(|_| random.below(7)).collect();
    assert!(seen.into_iter().eq(0..7));
}

#[test]
fn counters_never_fall() {
    let mut random = Random(9);
    let mut value = 5.0;
    for _ in 0..100 {
        let next = step(10, value, &mut random);
        assert!(next >= value);
        value = next;
    }
}

/// After the first tick a body has no labels, only what changed.
#[test]
fn frames_register_once() {
    let load = Load { protocol: Protocol::Frames, tenant_series: Some(6_000), ..LOAD };
    let bodies = load.prepare().expect("is prepared");
    assert_eq!(load.prepare().as_ref(), Ok(&bodies));
    for ticks in bodies {
        let has_labels = |body: &Vec<u8>| body.windows(8).any(|window| window == b"registry");
        let seen: Vec<bool> = ticks.iter().map(has_labels).collect();
        assert_eq!(seen, [true, false, false]);
    }
}
