//! Tests of packed label sets against a plain map.

use std::collections::BTreeMap;

use proptest::{collection::btree_map, prelude::*};

use super::{InvalidLabels, Labels, put_pair};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().copied()).expect("are valid")
}

#[test]
fn labels_are_sorted_and_empty_values_vanish() {
    let set = labels(&[("b", "2"), ("a", "1"), ("c", "")]);
    assert_eq!(set.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    assert_eq!(set.len(), 2);
}

#[test]
fn repeated_and_empty_names_are_refused() {
    assert_eq!(
        Labels::new([("a", "1"), ("a", "2")]),
        Err(InvalidLabels::DuplicateName("a".to_owned()))
    );
    assert_eq!(Labels::new([("", "1")]), Err(InvalidLabels::EmptyName("1".to_owned())));
}

#[test]
fn display_is_the_exposition_form() {
    let check = |pairs: &[(&str, &str)], expect: &str| {
        assert_eq!(labels(pairs).to_string(), expect);
    };
    check(&[], "{}");
    check(&[("__name__", "up")], "up");
    check(&[("a", "1")], "{a=\"1\"}");
    check(&[("__name__", "up"), ("b", "x\"y\n"), ("a", "\\")], "up{a=\"\\\\\", b=\"x\\\"y\\n\"}");
    check(&[("__name__", "my.metric"), ("a.b", "1")], "{\"my.metric\", \"a.b\"=\"1\"}");
}

#[test]
fn damaged_bytes_are_refused() {
    assert!(Labels::from_bytes(&[1, b'a']).is_none());
    assert!(Labels::from_bytes(&[1, b'b', 1, b'x', 1, b'a', 1, b'x']).is_none());
    assert!(Labels::from_bytes(&[0xff; 12]).is_none());
    assert!(Labels::from_bytes(&[1, 0xff, 1, b'x']).is_none());
}

proptest! {
    #[test]
    fn a_set_behaves_as_a_map(
        map in btree_map("[a-z]{1,3}", "[a-z0-9é]{1,200}", 0..8),
        name in "[a-z]{1,3}",
        value in "[a-z]{0,3}",
    ) {
        let set = Labels::new(map.iter()).expect("is valid");
        let mut pairs = Vec::new();
        map.iter().for_each(|(name, value)| put_pair(&mut pairs, name, value));
        prop_assert_eq!(&Labels::from_packed_pairs(&pairs), &set);
        let round_trip = Labels::from_bytes(set.as_bytes());
        prop_assert_eq!(round_trip.as_ref(), Some(&set));
        let mut changed: BTreeMap<String, String> = map.clone();
        if value.is_empty() { changed.remove(&name); } else { changed.insert(name.clone(), value.clone()); }
        prop_assert_eq!(set.with(&name, &value), Labels::new(changed.iter()).expect("is valid"));
        prop_assert_eq!(set.get(&name), map.get(&name).map(String::as_str));
    }

    #[test]
    fn from_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Some(set) = Labels::from_bytes(&bytes) {
            prop_assert!(Labels::new(set.iter()).is_ok());
        }
    }

    #[test]
    fn order_is_that_of_the_pairs(
        a in btree_map("[a-c]{1,2}", "[a-c]{1,2}", 0..4),
        b in btree_map("[a-c]{1,2}", "[a-c]{1,2}", 0..4),
    ) {
        let left = Labels::new(a.iter()).expect("is valid");
        let right = Labels::new(b.iter()).expect("is valid");
        prop_assert_eq!(left.cmp(&right), a.iter().cmp(b.iter()));
    }
}
