//! Tests that the fast order is the order of labels.

use model::labels::Labels;
use proptest::prelude::*;

use super::{compare, compare_packed};

fn labels() -> impl Strategy<Value = Labels> {
    let text = prop_oneof![Just(String::new()), "[ab]{1,3}", "a{120,140}", "[a-c]{9}", "é?ü?"];
    proptest::collection::btree_map("[ab]{1,2}|x{129}", text, 0..5)
        .prop_map(|pairs| Labels::new(pairs).unwrap())
}

proptest! {
    #[test]
    fn packed_sets_compare_as_labels_do(a in labels(), b in labels()) {
        prop_assert_eq!(compare(&a, &b), a.cmp(&b), "{:?} {:?}", a, b);
        prop_assert!(compare(&a, &a).is_eq());
    }

    #[test]
    fn any_bytes_are_compared_without_a_panic(
        a in proptest::collection::vec(any::<u8>(), 0..40),
        b in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        compare_packed(&a, &b);
    }
}
