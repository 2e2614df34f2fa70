//! Tests of the index; selection has its own.

use std::collections::{BTreeMap, BTreeSet};

use model::labels::Labels;
use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::{Index, LABELS_MAX};
use crate::{cardinality::Census, hash::HashKey, select::LabelIndex};

fn labels(number: usize) -> Labels {
    let (pod, zone) = (format!("pod-{number}"), format!("z{}", number % 3));
    Labels::new([("__name__", "m"), ("pod", &pod), ("zone", &zone)]).unwrap()
}

#[test]
fn series_keep_their_labels_through_packing_and_removal() {
    let mut index = Index::new(HashKey::new([1, 2]));
    for number in 0..500 {
        assert_eq!(index.add(labels(number).iter()), Some(number as u32));
    }
    let filled = index.heap_bytes();
    let removed: RoaringBitmap =
        (0..500).filter(|number| number % 5 != 0 || *number < 200).collect();
    index.remove(&removed);
    for number in 0..500u32 {
        if !removed.contains(number) {
            assert_eq!(index.labels(number), labels(number as usize));
        }
    }
    let left: Vec<u32> = index.all().iter().collect();
    let expected: Vec<Labels> = left.iter().map(|number| labels(*number as usize)).collect();
    assert_eq!(index.labels_of(&left), expected);
    // Those that are gone have none.
    assert_eq!(index.labels_of(&[1]), [Labels::default()]);
    assert_eq!(index.all().len(), 60);
    assert!(index.with_value("pod", "pod-3").unwrap().is_empty());
    assert_eq!(index.with_value("zone", "z1").unwrap().len(), 20);
    assert!(index.heap_bytes() < filled);
    // Numbers are not used again, the room of values is.
    assert_eq!(index.add(labels(3).iter()), Some(500));
    assert_eq!(index.labels(500), labels(3));
    index.remove(&(0..1000).collect());
    assert!(index.all().is_empty());
    assert!(index.with_name("zone").unwrap().is_empty());
}

#[test]
fn many_distinct_labels_in_one_page_are_kept_too() {
    let mut index = Index::new(HashKey::new([1, 2]));
    let wide = |number: usize| {
        let pairs =
            (0..20).map(|label| (format!("l{label:02}"), format!("v{}", number * 20 + label)));
        Labels::new(pairs).unwrap()
    };
    for number in 0..130 {
        index.add(wide(number).iter()).unwrap();
    }
    for number in 0..130 {
        assert_eq!(index.labels(number as u32), wide(number));
    }
    let too_many: Vec<(String, String)> =
        (0..=LABELS_MAX).map(|label| (format!("l{label:05}"), "v".to_owned())).collect();
    let pairs = || too_many.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(index.add(pairs()), None);
    assert_eq!(index.add(pairs().take(LABELS_MAX)), Some(130));
}

#[test]
fn a_listing_is_in_order_of_labels() {
    let mut index = Index::new(HashKey::new([1, 2]));
    let mut sets: Vec<Labels> = (0..300).map(|number| labels(number * 7 % 300)).collect();
    sets.push(Labels::new([("A", "1")]).unwrap());
    sets.push(Labels::new([("__name__", "m")]).unwrap());
    sets.push(Labels::new([("__name__", "m"), ("pod", "pod-1")]).unwrap());
    for set in &sets {
        index.add(set.iter()).unwrap();
    }
    index.remove(&RoaringBitmap::from([5, 6]));
    let order = index.listing().in_order();
    assert_eq!(order.len(), sets.len() - 2);
    assert!(order.is_sorted_by(|a, b| sets[*a as usize] < sets[*b as usize]));
}

proptest! {
    #[test]
    fn a_census_counts_what_is_there(
        sets in prop::collection::vec((0u8..3, 0u8..20, prop::option::of(0u8..4)), 1..60),
        gone in prop::collection::btree_set(0u32..60, 0..40),
        slice in 1usize..20,
    ) {
        let mut index = Index::new(HashKey::new([1, 2]));
        let mut pairs: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (number, (metric, pod, zone)) in (0u32..).zip(sets) {
            let mut set = vec![("__name__", format!("m{metric}")), ("pod", format!("p{pod}"))];
            set.extend(zone.map(|zone| ("zone", format!("z{zone}"))));
            index.add(set.iter().map(|(name, value)| (*name, value.as_str()))).unwrap();
            if !gone.contains(&number) {
                for (name, value) in set {
                    *pairs.entry((name.to_owned(), value)).or_default() += 1;
                }
            }
        }
        index.remove(&gone.into_iter().collect());
        let mut census = Census::new(1000);
        for start in (0..index.pair_numbers()).step_by(slice) {
            index.count_pairs(start..start + slice, &mut census);
        }
        index.count_names(&mut census);
        let counted = census.finish();
        let listed: BTreeMap<String, u64> =
            counted.series_by_pair.into_iter().map(|one| (one.name, one.count)).collect();
        let expected: BTreeMap<String, u64> =
            pairs.iter().map(|((name, value), count)| (format!("{name}={value}"), *count)).collect();
        prop_assert_eq!(listed, expected);
        prop_assert_eq!(counted.label_pairs, pairs.len() as u64);
        let metrics: u64 = counted.series_by_metric.iter().map(|one| one.count).sum();
        prop_assert_eq!((metrics, counted.series), (index.all().len(), index.all().len()));
        for one in counted.values_by_label {
            let values: BTreeSet<_> = pairs.keys().filter(|(name, _)| *name == one.name).collect();
            prop_assert_eq!(one.count, values.len() as u64, "{}", one.name);
        }
    }
}
