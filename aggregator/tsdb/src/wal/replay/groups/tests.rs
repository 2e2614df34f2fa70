//! Tests of reading frames from a log of which records are missing.

use codec::frame;
use model::{labels::Labels, tenant::TenantId};

use super::super::{Counts, run};
use crate::{
    bounds::Bounds,
    hash::HashKey,
    head::Head,
    limits::Limits,
    samples::Samples,
    wal::record::{self, FrameRecord, Owner, Writer},
};

const OWNER: Owner = Owner { run: 1, tenant: 0 };
const PODS: [&str; 2] = ["a", "b"];

type Record = (u8, Vec<u8>);

fn record(kind: u8, fill: impl FnOnce(&mut Writer)) -> Record {
    let mut writer = Writer::default();
    writer.begin(OWNER);
    fill(&mut writer);
    (kind, writer.bytes().to_vec())
}

fn labels(pod: &str) -> Labels {
    Labels::new([("pod", pod)]).unwrap()
}

fn series(number: usize) -> Record {
    record(record::SERIES, |writer| writer.series(number as u32, labels(PODS[number]).as_bytes()))
}

fn group() -> Record {
    record(record::GROUP, |writer| writer.group(4, &[1, u32::MAX, 0]))
}

/// The frame of a tick. The first two of a log are key frames, and every fourth.
fn tick(at: u64) -> Record {
    let row = |at: u64| [at, 99, 2 * at].map(|value| (value as f64).to_bits());
    let mut payload = Vec::new();
    if at.is_multiple_of(4) || at == 1 {
        frame::encode_key(&row(at), &mut payload);
    } else {
        frame::encode(&row(at - 1), &row(at), &mut payload);
    }
    let record = FrameRecord { group: 4, sequence: at, time: at as i64, payload: &payload };
    self::record(record::FRAME, |writer| writer.frame(record))
}

/// Replays records; returns the ticks of both series and the counts.
fn replay(records: &[Record]) -> ([Vec<i64>; 2], Counts) {
    let head = Head::new(HashKey::new([1, 2]), Limits::default(), 10);
    let counts = run(&head, records.iter().cloned());
    let partition = head.get(&TenantId::new("acme").unwrap()).unwrap();
    let selected = partition.select(&[], i64::MIN, i64::MAX, &Bounds::NONE).unwrap();
    let ticks = PODS.map(|pod| {
        let found = selected.iter().find(|(found, _)| *found == labels(pod));
        let mut samples = Samples::default();
        found.into_iter().for_each(|(_, snapshot)| snapshot.decode(&mut samples).unwrap());
        samples.settle();
        let factor = if pod == "a" { 2.0 } else { 1.0 };
        for (time, value) in samples.floats.times.iter().zip(&samples.floats.values) {
            assert_eq!(*value, *time as f64 * factor, "a wrong value of {pod}");
        }
        samples.floats.times
    });
    (ticks, counts)
}

/// A log of ten ticks, without some of its records.
fn without(missing: &[usize]) -> ([Vec<i64>; 2], Counts) {
    let name = || record(record::TENANT, |writer| writer.tenant("acme"));
    let mut records = vec![name(), series(0), series(1), group(), tick(0)];
    records.extend([series(0), series(1), group()]);
    records.extend((1..10).map(tick));
    let kept = records.into_iter().enumerate().filter(|(at, _)| !missing.contains(at));
    replay(&kept.map(|(_, record)| record).collect::<Vec<_>>())
}

#[test]
fn a_whole_log_gives_all_samples() {
    let (ticks, counts) = without(&[]);
    assert_eq!(ticks, [(0..10).collect::<Vec<i64>>(), (0..10).collect()]);
    assert_eq!((counts.samples, counts.orphaned_samples, counts.malformed), (20, 0, 0));
}

#[test]
fn a_missing_frame_costs_those_up_to_the_next_key_frame() {
    let (ticks, counts) = without(&[9]);
    let wanted = vec![0, 1, 4, 5, 6, 7, 8, 9];
    assert_eq!(ticks, [wanted.clone(), wanted]);
    assert_eq!((counts.samples, counts.orphaned_samples, counts.malformed), (16, 4, 0));
    let (ticks, counts) = without(&[9, 10, 11, 12]);
    assert_eq!(ticks[0], [0, 1, 8, 9].map(i64::from), "the frames 2 to 5, and then 6 and 7");
    assert_eq!(counts.orphaned_samples, 12);
}

#[test]
fn what_is_told_twice_may_be_missing_once() {
    let all: Vec<i64> = (0..10).collect();
    for missing in [[1, 2], [3, 1], [5, 6], [7, 5]] {
        let (ticks, counts) = without(&missing);
        assert_eq!(ticks, [all.clone(), all.clone()], "without {missing:?}");
        assert_eq!(counts.orphaned_samples, 0);
    }
    let (ticks, counts) = without(&[3, 7]);
    assert_eq!(ticks, [vec![], vec![]], "without the group");
    assert!(counts.orphaned_samples >= 20);
    let (ticks, counts) = without(&[1, 5]);
    assert_eq!((ticks[0].len(), ticks[1].len()), (0, 10));
    assert_eq!(counts.orphaned_samples, 10);
}

#[test]
fn a_frame_that_makes_no_sense_is_counted() {
    let strange = |payload: &[u8]| {
        let frame = FrameRecord { group: 4, sequence: 1, time: 1, payload };
        record(record::FRAME, |writer| writer.frame(frame))
    };
    let name = record(record::TENANT, |writer| writer.tenant("acme"));
    let records = [name, series(0), series(1), group(), tick(0), strange(&[]), strange(&[9; 9])];
    let (ticks, counts) = replay(&records);
    assert_eq!(ticks[0], [0]);
    assert_eq!(counts.malformed, 2);
}
