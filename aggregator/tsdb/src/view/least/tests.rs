//! Tests of the first of many texts.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::Least;

proptest! {
    #[test]
    fn the_first_in_order_are_kept(
        texts in proptest::collection::vec("[ab]{0,3}", 0..40),
        limit in 1usize..12,
    ) {
        let mut least = Least::new(limit);
        texts.iter().for_each(|text| least.add(text));
        prop_assert_eq!(least.is_empty(), texts.is_empty());
        let all: BTreeSet<String> = texts.into_iter().collect();
        let first: Vec<String> = all.into_iter().take(limit).collect();
        prop_assert_eq!(least.finish(), first);
    }
}
