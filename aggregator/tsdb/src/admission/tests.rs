//! Tests of admission.

use model::labels::Labels;

use super::{Bucket, check_labels};
use crate::limits::Limits;

#[test]
fn a_bucket_lets_a_burst_through_and_then_the_rate() {
    let mut bucket = Bucket::default();
    assert_eq!(bucket.take(50, 10.0, 1_000), 50);
    assert_eq!(bucket.take(80, 10.0, 1_000), 50, "ten seconds' worth in all");
    assert_eq!(bucket.take(80, 10.0, 2_000), 10);
    assert_eq!(bucket.take(80, 10.0, 500), 0, "the clock went back");
    bucket.give_back(7);
    assert_eq!(bucket.take(80, 10.0, 2_000), 7);
    assert_eq!(bucket.take(500, 10.0, 1_000_000), 100);
}

#[test]
fn label_sets_are_checked() {
    let limits = Limits { labels_per_series: 2, label_bytes_per_series: 12, ..Limits::default() };
    let packed =
        |pairs: &[(&str, &str)]| Labels::new(pairs.iter().copied()).unwrap().as_bytes().to_vec();
    assert_eq!(check_labels(&packed(&[("a", "1"), ("b", "2")]), &limits), None);
    assert_eq!(check_labels(&[], &limits), Some("no labels"));
    let three = packed(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(check_labels(&three, &limits), Some("too many labels"));
    assert_eq!(check_labels(&packed(&[("a", "12345678901")]), &limits), Some("labels too long"));
    assert_eq!(check_labels(&[1, b'a'], &limits), Some("labels out of order"));
}

#[test]
fn a_debt_is_paid_before_more_is_taken() {
    let mut bucket = Bucket::default();
    // A burst of 10 seconds' worth, and the write that exceeds it.
    assert!(bucket.take_whole(900, 100.0, 0));
    assert!(bucket.take_whole(900, 100.0, 0));
    assert!(!bucket.take_whole(1, 100.0, 7_900));
    assert!(bucket.take_whole(1, 100.0, 8_100));
    assert!(bucket.take_whole(0, 100.0, 8_100));
}
