//! Tests of printing.

use super::{display, general, shortest, sprintf};
use crate::value::Value;

#[test]
fn numbers_are_written_as_go_writes_them() {
    // value, %v, %.4g, %.1g
    let table = [
        (1e6, "1e+06", "1e+06", "1e+06"),
        (123_456_789.0, "1.23456789e+08", "1.235e+08", "1e+08"),
        (1e-5, "1e-05", "1e-05", "1e-05"),
        (0.0001, "0.0001", "0.0001", "0.0001"),
        (100_000.0, "100000", "1e+05", "1e+05"),
        (0.0, "0", "0", "0"),
        (5e-324, "5e-324", "4.941e-324", "5e-324"),
        (1_234_567.0, "1.234567e+06", "1.235e+06", "1e+06"),
        (9.9999, "9.9999", "10", "1e+01"),
        (f64::INFINITY, "+Inf", "+Inf", "+Inf"),
        (f64::NAN, "NaN", "NaN", "NaN"),
    ];
    for (value, short, four, one) in table {
        assert_eq!(
            (shortest(value).as_str(), general(value, 4).as_str(), general(value, 1).as_str()),
            (short, four, one)
        );
    }
}

#[test]
fn shared_parts_are_printed_each_time() {
    let inner = Value::list(vec![Value::Int(1), Value::string("a")]);
    let outer = Value::map([("x", inner.clone()), ("y", inner)]);
    assert_eq!(display(&outer), "map[x:[1 a] y:[1 a]]");
}

#[test]
fn long_output_ends_early() {
    assert_eq!(sprintf("%2000d%2000d", &[Value::Int(1), Value::Int(2)], 1000).len(), 2000);
    assert_eq!(sprintf("%2d", &[Value::Int(1)], 1000), " 1");
}
