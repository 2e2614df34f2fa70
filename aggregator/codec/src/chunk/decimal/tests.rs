//! Tests of which floats are decimals.

use proptest::prelude::*;

use super::{MAX_EXPONENT, exact, exponent_of, order, power, round, with_residual};

#[test]
fn floats_that_print_short_are_decimals() {
    for (value, exponent, integer) in [
        (0.0, 0, 0),
        (17.0, 0, 17),
        (-17.5, 1, -175),
        (0.1, 1, 1),
        (16.526_004_106, 9, 16_526_004_106),
        (1_700_000_000.123, 3, 1_700_000_000_123),
        (9_007_199_254_740_991.0, 0, 9_007_199_254_740_991),
    ] {
        assert_eq!(exponent_of(value, 0), Some(exponent), "{value}");
        assert_eq!(exact(value, exponent), Some(integer), "{value}");
    }
}

#[test]
fn what_is_not_exactly_a_decimal_is_refused() {
    for value in [
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::MAX,
        9_007_199_254_740_992.0,
        1.0 / 3.0,
        std::f64::consts::PI * 100.0,
    ] {
        assert_eq!(exponent_of(value, 0), None, "{value}");
    }
}

#[test]
fn sums_of_decimals_are_decimals_with_small_residuals() {
    let sum = (0..1000).fold(0.0, |sum: f64, _| sum + 0.1);
    assert_eq!(exact(sum, 1), None);
    let (integer, residual) = with_residual(sum, power(1)).unwrap();
    assert_eq!(integer, 1000);
    assert!(residual != 0 && residual.abs() < 200, "{residual}");
}

#[test]
fn powers_are_exact() {
    for exponent in 0..=MAX_EXPONENT {
        assert_eq!(power(exponent), 10u64.pow(u32::from(exponent)) as f64);
    }
}

proptest! {
    #[test]
    fn exact_decimals_come_back(value in any::<f64>(), exponent in 0..=MAX_EXPONENT) {
        if let Some(integer) = exact(value, exponent) {
            prop_assert_eq!((integer as f64 / power(exponent)).to_bits(), value.to_bits());
        }
    }

    #[test]
    fn decimals_are_found(integer in -(1i64 << 50)..1i64 << 50, exponent in 0..=MAX_EXPONENT) {
        let value = integer as f64 / power(exponent);
        prop_assert_eq!(exact(value, exponent), Some(integer));
        prop_assert!(exponent_of(value, 0).is_some_and(|least| least <= exponent));
    }

    #[test]
    fn rounding_is_to_the_nearest(value in -9e15f64..9e15) {
        for value in [value, value / 1e9] {
            prop_assert!((round(value) as f64 - value).abs() <= 0.5);
        }
    }

    #[test]
    fn the_order_of_bits_is_that_of_floats(a in any::<f64>(), b in any::<f64>()) {
        let ordered = |value: f64| order(value.to_bits()) as i64;
        prop_assert_eq!(order(order(a.to_bits())), a.to_bits());
        prop_assert_eq!(ordered(a).cmp(&ordered(b)), a.total_cmp(&b));
    }
}
