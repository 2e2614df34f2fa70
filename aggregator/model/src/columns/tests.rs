//! Tests of the sparse columns.

use std::sync::Arc;

use super::{Columns, is_stale, stale_nan};
use crate::histogram::Histogram;

#[test]
fn histograms_are_found_by_index() {
    let mut columns = Columns::default();
    columns.push(1, 1.0);
    columns.push_histogram(2, Arc::new(Histogram { sum: 7.0, ..Histogram::default() }));
    columns.push(3, 3.0);
    assert!(columns.histogram(0).is_none());
    assert_eq!(columns.histogram(1).map(|histogram| histogram.sum), Some(7.0));
    assert!(columns.histogram(2).is_none());
    assert_eq!(columns.values, [1.0, 7.0, 3.0]);
}

#[test]
fn starts_appear_when_the_first_is_known() {
    let mut columns = Columns::default();
    columns.push(1, 1.0);
    columns.set_last_start(0);
    assert!(columns.starts.is_empty());
    columns.push(2, 1.0);
    columns.set_last_start(9);
    columns.push(3, 1.0);
    assert_eq!(columns.starts, [0, 9, 0]);
}

#[test]
fn only_the_marker_is_stale() {
    assert!(is_stale(stale_nan()));
    assert!(!is_stale(f64::NAN));
}
