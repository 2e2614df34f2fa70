//! Tests of reading series from a log.

use model::{labels::Labels, tenant::TenantId};

use super::super::{Counts, run};
use crate::{
    bounds::Bounds,
    hash::HashKey,
    head::Head,
    limits::Limits,
    samples::Samples,
    wal::record::{self, Owner, Writer},
};

const OWNER: Owner = Owner { run: 1, tenant: 0 };

fn record(kind: u8, fill: impl FnOnce(&mut Writer)) -> (u8, Vec<u8>) {
    let mut writer = Writer::default();
    writer.begin(OWNER);
    fill(&mut writer);
    (kind, writer.bytes().to_vec())
}

fn told(series: &[(u32, &[u8])]) -> (u8, Vec<u8>) {
    record(record::SERIES, |writer| series.iter().for_each(|(n, labels)| writer.series(*n, labels)))
}

fn samples(numbers: &[u32]) -> (u8, Vec<u8>) {
    record(record::SAMPLES, |writer| {
        numbers.iter().for_each(|number| writer.sample(*number, 5, f64::from(*number), 0));
    })
}

/// Replays records of a tenant; returns the labels and the value of each series, and the counts.
fn replay(records: Vec<(u8, Vec<u8>)>) -> (Vec<(Labels, f64)>, Counts) {
    let head = Head::new(HashKey::new([1, 2]), Limits::default(), 10);
    let name = record(record::TENANT, |writer| writer.tenant("acme"));
    let counts = run(&head, std::iter::once(name).chain(records));
    let partition = head.get(&TenantId::new("acme").unwrap()).unwrap();
    let mut found = Vec::new();
    for (labels, snapshot) in partition.select(&[], i64::MIN, i64::MAX, &Bounds::NONE).unwrap() {
        let mut samples = Samples::default();
        snapshot.decode(&mut samples).unwrap();
        assert_eq!(samples.floats.len(), 1, "of {labels}");
        found.push((labels, samples.floats.values[0]));
    }
    assert_eq!(partition.data().table.len(), found.len());
    (found, counts)
}

fn labels(pod: &str) -> Labels {
    Labels::new([("__name__", "m"), ("pod", pod)]).unwrap()
}

#[test]
fn a_record_with_old_and_new_series_brings_the_new_ones() {
    let sets: Vec<Labels> = ["a", "b", "bb", "c", "cd"].map(labels).to_vec();
    let of = |numbers: &[usize]| {
        let entries: Vec<(u32, &[u8])> =
            numbers.iter().map(|at| (*at as u32, sets[*at].as_bytes())).collect();
        told(&entries)
    };
    let records =
        vec![of(&[1, 3]), samples(&[1]), of(&[0, 1, 2, 3, 4]), of(&[0, 4]), samples(&[0, 2, 3, 4])];
    let (found, counts) = replay(records);
    let expected = [1, 3, 0, 2, 4].map(|at| (sets[at].clone(), at as f64));
    assert_eq!(found, expected);
    assert_eq!((counts.samples, counts.orphaned_samples, counts.malformed), (5, 0, 0));
}

#[test]
fn labels_that_are_no_set_cost_their_samples_and_no_others() {
    let (a, b) = (labels("a"), labels("b"));
    let records = vec![
        told(&[(0, a.as_bytes()), (1, &[1, b'x', 1, b'y', 7]), (2, b.as_bytes())]),
        samples(&[0, 1, 2]),
    ];
    let (found, counts) = replay(records);
    assert_eq!(found, [(a.clone(), 0.0), (b.clone(), 2.0)]);
    assert_eq!((counts.samples, counts.orphaned_samples, counts.malformed), (2, 1, 0));
}

#[test]
fn a_record_that_breaks_off_brings_what_is_before() {
    let (a, b) = (labels("a"), labels("b"));
    let (kind, mut payload) = told(&[(0, a.as_bytes()), (1, b.as_bytes())]);
    payload.extend([2, 200, 200]);
    let (found, counts) = replay(vec![(kind, payload), samples(&[0, 1])]);
    assert_eq!(found, [(a, 0.0), (b, 1.0)]);
    assert_eq!((counts.samples, counts.malformed), (2, 1));
}
