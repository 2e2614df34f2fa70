//! Orders.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{compare_values, natural};

#[test]
fn nan_comes_last_either_way() {
    let sorted = |descending| {
        let mut values = [2.0, f64::NAN, f64::INFINITY, -1.0, f64::NEG_INFINITY];
        values.sort_by(|a, b| compare_values(*a, *b, descending));
        values.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(sorted(false), ["-inf", "-1", "2", "inf", "NaN"]);
    assert_eq!(sorted(true), ["inf", "2", "-1", "-inf", "NaN"]);
}

#[test]
fn digits_sort_by_number() {
    let mut names = vec!["a10", "a9", "b1", "a1", "a", "", "10", "9", "a9b", "a09", "4abc", "4ab"];
    names.sort_by(|a, b| natural(a, b));
    assert_eq!(names, ["", "4ab", "4abc", "9", "10", "a", "a1", "a09", "a9", "a9b", "a10", "b1"]);
}

proptest! {
    #[test]
    fn natural_is_an_order(mut texts in prop::collection::vec("[a-c0-3é]{0,5}", 3)) {
        prop_assert_eq!(natural(&texts[0], &texts[1]), natural(&texts[1], &texts[0]).reverse());
        texts.sort_by(|a, b| natural(a, b));
        prop_assert_ne!(natural(&texts[0], &texts[2]), Ordering::Greater);
    }
}
