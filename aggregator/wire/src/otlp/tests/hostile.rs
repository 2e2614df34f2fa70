//! Requests that are wrong in a part, wrong altogether, or damaged.

use model::write::WriteBatch;
use proptest::prelude::*;
use serde_json::json;

use super::{attributes, cumulative, explicit, metric, request, service, show, translate};
use crate::{
    decode::DecodeOptions,
    otlp::{Status, Translation, decode, from_json, put_partial_success, put_status},
    skipped::SkipReason,
};

#[test]
fn bad_points_are_skipped_and_the_rest_is_kept() {
    let metrics = json!([
        metric("!", "", "gauge", json!({}), json!({ "asInt": 1 })),
        metric("no_value", "", "gauge", json!({}), json!({})),
        metric(
            "no_key",
            "",
            "gauge",
            json!({}),
            json!({ "asInt": 1, "attributes": attributes(&[("", "x")]) })
        ),
        metric(
            "bounds",
            "",
            "histogram",
            cumulative(),
            json!({ "explicitBounds": [2, 1], "bucketCounts": [1, 1, 1] })
        ),
        metric(
            "good",
            "",
            "gauge",
            json!({}),
            json!({ "asInt": 1, "attributes": attributes(&[("__name__", "x")]) })
        ),
    ]);
    let translation = Translation { convert_histograms_to_nhcb: true, ..Translation::default() };
    let (batch, decoded) = translate(&request(&json!({}), &metrics), &translation);
    assert_eq!(show(&batch), ["good 1"]);
    assert_eq!((decoded.points, decoded.points_refused), (5, 4));
    let reasons: Vec<SkipReason> = decoded.stats.skipped.iter().map(|(reason, _)| reason).collect();
    assert_eq!(
        reasons,
        [
            SkipReason::NoMetricName,
            SkipReason::EmptyLabelName,
            SkipReason::NoSamples,
            SkipReason::InvalidHistogram
        ]
    );
}

#[test]
fn wrong_json_is_explained() {
    for (body, expected) in [
        ("{", "invalid JSON"),
        ("[]", "\"the request\" should be an object"),
        (r#"{"resourceMetrics":[{"resource":3}]}"#, "\"resource\" should be an object"),
        (
            r#"{"resourceMetrics":{"scopeMetrics":{"metrics":{"name":1}}}}"#,
            "\"name\" should be a string",
        ),
        (
            r#"{"resourceMetrics":{"scopeMetrics":{"metrics":{"sum":{"dataPoints":{"asInt":"x"}}}}}}"#,
            "\"asInt\" should be a whole number",
        ),
    ] {
        let error = from_json(body.as_bytes()).expect_err(body).to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(from_json(br#"{"unknown":1}"#).expect("is a request"), b"");
}

#[test]
fn answers_have_the_fields_of_the_protocol() {
    let mut out = Vec::new();
    put_partial_success(&mut out, 300, "no");
    assert_eq!(out, [0x0a, 7, 0x08, 0xac, 0x02, 0x12, 2, b'n', b'o']);
    out.clear();
    put_status(&mut out, Status::Unavailable, "no");
    assert_eq!(out, [0x08, 14, 0x12, 2, b'n', b'o']);
}

fn everything() -> Vec<u8> {
    let exponential =
        json!({ "count": "3", "scale": 9, "positive": { "offset": 3, "bucketCounts": [1, 2] } });
    let mut metrics = explicit();
    metrics.as_array_mut().expect("is a list").extend([
        metric(
            "n",
            "s",
            "sum",
            json!({ "aggregationTemporality": 2, "isMonotonic": true }),
            json!({ "asInt": 1 }),
        ),
        metric("e", "", "exponentialHistogram", cumulative(), exponential),
        metric("s", "", "summary", json!({}), json!({ "quantileValues": [{ "quantile": 1 }] })),
    ]);
    from_json(request(&service(), &metrics).to_string().as_bytes()).expect("is a request")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_the_decoder_panic(
        at in any::<usize>(),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
        cut in any::<usize>(),
        nhcb: bool,
    ) {
        let mut body = everything();
        let at = at % body.len();
        let end = (at + bytes.len()).min(body.len());
        body.splice(at..end, bytes);
        if cut % 3 == 0 {
            body.truncate(cut % body.len());
        }
        let translation = Translation { convert_histograms_to_nhcb: nhcb, ..Translation::default() };
        let mut batch = WriteBatch::default();
        if let Ok(decoded) = decode(&body, &translation, &DecodeOptions::default(), &mut batch, None) {
            prop_assert!(decoded.points_refused <= decoded.points);
            prop_assert_eq!(decoded.stats.series, batch.series_count() as u64);
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut batch = WriteBatch::default();
        let options = DecodeOptions::default();
        if let Ok(decoded) = decode(&body, &Translation::default(), &options, &mut batch, None) {
            prop_assert!(decoded.points_refused <= decoded.points);
        }
    }
}
