//! Tests that the fast order is the order of labels.

use model::labels::Labels;
use proptest::prelude::*;

use super::{SETS_PER_CHECK, compare, compare_packed, order, sort};

fn labels() -> impl Strategy<Value = Labels> {
    let text = prop_oneof![Just(String::new()), "[ab]{1,3}", "a{120,140}", "[a-c]{9}", "é?ü?"];
    proptest::collection::btree_map("[ab]{1,2}|x{129}", text, 0..5)
        .prop_map(|pairs| Labels::new(pairs).unwrap())
}

fn go_on() -> Result<(), ()> {
    Ok(())
}

#[test]
fn sorting_ends_when_nobody_waits() {
    let count = 2 * SETS_PER_CHECK + 10;
    let name = |number: usize| Labels::new([("a", format!("{:x}", number * 7919 % count))]);
    let shuffled: Vec<Labels> = (0..count).map(|number| name(number).unwrap()).collect();
    let sort_until = |found: &mut Vec<Labels>, last: usize| {
        let asked = std::cell::Cell::new(0);
        let check = || {
            asked.set(asked.get() + 1);
            if asked.get() < last { Ok(()) } else { Err(asked.get()) }
        };
        (sort(found, |labels| labels, check), asked.get())
    };
    for last in 1..=4 {
        assert_eq!(sort_until(&mut shuffled.clone(), last), (Err(last), last));
    }
    let mut found = shuffled;
    assert!(sort_until(&mut found, usize::MAX).0.is_ok());
    assert!(found.is_sorted());
    // What is in order is looked at in parts too.
    assert_eq!(sort_until(&mut found, 3), (Err(3), 3));
    found.swap(SETS_PER_CHECK - 1, SETS_PER_CHECK);
    assert!(sort_until(&mut found, usize::MAX).0.is_ok());
    assert!(found.is_sorted());
}

proptest! {
    #[test]
    fn packed_sets_compare_as_labels_do(a in labels(), b in labels()) {
        prop_assert_eq!(compare(&a, &b), a.cmp(&b), "{:?} {:?}", a, b);
        prop_assert!(compare(&a, &a).is_eq());
    }

    #[test]
    fn sorting_is_that_of_labels(sets in proptest::collection::vec(labels(), 0..60)) {
        let mut expected: Vec<(Labels, usize)> = sets.into_iter().zip(0..).collect();
        let mut found = expected.clone();
        expected.sort();
        sort(&mut found, |(labels, _)| labels, go_on).unwrap();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_sorted_without_a_panic(
        sets in proptest::collection::vec(proptest::collection::vec(0u8..5, 0..9), 0..40),
    ) {
        let sets: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
        let mut places = order(&sets, go_on).unwrap();
        places.sort();
        prop_assert!(places.into_iter().eq(0..sets.len() as u32));
    }

    #[test]
    fn any_bytes_are_compared_without_a_panic(
        a in proptest::collection::vec(any::<u8>(), 0..40),
        b in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        compare_packed(&a, &b);
    }
}
