//! Tests of postings and their unions.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::Postings;
use crate::union::Union;

/// Numbers in runs and alone.
fn numbers() -> impl Strategy<Value = RoaringBitmap> {
    let runs = proptest::collection::vec((0u32..100_000, 1u32..400), 0..3);
    let alone = proptest::collection::vec(0u32..100_000, 0..600);
    (runs, alone, any::<bool>()).prop_map(|(runs, mut alone, with_alone)| {
        alone.truncate(if with_alone { usize::MAX } else { 0 });
        runs.into_iter().flat_map(|(first, count)| first..first + count).chain(alone).collect()
    })
}

proptest! {
    #[test]
    fn all_kinds_hold_the_same(
        numbers in numbers(),
        removed in proptest::collection::vec(0u32..900, 0..300),
        asked in proptest::collection::vec(0u32..100_400, 0..40),
    ) {
        let mut postings = Postings::default();
        let mut expected = numbers.clone();
        numbers.iter().for_each(|number| postings.push(number));
        prop_assert_eq!(postings.to_bitmap(), numbers.clone());
        for place in removed {
            let number = numbers.select(place).unwrap_or(7);
            postings.remove(number);
            expected.remove(number);
        }
        prop_assert_eq!(postings.is_empty(), expected.is_empty());
        prop_assert_eq!(postings.len(), expected.len());
        prop_assert_eq!(postings.to_bitmap(), expected.clone());
        for number in &asked {
            prop_assert_eq!(postings.contains(*number), expected.contains(*number));
        }
        let asked: RoaringBitmap = asked.into_iter().collect();
        prop_assert_eq!(postings.meets(&asked), !expected.is_disjoint(&asked));
        let mut union = Union::new(200_000);
        postings.add_to(&mut union);
        prop_assert_eq!(union.finish(), expected);
    }
}

#[test]
fn a_run_takes_no_memory_of_its_own() {
    let mut postings = Postings::default();
    (5..5000).for_each(|number| postings.push(number));
    postings.remove(5);
    postings.remove(4999);
    assert_eq!((postings.len(), postings.heap_bytes()), (4993, 0));
    postings.push(4999);
    postings.remove(7);
    assert_eq!(postings.len(), 4993);
    assert!(postings.heap_bytes() > 0);
}
