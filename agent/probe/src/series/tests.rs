//! Tests of names, labels and values.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{event::Target, labels::Labels, tenant::TenantId, time::Timestamp};

use super::*;
use crate::{
    outcome::{Outcome, Phases},
    prober::{Counters, ProbeId},
};

fn measurement(verdict: Verdict, http: bool) -> Measurement {
    let target = Target {
        tenant: TenantId::new("acme").expect("valid"),
        app: "shop".to_owned(),
        component: String::new(),
        instance: "shop-0".to_owned(),
        node: "n1".to_owned(),
    };
    let mut counters =
        Counters { successes: 5, unknown: 1, skipped: 2, late: 3, ..Counters::default() };
    counters.failures[3] = 4;
    Measurement {
        id: Arc::new(ProbeId { target, probe: "liveness".to_owned() }),
        time: Timestamp(1234),
        run: 1,
        http,
        outcome: Outcome {
            verdict,
            message: String::new(),
            duration: Duration::from_millis(250),
            phases: Phases { processing: Duration::from_millis(200), ..Phases::default() },
            status: Some(503),
            body_bytes: 7,
            redirects: 1,
            address: Some([10, 0, 0, 1].into()),
            fresh: true,
        },
        counters,
    }
}

fn written(measurement: &Measurement) -> BTreeMap<String, f64> {
    let mut batch = WriteBatch::default();
    write(measurement, &[("region", "fra1")], &mut batch).expect("valid labels");
    assert!(batch.series_count() <= SERIES_MAX);
    let series = batch.series().map(|series| {
        let labels = Labels::from_bytes(series.labels).expect("packed");
        assert_eq!(labels.get("region"), Some("fra1"));
        assert_eq!(labels.get("instance"), Some("shop-0"));
        assert_eq!(labels.get("tenant"), None, "the tenant is a partition, not a label");
        assert_eq!(series.samples.len(), 1);
        assert_eq!(series.samples[0].time, 1234);
        let short =
            labels.filter(|name| !["region", "instance", "app", "node", "probe"].contains(&name));
        (short.to_string(), series.samples[0].value)
    });
    series.collect()
}

#[test]
fn an_http_failure_has_blackbox_exporters_series() {
    let series = written(&measurement(Verdict::Failure(Class::Body), true));
    for (name, value) in [
        ("probe_success", 0.0),
        ("probe_duration_seconds", 0.25),
        ("probe_http_status_code", 503.0),
        ("probe_http_redirects", 1.0),
        ("probe_http_uncompressed_body_length", 7.0),
        ("probe_failed_due_to_regex", 1.0),
        ("probe_ip_protocol", 4.0),
        ("probe_dns_lookup_time_seconds", 0.0),
        ("probe_http_duration_seconds{phase=\"processing\"}", 0.2),
        ("probe_http_duration_seconds{phase=\"connect\"}", 0.0),
        ("probe_results_total{result=\"success\"}", 5.0),
        ("probe_results_total{class=\"timeout\", result=\"failure\"}", 4.0),
        ("probe_results_total{result=\"unknown\"}", 1.0),
        ("probe_skipped_total", 2.0),
        ("probe_late_total", 3.0),
    ] {
        assert_eq!(series.get(name), Some(&value), "{name} in {series:?}");
    }
    assert_eq!(series.len(), 17, "{series:?}");
}

#[test]
fn a_tcp_success_has_no_http_series() {
    let series = written(&measurement(Verdict::Success, false));
    assert_eq!(series.get("probe_success"), Some(&1.0));
    assert!(series.keys().all(|name| !name.contains("http") && !name.contains("regex")));
}

#[test]
fn what_is_unknown_says_nothing_of_the_target() {
    let series = written(&measurement(Verdict::Unknown, true));
    assert!(series.keys().all(|name| name.contains("_total")), "{series:?}");
    assert_eq!(series.get("probe_results_total{result=\"unknown\"}"), Some(&1.0));
}

#[test]
fn every_series_has_metadata() {
    let mut batch = WriteBatch::default();
    write_metadata(&mut batch);
    let described: Vec<&str> = batch.metadata().iter().map(|(name, _)| name.as_str()).collect();
    for name in written(&measurement(Verdict::Failure(Class::Body), true)).keys() {
        let metric = name.split('{').next().expect("a name");
        assert!(described.contains(&metric), "{metric}");
    }
}
