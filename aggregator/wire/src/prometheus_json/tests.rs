//! Tests of the shapes, read back by a JSON parser where the text itself does not matter.

use model::{
    exemplar::Exemplar,
    histogram::Histogram,
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().copied()).expect("is valid")
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("is UTF-8")
}

#[test]
fn times_have_three_decimals_or_none() {
    let cases = [
        (0, "0"),
        (1_435_781_451_781, "1435781451.781"),
        (1_000, "1"),
        (1_500, "1.500"),
        (1_050, "1.050"),
        (7, "0.007"),
        (-1, "-0.001"),
        (-2_000, "-2"),
        (i64::MIN, "-9223372036854775.808"),
        (i64::MAX, "9223372036854775.807"),
    ];
    for (millis, expect) in cases {
        assert_eq!(text(|out| write_time(out, Timestamp(millis))), expect);
    }
}

#[test]
fn a_vector_is_as_prometheus_writes_it() {
    let up = labels(&[("__name__", "up"), ("job", "a\"b")]);
    let written = text(|out| {
        let mut vector = Vector::begin(out);
        vector.float(&up, Timestamp(1_435_781_451_781), 1.0);
        vector.histogram(&Labels::default(), Timestamp(1_000), &Histogram::default());
        vector.finish();
    });
    assert_eq!(
        written,
        concat!(
            r#"[{"metric":{"__name__":"up","job":"a\"b"},"value":[1435781451.781,"1"]},"#,
            r#"{"metric":{},"histogram":[1,{"count":"0","sum":"0"}]}]"#
        )
    );
    assert_eq!(text(|out| Vector::begin(out).finish()), "[]");
}

#[test]
fn a_matrix_leaves_out_the_kind_that_is_absent() {
    let histogram = Histogram { count: 1.0, sum: f64::NAN, ..Histogram::default() };
    let written = text(|out| {
        let mut matrix = Matrix::begin(out);
        let floats = [(Timestamp(1_000), 0.5), (Timestamp(2_500), f64::NEG_INFINITY)];
        matrix.series(&labels(&[("a", "1")]), floats, []);
        matrix.series(&labels(&[("a", "2")]), [], [(Timestamp(3_000), &histogram)]);
        matrix.finish();
    });
    assert_eq!(
        written,
        concat!(
            r#"[{"metric":{"a":"1"},"values":[[1,"0.5"],[2.500,"-Inf"]]},"#,
            r#"{"metric":{"a":"2"},"histograms":[[3,{"count":"1","sum":"NaN"}]]}]"#
        )
    );
}

#[test]
fn scalars_strings_and_their_wrapping() {
    let written = text(|out| {
        write_success(out, Annotations::default(), |out| {
            write_query_data(out, ResultType::Scalar, Some(b"{\"samples\":1}"), |out| {
                write_scalar(out, Timestamp(1), f64::INFINITY);
            });
        });
    });
    assert_eq!(
        written,
        concat!(
            r#"{"status":"success","data":{"resultType":"scalar","result":[0.001,"+Inf"],"#,
            r#""stats":{"samples":1}}}"#
        )
    );
    assert_eq!(text(|out| write_text_result(out, Timestamp(0), "a\\")), r#"[0,"a\\"]"#);
    assert_eq!(text(|out| write_float_with_exponent(out, 1.0)), "\"1e+00\"");
}

#[test]
fn errors_carry_kind_message_and_notices() {
    let warnings: Vec<String> = (0..12).map(|number| format!("w{number}")).collect();
    let annotations = Annotations { warnings: &warnings, infos: &["i".to_owned()] };
    let written = text(|out| write_error(out, ErrorKind::BadData, "no \"x\"", annotations));
    let value: Value = serde_json::from_str(&written).expect("is JSON");
    assert_eq!(value["status"], "error");
    assert_eq!(value["errorType"], "bad_data");
    assert_eq!(value["error"], "no \"x\"");
    assert_eq!(value["infos"], json!(["i"]));
    let listed = value["warnings"].as_array().expect("is a list");
    assert_eq!(listed.len(), ANNOTATIONS_MAX + 1);
    assert_eq!(listed[ANNOTATIONS_MAX], "2 more warning annotations omitted");
    assert_eq!((ErrorKind::Canceled.status(), ErrorKind::Execution.status()), (499, 422));
}

#[test]
fn exemplars_and_metadata() {
    let exemplar =
        Exemplar { labels: labels(&[("trace", "x")]), value: 6.0, time: Timestamp(1_600_500) };
    let series = labels(&[("__name__", "a")]);
    assert_eq!(
        text(|out| write_exemplars(out, [(&series, [exemplar].as_slice())])),
        concat!(
            r#"[{"seriesLabels":{"__name__":"a"},"exemplars":"#,
            r#"[{"labels":{"trace":"x"},"value":"6","timestamp":1600.500}]}]"#
        )
    );
    let kind = MetricType::GaugeHistogram;
    let description = Metadata { kind, help: "h\n".into(), unit: "s".into() };
    let written = text(|out| write_metadata(out, [("a", [description.clone()].as_slice())]));
    assert_eq!(written, r#"{"a":[{"type":"gaugehistogram","help":"h\n","unit":"s"}]}"#);
    // The word is the one that the model itself serializes as.
    let value: Value = serde_json::from_str(&written).expect("is JSON");
    assert_eq!(value["a"][0], serde_json::to_value(&description).expect("serializes"));
}

#[test]
fn every_type_has_the_word_of_the_model() {
    for kind in [
        MetricType::Unknown,
        MetricType::Counter,
        MetricType::Gauge,
        MetricType::Histogram,
        MetricType::GaugeHistogram,
        MetricType::Summary,
        MetricType::Info,
        MetricType::StateSet,
    ] {
        let description = Metadata { kind, ..Metadata::default() };
        let written = text(|out| write_metadata(out, [("a", [description.clone()].as_slice())]));
        let value: Value = serde_json::from_str(&written).expect("is JSON");
        assert_eq!(value["a"][0], serde_json::to_value(&description).expect("serializes"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_string_reads_back(chars in prop::collection::vec(any::<char>(), 0..50)) {
        let original: String = chars.into_iter().collect();
        let written = text(|out| write_string(out, &original));
        prop_assert_eq!(serde_json::from_str::<String>(&written).expect("is JSON"), original);
    }

    #[test]
    fn control_characters_read_back(bytes in prop::collection::vec(0u8..0x80, 0..50)) {
        let original = String::from_utf8(bytes).expect("is ASCII");
        let written = text(|out| write_string(out, &original));
        prop_assert_eq!(serde_json::from_str::<String>(&written).expect("is JSON"), original);
    }

    #[test]
    fn any_time_reads_back(millis in -(1i64 << 50)..(1 << 50)) {
        let written = text(|out| write_time(out, Timestamp(millis)));
        let seconds: f64 = serde_json::from_str(&written).expect("is JSON");
        prop_assert_eq!(Timestamp::from_seconds(seconds), Timestamp(millis));
    }
}
