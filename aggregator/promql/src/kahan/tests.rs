//! Sums and means that plain addition gets wrong.

use proptest::prelude::*;

use super::{Mean, Sum};

fn sum(terms: &[f64]) -> f64 {
    let mut sum = Sum::default();
    terms.iter().for_each(|term| sum.add(*term));
    sum.total()
}

fn mean(terms: &[f64]) -> f64 {
    let mut mean = Mean::of(terms[0]);
    terms[1..].iter().for_each(|term| mean.add(*term));
    mean.total()
}

#[test]
fn small_terms_are_not_lost() {
    assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
    assert_eq!(sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
    assert_eq!(sum(&[0.1; 10]), 1.0);
    assert_eq!(mean(&[1e100, 1.0, 1.0, -1e100]), 0.5);
}

#[test]
fn infinities_stay() {
    assert_eq!(sum(&[1.0, f64::INFINITY, 1.0]), f64::INFINITY);
    assert_eq!(sum(&[f64::NEG_INFINITY, 5.0]), f64::NEG_INFINITY);
    assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    assert!(sum(&[1.0, f64::NAN]).is_nan());
}

#[test]
fn means_do_not_overflow() {
    assert_eq!(mean(&[f64::MAX, f64::MAX]), f64::MAX);
    assert!(mean(&[-f64::MAX; 3]) / f64::MAX + 1.0 < 1e-15);
    assert_eq!(mean(&[3.0]), 3.0);
    assert_eq!(mean(&[1.0, f64::INFINITY]), f64::INFINITY);
}

proptest! {
    #[test]
    fn whole_numbers_are_exact(terms in prop::collection::vec(-1_000_000i32..1_000_000, 1..50)) {
        let exact: i64 = terms.iter().map(|term| i64::from(*term)).sum();
        let floats: Vec<f64> = terms.iter().map(|term| f64::from(*term)).collect();
        prop_assert_eq!(sum(&floats), exact as f64);
        let error = mean(&floats) - exact as f64 / terms.len() as f64;
        prop_assert!(error.abs() < 1e-9, "{}", error);
    }
}
