//! Tests that streams are the tenant's own, are bounded, and are forgotten.

use std::collections::BTreeSet;

use model::write::WriteBatch;
use tenancy::access::{Access, Scope, Tenants as Allowed};
use wire::{
    otlp::{Decoded, Translation, decode, from_json},
    remote_write::DecodeOptions,
    skipped::SkipReason,
};

use super::*;

fn access(agent: bool) -> Access {
    let acme = TenantId::new("acme").expect("is valid");
    let scope = if agent { Scope::Agent } else { Scope::MetricsWrite };
    Access {
        name: "caller".to_owned(),
        tenants: if agent { Allowed::Some([acme].into()) } else { Allowed::One(acme) },
        scopes: BTreeSet::from([scope]),
        node: None,
    }
}

/// What a counter without a start comes to for a caller, by its tenants' labels; and what became of
/// its points.
fn send(
    (streams, metrics): &(DeltaStreams, DeltaMetrics),
    access: &Access,
    tenants: &[&str],
    time: i64,
    now: i64,
) -> (Vec<f64>, Decoded) {
    let points: Vec<_> = tenants
        .iter()
        .map(|tenant| {
            let value = serde_json::json!({ "stringValue": tenant });
            serde_json::json!({
                "timeUnixNano": (time * 1_000_000).to_string(), "asInt": "2",
                "attributes": [{ "key": "tenant", "value": value }],
            })
        })
        .collect();
    let sum = serde_json::json!({
        "aggregationTemporality": 1, "isMonotonic": true, "dataPoints": points
    });
    let request = serde_json::json!({ "resourceMetrics": [{ "scopeMetrics": [{
        "metrics": [{ "name": "jobs", "sum": sum }]
    }]}]});
    let body = from_json(request.to_string().as_bytes()).expect("is a request");
    let owners = Batches::of(access).expect("may write");
    let options = DecodeOptions { lift: owners.lift(), ..DecodeOptions::default() };
    let mut deltas = OfRequest::new(streams, owners, Timestamp(now), metrics);
    let mut batch = WriteBatch::default();
    let decoded = decode(&body, &Translation::default(), &options, &mut batch, Some(&mut deltas));
    let values = batch.series().flat_map(|series| series.samples.iter().map(|s| s.value));
    (values.collect(), decoded.expect("decodes"))
}

fn streams(streams_max: usize) -> (DeltaStreams, DeltaMetrics) {
    let settings = Otlp { delta_streams_max: streams_max, ..Otlp::default() };
    (DeltaStreams::new(&settings), DeltaMetrics::default())
}

fn told(metrics: &DeltaMetrics, outcome: DeltaOutcome) -> u64 {
    metrics.points.get_or_create(&DeltaLabels { outcome }).get()
}

#[test]
fn a_stream_is_its_tenants_whoever_sends_it() {
    let all = streams(10);
    let own = access(false);
    assert_eq!(send(&all, &own, &["x"], 1, 0).0, [2.0]);
    assert_eq!(send(&all, &own, &["x"], 2, 0).0, [4.0]);
    // An agent's label names the tenant, and is no part of the series: another stream, of acme.
    let agent = access(true);
    assert_eq!(send(&all, &agent, &["acme"], 1, 0).0, [2.0]);
    // One that the agent may not write for has no streams.
    let (values, decoded) = send(&all, &agent, &["globex", "acme"], 2, 0);
    assert_eq!(values, [4.0]);
    assert_eq!(decoded.stats.skipped.get(SkipReason::Refused).map(|skip| skip.count), Some(1));
    assert_eq!(lock(&all.0.tenants).len(), 1);
    assert_eq!(all.1.streams.get(), 2);
    assert_eq!(told(&all.1, DeltaOutcome::Added), 4);
}

#[test]
fn what_is_dropped_is_counted_and_idle_streams_are_forgotten() {
    let all = streams(1);
    let own = access(false);
    let minute = 60_000;
    assert_eq!(send(&all, &own, &["x"], 5, 10 * minute).0, [2.0]);
    let (values, decoded) = send(&all, &own, &["y", "x"], 4, 10 * minute);
    assert_eq!((values.len(), decoded.points_refused), (0, 2));
    let skipped = |reason| decoded.stats.skipped.get(reason).map(|skip| skip.count);
    assert_eq!(skipped(SkipReason::DeltaStreams), Some(1));
    assert_eq!(skipped(SkipReason::DeltaOutOfOrder), Some(1));
    assert_eq!(told(&all.1, DeltaOutcome::OverLimit), 1);
    assert_eq!(told(&all.1, DeltaOutcome::OutOfOrder), 1);
    // The same point again is told again, not added.
    assert_eq!(send(&all, &own, &["x"], 5, 10 * minute).0, [2.0]);
    assert_eq!(told(&all.1, DeltaOutcome::Repeated), 1);
    // Five minutes and a sweep later there is room again.
    all.0.sweep(Timestamp(15 * minute), &all.1);
    assert_eq!(all.1.streams.get(), 1);
    all.0.sweep(Timestamp(16 * minute), &all.1);
    assert_eq!(all.1.streams.get(), 0);
    assert_eq!(send(&all, &own, &["y"], 6, 16 * minute).0, [2.0]);
    assert_eq!(all.1.streams.get(), 1);
    all.0.sweep(Timestamp(30 * minute), &all.1);
    assert!(lock(&all.0.tenants).is_empty());
    assert_eq!(all.1.streams.get(), 0);
}
