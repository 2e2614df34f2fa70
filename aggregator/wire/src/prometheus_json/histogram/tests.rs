//! Tests of bounds and of what a histogram looks like.

use model::histogram::{Histogram, SCHEMA_CUSTOM, Span};
use proptest::prelude::*;

use super::{exponential_bound, write_histogram};

fn json(histogram: &Histogram) -> String {
    let mut out = Vec::new();
    write_histogram(&mut out, histogram);
    String::from_utf8(out).expect("is UTF-8")
}

#[test]
fn bounds_are_powers() {
    let cases = [
        (0, 0, 1.0),
        (1, 0, 2.0),
        (-1, 0, 0.5),
        (1, 1, std::f64::consts::SQRT_2),
        (-1, 1, std::f64::consts::FRAC_1_SQRT_2),
        (3, 2, 1.681_792_830_507_429),
        (256, 8, 2.0),
        (1, -1, 4.0),
        (-1, -4, 2f64.powi(-16)),
        (1024, 0, f64::MAX),
        (1025, 0, f64::INFINITY),
        (64, -4, f64::MAX),
        (65, -4, f64::INFINITY),
        (1024 << 8, 8, f64::MAX),
        ((1024 << 8) + 1, 8, f64::INFINITY),
        (-1074, 0, 5e-324),
        (-1075, 0, 0.0),
        (i64::from(i32::MAX), 8, f64::INFINITY),
        (i64::from(i32::MIN), -4, 0.0),
    ];
    for (index, schema, expect) in cases {
        assert_eq!(exponential_bound(index, schema), expect, "{index} at schema {schema}");
    }
}

#[test]
fn buckets_of_all_kinds() {
    let histogram = Histogram {
        schema: 0,
        count: 16.0,
        sum: 3.5,
        zero_threshold: 0.25,
        zero_count: 3.0,
        positive_spans: vec![Span { offset: -1, length: 2 }, Span { offset: 1, length: 1 }],
        positive_buckets: vec![12.0, 0.0, 1.0],
        negative_spans: vec![Span { offset: -2, length: 2 }],
        negative_buckets: vec![2.0, 4.0],
        ..Histogram::default()
    };
    assert_eq!(
        json(&histogram),
        concat!(
            r#"{"count":"16","sum":"3.5","buckets":[[1,"-0.5","-0.25","4"],[1,"-0.25","-0.25","2"],"#,
            r#"[3,"-0.25","0.25","3"],[0,"0.25","0.5","12"],[0,"2","4","1"]]}"#
        )
    );
}

#[test]
fn custom_buckets_reach_from_infinity_to_infinity() {
    let histogram = Histogram {
        schema: SCHEMA_CUSTOM,
        count: 6.0,
        sum: 1.0,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![1.0, 2.0, 3.0],
        custom_values: vec![0.1, 5.0],
        ..Histogram::default()
    };
    assert_eq!(
        json(&histogram),
        concat!(
            r#"{"count":"6","sum":"1","buckets":[[3,"-Inf","0.1","1"],[0,"0.1","5","2"],"#,
            r#"[0,"5","+Inf","3"]]}"#
        )
    );
}

#[test]
fn a_histogram_without_observations_has_no_buckets() {
    let histogram = Histogram {
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![0.0],
        ..Histogram::default()
    };
    assert_eq!(json(&histogram), r#"{"count":"0","sum":"0"}"#);
}

proptest! {
    /// Histograms that nobody validated are written as some JSON, without a panic.
    #[test]
    fn any_histogram_is_json(
        schema in any::<i32>(),
        spans in prop::collection::vec((any::<i32>(), 0u32..5), 0..6),
        buckets in prop::collection::vec(any::<f64>(), 0..20),
        bounds in prop::collection::vec(any::<f64>(), 0..4),
        zero in any::<(f64, f64)>(),
    ) {
        let spans: Vec<_> =
            spans.into_iter().map(|(offset, length)| Span { offset, length }).collect();
        let histogram = Histogram {
            schema,
            zero_threshold: zero.0,
            zero_count: zero.1,
            positive_spans: spans.clone(),
            positive_buckets: buckets.clone(),
            negative_spans: spans,
            negative_buckets: buckets,
            custom_values: bounds,
            ..Histogram::default()
        };
        let text = json(&histogram);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    }
}
