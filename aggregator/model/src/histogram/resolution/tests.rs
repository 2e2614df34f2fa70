//! Tests of the reduction: by hand, and that it comes to the same in one step or several.

use proptest::prelude::*;

use crate::histogram::{Histogram, InvalidHistogram, SCHEMA_CUSTOM, SCHEMA_MAX, Span};

fn histogram(schema: i32, spans: &[(i32, u32)], buckets: &[f64]) -> Histogram {
    Histogram {
        schema,
        count: buckets.iter().sum(),
        positive_spans: spans
            .iter()
            .map(|(offset, length)| Span { offset: *offset, length: *length })
            .collect(),
        positive_buckets: buckets.to_vec(),
        ..Histogram::default()
    }
}

/// Buckets with what they hold, by index.
fn buckets(histogram: &Histogram) -> Vec<(i64, f64)> {
    let mut index = 0i64;
    let mut counts = histogram.positive_buckets.iter();
    let mut all = Vec::new();
    for span in &histogram.positive_spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            all.push((index, *count));
            index += 1;
        }
    }
    all
}

#[test]
fn neighbours_are_merged() {
    // Indexes -3 -2 | 0 1 2 | 5, of which 1 and 2 end in 1, -3 and -2 in -1, 5 in 3.
    let mut fine = histogram(9, &[(-3, 2), (1, 3), (2, 1)], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    fine.negative_spans = vec![Span { offset: 7, length: 1 }];
    fine.negative_buckets = vec![8.0];
    assert_eq!(fine.admit(), Ok(()));
    assert_eq!(fine.schema, SCHEMA_MAX);
    assert_eq!(buckets(&fine), [(-1, 3.0), (0, 3.0), (1, 9.0), (3, 6.0)]);
    let spans = [Span { offset: -1, length: 3 }, Span { offset: 1, length: 1 }];
    assert_eq!(fine.positive_spans, spans);
    assert_eq!(fine.negative_spans, [Span { offset: 4, length: 1 }]);
}

#[test]
fn only_reserved_schemas_are_reduced() {
    for (schema, expect) in [
        (-53, Ok(-53)),
        (-9, Err(InvalidHistogram::Schema(-9))),
        (-5, Err(InvalidHistogram::Schema(-5))),
        (-4, Ok(-4)),
        (8, Ok(8)),
        (9, Ok(8)),
        (52, Ok(8)),
        (53, Err(InvalidHistogram::Schema(53))),
        (i32::MAX, Err(InvalidHistogram::Schema(i32::MAX))),
        (i32::MIN, Err(InvalidHistogram::Schema(i32::MIN))),
    ] {
        let mut given = Histogram { schema, ..Histogram::default() };
        assert_eq!(given.admit().map(|()| given.schema), expect, "{schema}");
    }
}

#[test]
fn faults_are_named_before_anything_is_merged() {
    let mut short = histogram(20, &[(0, u32::MAX), (0, u32::MAX)], &[1.0]);
    assert!(matches!(short.admit(), Err(InvalidHistogram::SpanLength { given: 1, .. })));
    let mut backwards = histogram(20, &[(0, 1), (-1, 1)], &[1.0, 1.0]);
    assert!(matches!(backwards.admit(), Err(InvalidHistogram::SpanOffset { number: 1, .. })));
    let mut bounds = histogram(20, &[], &[]);
    bounds.custom_values = vec![1.0];
    assert_eq!(bounds.admit(), Err(InvalidHistogram::UnexpectedBounds));
    let mut custom = histogram(SCHEMA_CUSTOM, &[(0, 1)], &[1.0]);
    assert_eq!(custom.reduce_to(-60), Ok(()));
    assert_eq!(custom.schema, SCHEMA_CUSTOM);
}

proptest! {
    #[test]
    fn one_step_at_a_time_comes_to_the_same(
        first in -1000i32..1000,
        spans in prop::collection::vec((0i32..9, 1u32..5), 1..8),
        steps in 1i32..50,
    ) {
        let mut spans = spans;
        spans[0].0 = first;
        let count: u32 = spans.iter().map(|span| span.1).sum();
        let counts: Vec<f64> = (1..=count).map(f64::from).collect();
        let fine = histogram(52, &spans, &counts);
        let mut slowly = fine.clone();
        for step in 1..=steps {
            prop_assert_eq!(slowly.reduce_to(52 - step), Ok(()));
        }
        let mut at_once = fine.clone();
        prop_assert_eq!(at_once.reduce_to(52 - steps), Ok(()));
        prop_assert_eq!(&slowly, &at_once);
        let sum = |histogram: &Histogram| histogram.positive_buckets.iter().sum::<f64>();
        prop_assert_eq!(sum(&fine), sum(&at_once));
        // The fewest spans: none touches the one before.
        prop_assert!(at_once.positive_spans.iter().skip(1).all(|span| span.offset > 0));
    }

    #[test]
    fn hostile_spans_never_panic(
        schema in any::<i32>(),
        spans in prop::collection::vec((any::<i32>(), any::<u32>()), 0..6),
        counts in prop::collection::vec(any::<f64>(), 0..6),
    ) {
        let mut given = histogram(schema, &spans, &counts);
        if given.admit().is_ok() {
            prop_assert_eq!(given.validate(), Ok(()));
        }
    }
}
