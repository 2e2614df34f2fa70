//! Tests of the rewriting, and of who gets what.

use super::{from_open_metrics, wants_open_metrics};

#[test]
fn samples_are_described_by_their_own_name() {
    let open = "# HELP jobs Jobs \\\"done\\\".\n# TYPE jobs counter\n\
        jobs_total{kind=\"a # b\\\"\"} 3 # {id=\"x\"} 1.0\n\
        # HELP build Version.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
        # HELP took_seconds Time.\n# TYPE took_seconds histogram\n# UNIT took_seconds seconds\n\
        took_seconds_sum 1.5\ntook_seconds_count 2\ntook_seconds_bucket{le=\"+Inf\"} 2 # {} 1\n\
        # TYPE odd unknown\nodd 1\n# EOF\n";
    assert_eq!(
        from_open_metrics(open),
        "# HELP jobs_total Jobs \"done\".\n# TYPE jobs_total counter\n\
         jobs_total{kind=\"a # b\\\"\"} 3\n\
         # HELP build_info Version.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
         # HELP took_seconds Time.\n# TYPE took_seconds histogram\n\
         took_seconds_sum 1.5\ntook_seconds_count 2\ntook_seconds_bucket{le=\"+Inf\"} 2\n\
         # TYPE odd untyped\nodd 1\n"
    );
}

#[test]
fn open_metrics_is_for_those_who_name_it() {
    for (accept, expected) in [
        (None, false),
        (Some("*/*"), false),
        (Some("text/plain;version=0.0.4"), false),
        (Some("application/openmetrics-text"), true),
        (Some("text/plain;q=0.5, Application/OpenMetrics-Text; version=1.0.0; q=0.8"), true),
        (Some("application/openmetrics-text;q=0, */*"), false),
    ] {
        assert_eq!(wants_open_metrics(accept), expected, "{accept:?}");
    }
}
