//! Metrics of delta temporality on their way through the decoder, which adds them up.

use model::{metadata::MetricType, write::WriteBatch};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{metric, request, service, show};
use crate::{
    decode::DecodeOptions,
    otlp::{Deltas, Streams, Translation, decode, from_json},
};

#[derive(Default)]
struct OneTenant(Streams);

impl Deltas for OneTenant {
    fn of(&mut self, _lifted: Option<&str>, with: &mut dyn FnMut(&mut Streams, i64)) {
        with(&mut self.0, 0);
    }
}

fn delta() -> Value {
    json!({ "aggregationTemporality": 1 })
}

/// A metric of each kind that has a temporality, so many nanoseconds after 1970.
fn body(start: u64, time: u64) -> Vec<u8> {
    let sum = json!({ "aggregationTemporality": 1, "isMonotonic": true });
    let exponential = json!({
        "count": "3", "sum": 1.5, "scale": 10, "zeroCount": "1",
        "positive": { "offset": 5, "bucketCounts": ["1", "1"] },
    });
    let explicit = json!({
        "count": "7", "sum": 9.5, "explicitBounds": [0.5, 1], "bucketCounts": ["1", "4", "2"],
    });
    let mut metrics = json!([
        metric("c", "", "sum", sum, json!({ "asInt": 2 })),
        metric("u", "", "sum", delta(), json!({ "asDouble": -1.5 })),
        metric("h", "", "histogram", delta(), explicit),
        metric("e", "", "exponentialHistogram", delta(), exponential),
    ]);
    for metric in metrics.as_array_mut().expect("is a list") {
        for kind in ["sum", "histogram", "exponentialHistogram"] {
            if let Some(point) = metric[kind].get_mut("dataPoints") {
                point[0]["timeUnixNano"] = time.to_string().into();
                point[0]["startTimeUnixNano"] = start.to_string().into();
            }
        }
    }
    from_json(request(&service(), &metrics).to_string().as_bytes()).expect("is a request")
}

fn take(streams: &mut OneTenant, body: &[u8], nhcb: bool) -> Option<(WriteBatch, u64)> {
    let translation = Translation { convert_histograms_to_nhcb: nhcb, ..Translation::default() };
    let mut batch = WriteBatch::default();
    let options = DecodeOptions::default();
    let decoded = decode(body, &translation, &options, &mut batch, Some(streams)).ok()?;
    Some((batch, decoded.points_refused))
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn every_kind_adds_up_and_keeps_its_type() {
    for nhcb in [false, true] {
        let mut streams = OneTenant::default();
        let (once, refused) = take(&mut streams, &body(SECOND, 2 * SECOND), nhcb).expect("decodes");
        assert_eq!(refused, 0);
        let (twice, refused) =
            take(&mut streams, &body(2 * SECOND, 3 * SECOND), nhcb).expect("decodes");
        assert_eq!(refused, 0);
        let kinds: Vec<MetricType> = twice.metadata().iter().map(|(_, m)| m.kind).collect();
        let (counter, histogram) = (MetricType::Counter, MetricType::Histogram);
        assert_eq!(kinds[..4], [counter, MetricType::Gauge, histogram, histogram]);
        // All is twice what it was; buckets are where they were.
        for (first, second) in once.series().zip(twice.series()) {
            let labels = first.labels;
            assert_eq!(labels, second.labels);
            for (first, second) in first.samples.iter().zip(second.samples) {
                let is_info = String::from_utf8_lossy(labels).contains("target_info");
                assert!(second.start <= 1000, "since the first point");
                assert_eq!(second.value, first.value * if is_info { 1.0 } else { 2.0 });
            }
            for (first, second) in first.histograms.iter().zip(second.histograms) {
                assert_eq!(second.start, 1000);
                assert_eq!(first.value.positive_spans, second.value.positive_spans);
                assert_eq!(second.value.count, first.value.count * 2.0);
                assert_eq!(second.value.sum, first.value.sum * 2.0);
                let doubled: Vec<f64> =
                    first.value.positive_buckets.iter().map(|count| count * 2.0).collect();
                assert_eq!(second.value.positive_buckets, doubled);
            }
        }
        // The same request again says the same again; an older one nothing.
        let again = take(&mut streams, &body(2 * SECOND, 3 * SECOND), nhcb).expect("decodes");
        assert_eq!((show(&again.0), again.1), (show(&twice), 0));
        let late = take(&mut streams, &body(2 * SECOND, 5 * SECOND / 2), nhcb).expect("decodes");
        assert_eq!(late.1, 4);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_makes_the_sums_panic(
        at in any::<usize>(),
        bytes in prop::collection::vec(any::<u8>(), 0..4),
        nhcb: bool,
    ) {
        let mut streams = OneTenant::default();
        let good = body(SECOND, 2 * SECOND);
        let mut bent = body(2 * SECOND, 3 * SECOND);
        let at = at % bent.len();
        let end = (at + bytes.len()).min(bent.len());
        bent.splice(at..end, bytes);
        for body in [&good, &bent, &good, &body(4 * SECOND, 5 * SECOND)] {
            take(&mut streams, body, nhcb);
        }
    }
}
