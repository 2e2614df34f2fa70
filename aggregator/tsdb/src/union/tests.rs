//! Tests of unions of sets.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::Union;

proptest! {
    #[test]
    fn a_union_is_one(
        limit in prop_oneof![Just(0u32), 1u32..300, 1u32..250_000],
        sets in proptest::collection::vec(
            (0u32..200_000, proptest::collection::btree_set(0u32..9000, 0..900)), 0..20),
        ranges in proptest::collection::vec((0u32..200_000, prop_oneof![0u32..100, 0u32..9000]), 0..8),
        dense in proptest::bool::ANY,
    ) {
        let mut union = Union::new(limit);
        let mut expected = RoaringBitmap::new();
        for (base, numbers) in sets {
            let set: RoaringBitmap = numbers.iter().map(|number| base + number).collect();
            if numbers.len() % 2 == 0 {
                union.extend(set.iter());
            } else {
                union.add_set(&set);
            }
            expected |= set;
        }
        for (start, length) in ranges {
            union.add_range(start, start + length);
            expected.insert_range(start..start + length);
        }
        if dense {
            let mut set = RoaringBitmap::new();
            set.insert_range(1000..9000);
            union.add_set(&set);
            expected |= set;
        }
        expected.remove_range(limit..);
        prop_assert_eq!(union.finish(), expected);
    }
}
