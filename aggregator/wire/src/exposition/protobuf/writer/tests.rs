//! What is written reads back, as our own reader of the format has it.

use std::collections::BTreeMap;

use model::histogram::SCHEMA_CUSTOM;
use proptest::prelude::*;

use super::*;
use crate::{
    exposition::{Histograms, visit::tests::Notes, visit_protobuf},
    limits::Limits,
};

fn told(escaping: Escaping, write: impl FnOnce(&mut ProtobufWriter<'_>)) -> Vec<String> {
    let attached = [("instance", ""), ("region", "eu")];
    let attached = attached.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let attached = BTreeMap::from(attached);
    let mut body = Vec::new();
    let mut writer = ProtobufWriter::begin(&mut body, escaping, Attached::new(&attached));
    write(&mut writer);
    let bytes = writer.bytes();
    writer.finish();
    assert!(body.len() >= bytes);
    let mut notes = Notes::default();
    let wanted = Histograms { native: true, classic: true };
    visit_protobuf(&body, wanted, &Limits::default(), &mut notes).expect("reads back");
    notes.lines
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().copied()).expect("is valid")
}

fn exponential(count: f64) -> Histogram {
    Histogram {
        schema: 2,
        count,
        sum: 4.5,
        zero_threshold: 0.5,
        zero_count: 1.0,
        positive_spans: vec![Span { offset: -1, length: 2 }],
        positive_buckets: vec![2.0, count - 4.0],
        negative_spans: vec![Span { offset: 3, length: 1 }],
        negative_buckets: vec![1.0],
        ..Histogram::default()
    }
}

#[test]
fn floats_are_untyped_and_share_a_family() {
    let lines = told(Escaping::Underscores, |writer| {
        let time = Timestamp(7);
        assert!(writer.untyped(&labels(&[("__name__", "a.b"), ("x.y", "1")]), 1.5, time));
        assert!(writer.untyped(&labels(&[("__name__", "a.b"), ("region", "us")]), 0.0, time));
        assert!(writer.untyped(&labels(&[("__name__", "c"), ("instance", "i")]), -1.0, time));
        assert!(!writer.untyped(&labels(&[("x", "nameless")]), 1.0, time));
    });
    assert_eq!(
        lines,
        [
            r#"family a_b Unknown "" """#,
            r#"a_b{region="eu", x_y="1"} 1.5 @7"#,
            r#"a_b{region="us"} 0 @7"#,
            r#"family c Unknown "" """#,
            r#"c{instance="i", region="eu"} -1 @7"#,
        ]
    );
    assert!(told(Escaping::Underscores, |_| {}).is_empty());
    let lines = told(Escaping::AllowUtf8, |writer| {
        writer.untyped(&labels(&[("__name__", "a.b"), ("x.y", "1")]), 1.5, Timestamp(0));
    });
    assert!(lines.concat().contains(r#""x.y"="1""#), "{lines:?}");
}

#[test]
fn histograms_read_back_whole_or_not() {
    for count in [9.0, 9.5] {
        let gauge = Histogram { reset_hint: ResetHint::Gauge, ..exponential(count) };
        let bare = Histogram { positive_spans: vec![Span::default()], ..Histogram::default() };
        let series = labels(&[("__name__", "h"), ("region", "x")]);
        let lines = told(Escaping::Underscores, |writer| {
            for histogram in [&exponential(count), &gauge, &Histogram::default()] {
                assert!(writer.histogram(&series, histogram, Timestamp(-5)));
            }
        });
        let line = |h: &Histogram| format!(r#"h{{region="x"}} {h:?} @-5"#);
        let family = |kind: &str| format!(r#"family h {kind} "" """#);
        assert_eq!(
            lines,
            [
                family("Histogram"),
                line(&exponential(count)),
                family("GaugeHistogram"),
                line(&gauge),
                family("Histogram"),
                line(&bare),
            ]
        );
    }
}

#[test]
fn custom_buckets_become_classic_ones() {
    for (third, all) in [(3.0, "6"), (3.5, "6.5")] {
        let histogram = Histogram {
            schema: SCHEMA_CUSTOM,
            count: third + 3.0,
            sum: 1.5,
            positive_spans: vec![Span { offset: 0, length: 1 }, Span { offset: 1, length: 2 }],
            positive_buckets: vec![1.0, 2.0, third],
            custom_values: vec![0.5, 1.0, 2.0],
            ..Histogram::default()
        };
        let lines = told(Escaping::Underscores, |writer| {
            let series = labels(&[("__name__", "h"), ("region", "x")]);
            writer.histogram(&series, &histogram, Timestamp(7));
        });
        assert_eq!(
            lines,
            [
                r#"family h Histogram "" """#.to_owned(),
                format!(r#"h_count{{region="x"}} {all} @7"#),
                r#"h_sum{region="x"} 1.5 @7"#.to_owned(),
                r#"h_bucket{le="0.5", region="x"} 1 @7"#.to_owned(),
                r#"h_bucket{le="1.0", region="x"} 1 @7"#.to_owned(),
                r#"h_bucket{le="2.0", region="x"} 3 @7"#.to_owned(),
                format!(r#"h_bucket{{le="+Inf", region="x"}} {all} @7"#),
            ]
        );
    }
}

proptest! {
    #[test]
    fn any_float_and_name_reads_back(
        metric in "\\PC{1,8}",
        value in "\\PC{1,8}",
        number in any::<f64>(),
        time in any::<i64>(),
    ) {
        prop_assume!(time != 0 && !number.is_nan());
        let set = labels(&[("__name__", &metric), ("region", &value)]);
        let lines = told(Escaping::AllowUtf8, |writer| {
            writer.untyped(&set, number, Timestamp(time));
        });
        prop_assert_eq!(&lines[1], &format!("{set} {number} @{time}"));
    }
}
