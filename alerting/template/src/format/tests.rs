//! Tests of printing.

use super::{Bounded, display, general, shortest, sprint, sprintf, sprintln};
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
    assert_eq!(sprintf("%2000d%2000d", &[Value::Int(1), Value::Int(2)], 1000).len(), 1001);
    assert_eq!(sprintf("%2d", &[Value::Int(1)], 1000), " 1");
}

#[test]
fn any_precision_is_exact_and_no_more() {
    // format, value, length, beginning, end
    let table = [
        ("%.70000f", 1.5, 70_002, "1.500", "000"),
        ("%.70000e", 1.5, 70_006, "1.500", "000e+00"),
        ("%.70000E", -1.5e300, 70_008, "-1.5000", "000E+300"),
        ("%.70000g", 0.1, 57, "0.1000000000000000055511", "51231257827021181583404541015625"),
        ("%.70000x", 1.5, 70_008, "0x1.8000", "000p+00"),
        ("%.70000f", 5e-324, 70_002, "0.0000", "000"),
        ("%.1074f", 5e-324, 1076, "0.0000", "5625"),
        ("%.1101f", 5e-324, 1103, "0.0000", "5625000000000000000000000000000"),
        ("%.1000000f", 1e308, 1_000_310, "1000000000000000010979", "000"),
        ("%080000.70000f", -1.5, 80_000, "-0000", "000"),
        ("%80000.70000f", 1.5, 80_000, "    ", "000"),
        ("%-80000.70000f|", 1.5, 80_001, "1.500", "  |"),
    ];
    for (format, value, length, beginning, end) in table {
        let text = sprintf(format, &[Value::Float(value)], usize::MAX);
        assert_eq!(text.len(), length, "{format}");
        assert!(text.starts_with(beginning) && text.ends_with(end), "{format}");
    }
    assert_eq!(general(1.5, usize::MAX), "1.5");
    assert_eq!(sprintf("%.65535f", &[Value::Float(f64::NAN)], 100), "NaN");
}

/// The list has 300 items, and none of it is written out before it is cut.
#[test]
fn nothing_takes_more_memory_than_there_is_room() {
    let numbers = Value::list((0..300).map(Value::Int).collect());
    let floats = Value::list((0..300).map(|n| Value::Float(f64::from(n))).collect());
    let texts = Value::list((0..300).map(|_| Value::string("\u{1}é".repeat(300))).collect());
    let map = Value::map((0..300).map(|n| (format!("k{n}"), numbers.clone())));
    let lists = [numbers, floats, texts, map];
    let formats =
        ["%999999d", "%-999999v", "%0999999d", "%.999999d", "%999999.999999f", "%.999999e"]
            .into_iter()
            .chain(["%#999999x", "%+q", "%#q", "% #x", "%#v", "%999999T", "%!", "%d%[9]*.[1]*v"]);
    for format in formats {
        for list in &lists {
            let args = vec![list.clone(); 300];
            let format = format.repeat(100);
            let text = sprintf(&format, &args, 10_000);
            assert!(text.len() <= 10_004 && text.capacity() <= 10_004, "{format}");
        }
    }
    for list in &lists {
        let args = vec![list.clone(); 300];
        for text in [sprint(&args, 10_000), sprintln(&args, 10_000), sprintf("", &args, 10_000)] {
            assert!((10_001..=10_004).contains(&text.len()), "{}", text.len());
            assert!(text.capacity() <= 10_004, "{}", text.capacity());
        }
    }
}

#[test]
fn a_bounded_text_ends_behind_a_whole_character() {
    for (most, wanted) in [(0, "a"), (1, "aé"), (2, "aé"), (3, "aé€"), (6, "aé€ "), (9, "aé€   ")]
    {
        let mut out = Bounded::new(most);
        out.push_str("aé");
        out.push('€');
        out.fill(' ', if most == 9 { 3 } else { 99 });
        out.push_str("");
        assert_eq!(out.into_string(), wanted, "{most}");
    }
}
