//! Tests against what Go prints.

use proptest::prelude::*;

use super::{push_api_float, push_canonical_float, push_e_float, push_g_float, push_signed};

fn text(push: fn(&mut Vec<u8>, f64), value: f64) -> String {
    let mut out = Vec::new();
    push(&mut out, value);
    String::from_utf8(out).expect("is ASCII")
}

#[test]
fn values_of_the_api() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (0.1, "0.1"),
        (0.0625, "0.0625"),
        (0.0005, "0.0005"),
        (1.0005, "1.0005"),
        (100.05, "100.05"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.0 / 3.0, "0.3333333333333333"),
        (123_456_789.125, "123456789.125"),
        (0.000001, "0.000001"),
        (0.00000123, "0.00000123"),
        (9.99e-7, "9.99e-07"),
        (1e-7, "1e-07"),
        (5e-324, "5e-324"),
        (1e15, "1000000000000000"),
        (1e20, "100000000000000000000"),
        (123_456_789_012_345_680_000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (-1.25e100, "-1.25e+100"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ];
    for (value, expect) in cases {
        assert_eq!(text(push_api_float, value), expect);
    }
}

#[test]
fn values_with_an_exponent() {
    for (value, expect) in
        [(0.0, "0e+00"), (1.0, "1e+00"), (-12.5, "-1.25e+01"), (1e-10, "1e-10"), (1e300, "1e+300")]
    {
        assert_eq!(text(push_e_float, value), expect);
    }
}

#[test]
fn values_of_the_exposition_formats() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (100_000.0, "100000"),
        (999_999.5, "999999.5"),
        (1_000_000.0, "1e+06"),
        (1_458_255_915.0, "1.458255915e+09"),
        (1234567.25, "1.23456725e+06"),
        (0.0001, "0.0001"),
        (0.00012345, "0.00012345"),
        (0.00001, "1e-05"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
    ];
    for (value, expect) in cases {
        assert_eq!(text(push_g_float, value), expect);
    }
}

#[test]
fn bounds_of_buckets() {
    for (value, expect) in [
        (1.0, "1.0"),
        (0.0, "0.0"),
        (-5.0, "-5.0"),
        (0.25, "0.25"),
        (1e6, "1e+06"),
        (f64::INFINITY, "+Inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(text(push_canonical_float, value), expect);
    }
}

#[test]
fn integers_to_the_ends() {
    for value in [0, 7, -1, 10, 1_234_567, i64::MAX, i64::MIN] {
        let mut out = Vec::new();
        push_signed(&mut out, value);
        assert_eq!(String::from_utf8(out).expect("is ASCII"), value.to_string());
    }
}

/// Values of all kinds: any bits, and short decimals, which take another path.
fn value() -> impl Strategy<Value = f64> {
    let short =
        (any::<i32>(), 0i32..7).prop_map(|(digits, places)| f64::from(digits) / 10f64.powi(places));
    prop_oneof![any::<u64>().prop_map(f64::from_bits), short, -1e6..1e6]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn every_form_reads_back_as_the_value(value in value()) {
        for push in [push_api_float, push_e_float, push_g_float] {
            let text = text(push, value);
            let back: f64 = text.parse().expect("is a number");
            prop_assert!(back.to_bits() == value.to_bits() || value.is_nan(), "{text}");
        }
    }

    /// No form has more digits than the shortest.
    #[test]
    fn digits_are_the_fewest(value in value()) {
        prop_assume!(value.is_finite());
        let significant = |text: &str| {
            let (mantissa, _) = text.split_once('e').unwrap_or((text, ""));
            let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
            digits.trim_start_matches('0').trim_end_matches('0').to_owned()
        };
        let shortest = significant(&format!("{value:e}"));
        for push in [push_api_float, push_e_float, push_g_float] {
            prop_assert_eq!(significant(&text(push, value)), shortest.clone());
        }
    }
}
