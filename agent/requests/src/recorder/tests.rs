//! Tests of what leaves the recorder, and that no tenant can break its bounds.

use std::{collections::BTreeMap, time::Duration};

use model::{
    columns::is_stale, labels::Labels, tenant::TenantId, time::Timestamp, write::WriteBatch,
};
use proptest::prelude::*;

use super::{InvalidOptions, Options, Recorded, Recorder, Stats};
use crate::entry::Entry;

fn entry(app: &'static str, code: u16) -> Entry<'static> {
    Entry {
        tenant: "acme",
        app,
        route: "/",
        method: "get",
        code,
        duration_micros: Some(20_000),
        ..Entry::default()
    }
}

fn recorder(options: Options) -> Recorder {
    Recorder::new(options).expect("are valid options")
}

/// Flushes, and gives one line of text for each series of a tenant.
fn flush(recorder: &mut Recorder, now: i64, tenant: &str) -> Vec<String> {
    let mut batches = BTreeMap::new();
    let written = recorder.flush(Timestamp(now), &mut batches);
    assert_eq!(written.series, batches.values().map(WriteBatch::series_count).sum::<usize>());
    let Some(batch) = batches.get(&TenantId::new(tenant).expect("is a tenant")) else {
        return Vec::new();
    };
    batch
        .series()
        .map(|series| {
            let labels = Labels::from_bytes(series.labels).expect("are packed labels");
            match (series.samples, series.histograms) {
                ([sample], []) if is_stale(sample.value) => format!("{labels} stale"),
                ([sample], []) => format!("{labels} {} since {}", sample.value, sample.start),
                ([], [sample]) if is_stale(sample.value.sum) => format!("{labels} stale"),
                ([], [sample]) => {
                    sample.value.validate().expect("is a valid histogram");
                    format!("{labels} histogram of {}", sample.value.count)
                }
                other => panic!("not one sample: {other:?}"),
            }
        })
        .collect()
}

#[test]
fn totals_run_on_from_tick_to_tick() {
    let common = vec![("node".to_owned(), "n1".to_owned())];
    let mut recorder = recorder(Options { common, classic: false, ..Options::default() });
    assert_eq!(flush(&mut recorder, 1_000, "acme"), Vec::<String>::new());
    for code in [200, 200, 503] {
        let entry =
            Entry { request_bytes: Some(10), response_bytes: Some(7), ..entry("shop", code) };
        assert_eq!(recorder.record(&entry), Recorded::Counted);
    }
    let labels = r#"app="shop", method="GET", node="n1""#;
    let series = |metric: &str, more: &str| {
        let (code, rest) = more.split_at(more.find(' ').expect("has a value"));
        let code = if code.is_empty() { String::new() } else { format!(", {code}") };
        format!("{metric}{{{labels}{code}, route=\"/\"}}{rest}")
    };
    let bytes = |metric: &str, rest: &str| format!("{metric}{{{labels}, route=\"/\"}} {rest}");
    let expect = |ok: u64, errors: u64, received: u64, sent: u64| {
        let sized = 3;
        vec![
            series("istio_requests_total", &format!("response_code=\"200\" {ok} since 1000")),
            series("istio_requests_total", &format!("response_code=\"503\" {errors} since 1000")),
            series(
                "istio_request_duration_milliseconds",
                &format!("response_code_class=\"2xx\" histogram of {ok}"),
            ),
            series(
                "istio_request_duration_milliseconds",
                &format!("response_code_class=\"5xx\" histogram of {errors}"),
            ),
            bytes("istio_request_bytes_sum", &format!("{received} since 1000")),
            bytes("istio_request_bytes_count", &format!("{sized} since 1000")),
            bytes("istio_response_bytes_sum", &format!("{sent} since 1000")),
            bytes("istio_response_bytes_count", &format!("{sized} since 1000")),
        ]
    };
    assert_eq!(flush(&mut recorder, 2_000, "acme"), expect(2, 1, 30, 21));
    assert_eq!(recorder.record(&entry("shop", 200)), Recorded::Counted);
    assert_eq!(flush(&mut recorder, 3_000, "acme"), expect(3, 1, 30, 21));
    assert_eq!(flush(&mut recorder, 4_000, "acme"), expect(3, 1, 30, 21));
}

#[test]
fn classic_buckets_are_cumulative() {
    let mut recorder = recorder(Options::default());
    assert_eq!(recorder.record(&entry("shop", 200)), Recorded::Counted);
    let lines = flush(&mut recorder, 0, "acme");
    let value = |part: &str| {
        let line = lines.iter().find(|line| line.contains(part)).expect("is there");
        line.rsplit("} ").next().expect("has a value").to_owned()
    };
    assert_eq!(value(r#"le="10""#), "0 since 0");
    assert_eq!(value(r#"le="25""#), "1 since 0");
    assert_eq!(value(r#"le="+Inf""#), "1 since 0");
    assert_eq!(value("milliseconds_count"), "1 since 0");
    assert_eq!(value("milliseconds_sum"), "20 since 0");
}

#[test]
fn a_request_without_a_latency_is_counted_all_the_same() {
    let mut recorder = recorder(Options::default());
    let entry = Entry { duration_micros: None, ..entry("shop", 0) };
    assert_eq!(recorder.record(&entry), Recorded::Counted);
    let expect = [
        r#"istio_requests_total{app="shop", method="GET", response_code="0", route="/"} 1 since 0"#,
    ];
    assert_eq!(flush(&mut recorder, 0, "acme"), expect);
}

#[test]
fn connections_are_counted_apart() {
    let mut recorder = recorder(Options::default());
    for bytes in [1, 2] {
        let (request_bytes, response_bytes) = (Some(bytes), Some(10 * bytes));
        let connection =
            Entry { connection: true, request_bytes, response_bytes, ..entry("db", 0) };
        assert_eq!(recorder.record(&connection), Recorded::Counted);
    }
    let expect = [
        r#"istio_tcp_connections_closed_total{app="db"} 2 since 0"#,
        r#"istio_tcp_received_bytes_total{app="db"} 3 since 0"#,
        r#"istio_tcp_sent_bytes_total{app="db"} 30 since 0"#,
    ];
    assert_eq!(flush(&mut recorder, 0, "acme"), expect);
}

#[test]
fn excess_is_counted_as_other() {
    let mut recorder = recorder(Options { kinds_max: 2, classic: false, ..Options::default() });
    for (app, expect) in [
        ("a", Recorded::Counted),
        ("b", Recorded::Counted),
        ("c", Recorded::Other),
        ("d", Recorded::Other),
        ("a", Recorded::Counted),
    ] {
        assert_eq!(recorder.record(&entry(app, 200)), expect, "{app}");
    }
    let lines = flush(&mut recorder, 0, "acme");
    let end =
        ["tidewatch_requests_other_total 2 since 0", "tidewatch_requests_other_kinds 2 since 0"];
    assert_eq!(lines[lines.len() - 2..], end);
    let other = r#"istio_requests_total{app="other", component="other", instance="other", method="other", response_code="200", route="other"} 2 since 0"#;
    assert!(lines.iter().any(|line| line == other), "{lines:#?}");
    assert_eq!(recorder.stats(), Stats { counted: 3, other: 2, ..Stats::default() });

    let other = Entry { tenant: "beta", ..entry("x", 200) };
    assert_eq!(recorder.record(&other), Recorded::Counted, "another tenant is not concerned");
}

#[test]
fn tenants_are_bounded_and_checked() {
    let mut recorder = recorder(Options { tenants_max: 1, ..Options::default() });
    assert_eq!(recorder.record(&entry("a", 200)), Recorded::Counted);
    let beta = Entry { tenant: "beta", ..entry("a", 200) };
    assert_eq!(recorder.record(&beta), Recorded::Dropped);
    let invalid = Entry { tenant: "../etc", ..entry("a", 200) };
    assert_eq!(recorder.record(&invalid), Recorded::Dropped);
    let expect = Stats { counted: 1, dropped_invalid_tenant: 1, dropped_tenants_max: 1, other: 0 };
    assert_eq!(recorder.stats(), expect);
}

#[test]
fn idle_kinds_end_and_make_room() {
    let idle = Duration::from_secs(10);
    let mut recorder = recorder(Options { kinds_max: 1, idle, ..Options::default() });
    recorder.record(&entry("a", 200));
    recorder.record(&entry("excess", 200));
    let series = flush(&mut recorder, 0, "acme").len();
    assert_eq!(flush(&mut recorder, 9_999, "acme").len(), series);
    let lines = flush(&mut recorder, 10_000, "acme");
    assert_eq!(lines.iter().filter(|line| line.ends_with("stale")).count(), series);
    assert_eq!(lines.len(), 2 * series, "the last values, then the end");
    assert_eq!(recorder.tenants().count(), 0);

    assert_eq!(recorder.record(&entry("b", 200)), Recorded::Counted);
    let lines = flush(&mut recorder, 11_000, "acme");
    assert!(lines[0].contains(r#"app="b""#) && lines[0].ends_with("1 since 10000"), "{lines:?}");
}

#[test]
fn codes_are_bounded() {
    let mut recorder = recorder(Options { classic: false, ..Options::default() });
    for code in 100..600 {
        recorder.record(&Entry { duration_micros: None, ..entry("a", code) });
    }
    recorder.record(&Entry { duration_micros: None, ..entry("a", 9999) });
    let lines = flush(&mut recorder, 0, "acme");
    assert_eq!(lines.len(), 33);
    assert!(lines[32].contains(r#"response_code="other""#) && lines[32].contains(" 469 since"));
}

#[test]
fn own_labels_cannot_be_common_ones() {
    let common = vec![("app".to_owned(), "x".to_owned())];
    let error = Recorder::new(Options { common, ..Options::default() }).map(|_| ()).unwrap_err();
    assert_eq!(error, InvalidOptions::Reserved { name: "app".to_owned() });
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let options = || Options { kinds_max: 2, ..Options::default() };
    let mut straight = recorder(options());
    for (app, code) in [("a", 200), ("a", 503), ("b", 200), ("c", 200), ("d", 204)] {
        straight.record(&Entry { response_bytes: Some(5), ..entry(app, code) });
    }
    flush(&mut straight, 1_000, "acme");
    let text = serde_json::to_string(&straight.save()).expect("is JSON");
    let mut restarted = recorder(options());
    restarted.restore(serde_json::from_str(&text).expect("is JSON")).expect("is whole");
    for recorder in [&mut straight, &mut restarted] {
        for app in ["a", "c"] {
            recorder.record(&entry(app, 200));
        }
    }
    let lines = flush(&mut straight, 2_000, "acme");
    assert_eq!(flush(&mut restarted, 2_000, "acme"), lines);
    assert!(lines.iter().any(|line| line.contains("other_total 3")), "{lines:#?}");

    let mut small = recorder(Options { kinds_max: 1, ..Options::default() });
    assert!(small.restore(straight.save()).is_err(), "bounds hold for what was saved as well");
}

proptest! {
    #[test]
    fn nothing_is_lost(
        requests in prop::collection::vec(("[ab]{1,2}", "\\PC{0,3}", any::<u16>(), any::<Option<u64>>()), 0..200),
        kinds_max in 0usize..20,
    ) {
        let mut recorder = recorder(Options { kinds_max, classic: false, ..Options::default() });
        let mut batches = BTreeMap::new();
        for (number, (app, route, code, duration_micros)) in requests.iter().enumerate() {
            let entry = Entry {
                tenant: "acme", app, route, code: *code, duration_micros: *duration_micros, ..Entry::default()
            };
            prop_assert_ne!(recorder.record(&entry), Recorded::Dropped);
            if number % 50 == 0 {
                recorder.flush(Timestamp(number as i64), &mut batches);
            }
        }
        batches.clear();
        recorder.flush(Timestamp(1_000), &mut batches);
        let (mut counted, mut timed) = (0.0, 0.0);
        for series in batches.values().flat_map(WriteBatch::series) {
            let labels = Labels::from_bytes(series.labels).expect("are packed labels");
            match labels.metric() {
                "istio_requests_total" => counted += series.samples[0].value,
                "istio_request_duration_milliseconds" => timed += series.histograms[0].value.count,
                _ => {}
            }
        }
        prop_assert_eq!(counted, requests.len() as f64);
        prop_assert_eq!(timed, requests.iter().filter(|request| request.3.is_some()).count() as f64);
    }
}
