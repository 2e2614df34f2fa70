//! Tests of postings and their unions.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::Postings;

proptest! {
    #[test]
    fn lists_and_bitmaps_hold_the_same(
        numbers in proptest::collection::btree_set(0u32..100_000, 0..900),
        removed in proptest::collection::vec(0usize..900, 0..300),
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
}
