//! Tests of metrics as JSON.

use serde_json::json;

use super::families;

#[test]
fn families_have_the_shapes_of_their_types() {
    let text = "# HELP reqs Requests.\n# TYPE reqs counter\nreqs_total{code=\"200\"} 3\n\
                reqs_total{code=\"500\"} 1\n# TYPE room_bytes gauge\n# UNIT room_bytes bytes\n\
                room_bytes NaN\n# TYPE took histogram\ntook_bucket{le=\"0.5\"} 1\n\
                took_bucket{le=\"+Inf\"} 2\ntook_sum 1.5\ntook_count 2\n# EOF\n";
    let label = |code: &str| json!([{"name": "code", "value": code}]);
    assert_eq!(
        json!(families(text).unwrap()),
        json!([
            {"name": "reqs_total", "type": "COUNTER", "help": "Requests.", "metric": [
                {"label": label("200"), "counter": {"value": 3.0}},
                {"label": label("500"), "counter": {"value": 1.0}},
            ]},
            {"name": "room_bytes", "type": "GAUGE", "unit": "bytes", "metric": [
                {"gauge": {"value": "NaN"}},
            ]},
            {"name": "took", "type": "HISTOGRAM", "metric": [{"histogram": {
                "sampleCount": "2", "sampleSum": 1.5, "bucket": [
                    {"cumulativeCount": "1", "upperBound": 0.5},
                    {"cumulativeCount": "2", "upperBound": "Infinity"},
                ],
            }}]},
        ])
    );
}
