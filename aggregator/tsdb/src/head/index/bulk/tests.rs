//! A bulk leaves the index as one series after the other does.

use model::labels::Labels;
use proptest::prelude::*;

use super::{super::Index, Shared};
use crate::{hash::HashKey, select::LabelIndex};

/// What two packed sets share, as the log has it: the end only as far as it is not the beginning.
fn shared(before: &[u8], packed: &[u8]) -> Shared {
    let prefix = before.iter().zip(packed).take_while(|(a, b)| a == b).count();
    let shorter = before.len().min(packed.len()) - prefix;
    let ends = before.iter().rev().zip(packed.iter().rev()).take(shorter);
    Shared { prefix, suffix: ends.take_while(|(a, b)| a == b).count() }
}

fn labels(drawn: &[Option<u8>]) -> Labels {
    let value = |value: u8| "v".repeat(usize::from(value) + 1);
    let pairs = drawn.iter().enumerate();
    Labels::new(pairs.filter_map(|(name, drawn)| Some((format!("name{name}"), value((*drawn)?)))))
        .unwrap()
}

fn postings(index: &Index) -> Vec<(String, String, Vec<u32>)> {
    let mut found = Vec::new();
    for name in 0..6 {
        let name = format!("name{name}");
        found.push((name.clone(), String::new(), index.with_name(&name).unwrap().iter().collect()));
        for value in 0..3 {
            let value = "v".repeat(value + 1);
            let series = index.with_value(&name, &value).unwrap();
            found.push((name.clone(), value, series.iter().collect()));
        }
    }
    found
}

#[test]
fn labels_that_are_no_set_cost_only_their_series() {
    let good = labels(&[Some(0), None, Some(1)]);
    let unsorted = [labels(&[None, Some(1)]).as_bytes(), labels(&[Some(1)]).as_bytes()].concat();
    let broken: [&[u8]; 4] = [&unsorted, &[1, b'a', 0], &[5, b'a'], &[1, 0xff, 1, b'v']];
    let mut index = Index::new(HashKey::new([1, 2]));
    let mut before: Vec<u8> = Vec::new();
    let refused = index.bulk(|bulk| {
        let mut refused = Vec::new();
        for packed in broken.iter().flat_map(|broken| [good.as_bytes(), broken]) {
            let (number, is_valid) = bulk.add(packed, shared(&before, packed));
            before = packed.to_vec();
            refused.extend((!is_valid).then_some(number));
        }
        refused
    });
    assert_eq!(refused, [1, 3, 5, 7]);
    assert_eq!(index.all().iter().collect::<Vec<u32>>(), [0, 2, 4, 6]);
    assert_eq!(index.with_name("name2").unwrap(), index.all());
    assert_eq!(index.labels(4), good);
    assert_eq!(index.labels(3), Labels::default());
    assert_eq!(index.add(good.iter()), Some(8));
}

proptest! {
    #[test]
    fn a_bulk_adds_like_one_by_one(
        drawn in proptest::collection::vec(
            (proptest::collection::vec(proptest::option::weighted(0.8, 0u8..3), 6), 0u8..4, 0u8..8),
            0..200,
        ),
        likeness in 0u8..4,
    ) {
        let (mut one_by_one, mut bulk) = (Index::new(HashKey::new([1, 2])), Index::new(HashKey::new([1, 2])));
        let (mut before, mut last) = (Vec::new(), None);
        let mut rest = drawn.as_slice();
        let mut added = Vec::new();
        while !rest.is_empty() {
            let record = rest.len().min(40);
            bulk.bulk(|bulk| {
                before.clear();
                for (set, passes, keeps) in &rest[..record] {
                    let set = match &last {
                        // Series in a row mostly differ in one label.
                        Some(last) if likeness > 0 => {
                            let mut like: Vec<Option<u8>> = Vec::clone(last);
                            let at = usize::from(*keeps) % like.len();
                            like[at] = set[at];
                            like
                        }
                        _ => set.clone(),
                    };
                    let packed = labels(&set);
                    let shares = shared(&before, packed.as_bytes());
                    if *passes == 0 {
                        bulk.pass(shares);
                    } else {
                        let (number, is_valid) = bulk.add(packed.as_bytes(), shares);
                        assert!(is_valid);
                        assert_eq!(one_by_one.add(packed.iter()), Some(number));
                        added.push(packed.clone());
                    }
                    before = packed.as_bytes().to_vec();
                    last = Some(set);
                }
            });
            rest = &rest[record..];
        }
        prop_assert_eq!(postings(&bulk), postings(&one_by_one));
        for (number, labels) in (0..).zip(&added) {
            prop_assert_eq!(&bulk.labels(number), labels);
        }
        prop_assert_eq!(LabelIndex::all(&bulk), LabelIndex::all(&one_by_one));
    }
}
