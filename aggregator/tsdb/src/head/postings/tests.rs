//! Tests of postings and their unions.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::{Postings, Union};

proptest! {
    #[test]
    fn lists_and_bitmaps_hold_the_same(
        numbers in proptest::collection::btree_set(0u32..100_000, 0..300),
        removed in proptest::collection::vec(0usize..300, 0..100),
    ) {
        let mut postings = Postings::default();
        let mut expected: RoaringBitmap = numbers.iter().copied().collect();
        numbers.iter().for_each(|number| postings.push(*number));
        for number in removed {
            let number = numbers.iter().copied().nth(number).unwrap_or(7);
            postings.remove(number);
            expected.remove(number);
        }
        prop_assert_eq!(postings.is_empty(), expected.is_empty());
        prop_assert_eq!(postings.to_bitmap(), expected);
    }

    #[test]
    fn a_union_is_one(
        sets in proptest::collection::vec(
            (0u32..200_000, proptest::collection::btree_set(0u32..9000, 0..900)), 0..20),
    ) {
        let mut union = Union::default();
        let mut expected = RoaringBitmap::new();
        for (base, numbers) in sets {
            let mut postings = Postings::default();
            numbers.iter().for_each(|number| postings.push(base + number));
            union.add(&postings);
            expected |= postings.to_bitmap();
        }
        prop_assert_eq!(union.finish(), expected);
    }
}
