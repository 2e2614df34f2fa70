//! Tests of what is written, and that it reads back.

use model::{
    exemplar::Exemplar,
    histogram::{Histogram, SCHEMA_CUSTOM, Span},
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
    write::WriteBatch,
};
use proptest::prelude::*;

use super::{Exposition, Format, Writer};
use crate::exposition::{Attached, Escaping, ParseOptions, parse};

const TEXT: Exposition = Exposition { format: Format::Text, escaping: Escaping::Underscores };
const TEXT_UTF8: Exposition = Exposition { format: Format::Text, escaping: Escaping::AllowUtf8 };
const OPEN: Exposition =
    Exposition { format: Format::OpenMetrics, escaping: Escaping::Underscores };
const OPEN_UTF8: Exposition =
    Exposition { format: Format::OpenMetrics, escaping: Escaping::AllowUtf8 };

fn written(exposition: Exposition, write: impl FnOnce(&mut Writer<'_>)) -> String {
    let mut out = Vec::new();
    let mut writer = Writer::begin(&mut out, exposition);
    write(&mut writer);
    writer.finish();
    String::from_utf8(out).expect("is UTF-8")
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().copied()).expect("is valid")
}

#[test]
fn federation_is_untyped_and_dated() {
    let write = |writer: &mut Writer<'_>| {
        let time = Some(Timestamp(1_395_066_363_500));
        assert!(writer.untyped(&labels(&[("__name__", "a"), ("x", "q\"\\\n")]), 1.5, time));
        assert!(writer.untyped(&labels(&[("__name__", "a")]), 1e6, time));
        assert!(writer.untyped(&labels(&[("__name__", "b")]), f64::INFINITY, None));
        assert!(!writer.untyped(&labels(&[("x", "nameless")]), 1.0, None));
    };
    assert_eq!(
        written(TEXT, write),
        "# TYPE a untyped\na{x=\"q\\\"\\\\\\n\"} 1.5 1395066363500\na 1e+06 1395066363500\n\
         # TYPE b untyped\nb +Inf\n"
    );
    assert_eq!(
        written(OPEN, write),
        "# TYPE a unknown\na{x=\"q\\\"\\\\\\n\"} 1.5 1395066363.500\na 1e+06 1395066363.500\n\
         # TYPE b unknown\nb +Inf\n# EOF\n"
    );
}

#[test]
fn names_are_quoted_or_escaped() {
    let write = |writer: &mut Writer<'_>| {
        writer.untyped(&labels(&[("__name__", "1a.b"), ("c.d", "e"), ("f", "g")]), 1.0, None);
    };
    assert_eq!(
        written(TEXT_UTF8, write),
        "# TYPE \"1a.b\" untyped\n{\"1a.b\",\"c.d\"=\"e\",f=\"g\"} 1\n"
    );
    assert_eq!(written(TEXT, write), "# TYPE _a_b untyped\n_a_b{c_d=\"e\",f=\"g\"} 1\n");
}

#[test]
fn labels_are_attached_where_they_are_missing() {
    let attached = [("instance", ""), ("region", "eu")];
    let attached = attached.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let mut out = Vec::new();
    let mut writer = Writer::attaching(&mut out, TEXT, Attached::new(&attached));
    writer.untyped(&labels(&[("__name__", "a"), ("x", "y")]), 1.0, None);
    writer.untyped(&labels(&[("__name__", "a"), ("instance", "i"), ("region", "us")]), 2.0, None);
    writer.finish();
    assert_eq!(
        String::from_utf8_lossy(&out),
        "# TYPE a untyped\na{x=\"y\",instance=\"\",region=\"eu\"} 1\n\
         a{instance=\"i\",region=\"us\"} 2\n"
    );
}

#[test]
fn descriptions_and_exemplars() {
    let write = |writer: &mut Writer<'_>| {
        let metadata =
            Metadata { kind: MetricType::Info, help: "a\n\"b\"".into(), unit: "s".into() };
        writer.describe("m_s", &metadata);
        let exemplar =
            Exemplar { labels: labels(&[("id", "x")]), value: 0.5, time: Timestamp(1_500) };
        writer.sample(&labels(&[("__name__", "m_s_info")]), 1.0, None, Some(&exemplar));
    };
    assert_eq!(
        written(OPEN, write),
        "# HELP m_s a\\n\\\"b\\\"\n# TYPE m_s info\n# UNIT m_s s\n\
         m_s_info 1 # {id=\"x\"} 0.5 1.500\n# EOF\n"
    );
    assert_eq!(written(TEXT, write), "# HELP m_s a\\n\"b\"\n# TYPE m_s gauge\nm_s_info 1\n");
}

#[test]
fn custom_buckets_become_a_classic_histogram() {
    let histogram = Histogram {
        schema: SCHEMA_CUSTOM,
        count: 6.0,
        sum: 1.5,
        positive_spans: vec![Span { offset: 0, length: 1 }, Span { offset: 1, length: 2 }],
        positive_buckets: vec![1.0, 2.0, 3.0],
        custom_values: vec![0.5, 1.0, 2.0],
        ..Histogram::default()
    };
    let series = labels(&[("__name__", "h"), ("a", "1")]);
    assert_eq!(
        written(TEXT, |writer| assert!(writer.histogram(&series, &histogram, Some(Timestamp(7))))),
        "# TYPE h histogram\n\
         h_bucket{a=\"1\",le=\"0.5\"} 1 7\n\
         h_bucket{a=\"1\",le=\"1.0\"} 1 7\n\
         h_bucket{a=\"1\",le=\"2.0\"} 3 7\n\
         h_bucket{a=\"1\",le=\"+Inf\"} 6 7\n\
         h_sum{a=\"1\"} 1.5 7\nh_count{a=\"1\"} 6 7\n"
    );
    let twice = written(TEXT, |writer| {
        writer.histogram(&series, &histogram, None);
        writer.histogram(&labels(&[("__name__", "h")]), &histogram, None);
        writer.untyped(&series, 1.0, None);
    });
    assert_eq!(twice.matches("# TYPE h histogram\n").count(), 1);
    assert_eq!(twice.matches("# TYPE h untyped\n").count(), 1);
    let exponential = Histogram::default();
    assert_eq!(written(TEXT, |writer| assert!(!writer.histogram(&series, &exponential, None))), "");
}

/// Any series reads back as itself, in each format that can say its names.
fn series() -> impl Strategy<Value = (Labels, f64, i64)> {
    let labels =
        prop::collection::btree_map("[a-zé. \"\\\\]{1,5}", "[a-zé\n\r\t\"\\\\,}]{1,9}", 0..4);
    ("[a-zé.\n\"]{1,6}", labels, any::<f64>(), -(1i64 << 40)..(1 << 42)).prop_map(
        |(metric, labels, value, time)| {
            let set = Labels::new(labels).expect("names are distinct");
            (set.with("__name__", &metric), value, time)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_reads_back(all in prop::collection::vec(series(), 0..6)) {
        for exposition in [TEXT_UTF8, OPEN_UTF8] {
            let text = written(exposition, |writer| {
                for (labels, value, time) in &all {
                    writer.untyped(labels, *value, Some(Timestamp(*time)));
                }
            });
            let mut batch = WriteBatch::default();
            let options = ParseOptions::default();
            let stats = parse(exposition.format, text.as_bytes(), &options, &mut batch)
                .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert!(stats.skipped.is_empty());
            let found: Vec<_> = batch
                .series()
                .map(|series| {
                    let labels = Labels::from_bytes(series.labels).expect("is packed");
                    (labels, series.samples[0].value.to_bits(), series.samples[0].time)
                })
                .collect();
            let expect: Vec<_> = all
                .iter()
                .map(|(labels, value, time)| (labels.clone(), value.to_bits(), *time))
                .collect();
            prop_assert_eq!(found, expect);
        }
    }

    /// Whatever the names are, 0.0.4 stays readable.
    #[test]
    fn escaped_names_are_readable(all in prop::collection::vec(series(), 0..4)) {
        let text = written(TEXT, |writer| {
            for (labels, value, time) in &all {
                writer.untyped(labels, *value, Some(Timestamp(*time)));
            }
        });
        let mut batch = WriteBatch::default();
        let parsed = parse(Format::Text, text.as_bytes(), &ParseOptions::default(), &mut batch);
        prop_assert!(parsed.is_ok(), "{parsed:?}\n{text}");
    }
}
