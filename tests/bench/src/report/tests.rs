//! What lines say.

use serde_json::Value;

use super::{Measurement, digits, objects, row, text};

fn speed(ours: f64, target: f64) -> Measurement {
    Measurement {
        suite: "ingest",
        name: "speed".to_owned(),
        ours,
        unit: "M samples/s",
        target: Some(target),
        more_is_better: true,
    }
}

#[test]
fn a_ratio_is_how_many_times_better_ours_is() {
    let more = speed(3.0, 2.0);
    assert_eq!(more.times_better(1.5), 2.0);
    let less = Measurement { more_is_better: false, ..more };
    assert_eq!(less.times_better(1.5), 0.5);
}

#[test]
fn a_target_is_met_or_missed() {
    for (ours, more_is_better, met) in
        [(3.0, true, true), (1.0, true, false), (3.0, false, false), (1.0, false, true)]
    {
        let measurement = Measurement { more_is_better, ..speed(ours, 2.0) };
        assert_eq!(measurement.met(), Some(met));
    }
    assert_eq!(Measurement { target: None, ..speed(1.0, 1.0) }.met(), None);
}

#[test]
fn objects_have_the_target_once() {
    let lines = objects(&speed(3.0, 2.0), &[("a", 1.5), ("b", 6.0)]);
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["peer"], &lines[0]["ratio"]), (&"a".into(), &2.0.into()));
    assert_eq!((&lines[0]["target"], &lines[0]["met"]), (&2.0.into(), &true.into()));
    assert_eq!((&lines[1]["peer"], &lines[1]["target"]), (&"b".into(), &Value::Null));
    let alone: Value = serde_json::from_str(&objects(&speed(1.0, 2.0), &[])).expect("is JSON");
    assert_eq!((&alone["peer"], &alone["met"]), (&Value::Null, &false.into()));
}

#[test]
fn a_person_sees_the_same() {
    let measurement = speed(3.0, 4.0);
    let line = text(&measurement, &[("a", 1.5)]);
    assert!(line.ends_with("3.00 M samples/s   a 1.50, 2.00 times better   target 4.00: MISSED\n"));
    assert_eq!(
        row(&measurement, &[("a", 1.5), ("b", 6.0)]),
        "| speed | 3.00 M samples/s | a 1.50: 2.00 ×; b 6.00: 0.500 × | ≥ 4.00 | **no** |\n"
    );
}

#[test]
fn numbers_are_as_long_as_they_need_be() {
    let cases = [(0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234")];
    for (value, expected) in cases {
        assert_eq!(digits(value), expected);
    }
}
