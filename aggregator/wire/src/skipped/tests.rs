//! Tests of counting by reason.

use super::{SkipReason, Skipped, show_labels};

#[test]
fn the_first_example_is_kept_and_all_are_counted() {
    let mut skipped = Skipped::default();
    skipped.add(SkipReason::NoMetricName, 2, || show_labels(&[("job", "a\"b")]));
    skipped.add(SkipReason::NoMetricName, 1, || unreachable!("an example is asked for once"));
    skipped.add(SkipReason::InvalidUtf8, 0, || "x".repeat(1000));
    let skip = skipped.get(SkipReason::NoMetricName).expect("was counted");
    assert_eq!((skip.count, skip.samples, skip.example.as_str()), (2, 3, r#"{job="a\"b"}"#));
    assert_eq!(skipped.samples(), 3);
    assert!(skipped.to_string().ends_with(r#"2 no metric name (e.g. {job="a\"b"})"#));
    assert!(skipped.to_string().len() < 400);

    let mut sum = Skipped::default();
    sum.merge(skipped.clone());
    sum.merge(skipped);
    assert_eq!(sum.get(SkipReason::NoMetricName).map(|skip| skip.count), Some(4));
}
