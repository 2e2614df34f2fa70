//! Others pull the last samples from us, in each format that they may ask for.

use std::sync::Arc;

use e2e::{
    peers,
    process::{free_port, wait_until},
    server::{ACME, GLOBEX, Server, client},
    write::{now, send},
};
use model::{
    columns::stale_nan,
    histogram::{Histogram, SCHEMA_CUSTOM, Span},
    labels::Labels,
    write::{HistogramSample, Sample, WriteBatch},
};
use reqwest::{StatusCode, header};
use wire::{
    exposition::{
        FamilyInfo, Format, Histograms, ParseError, Reading, Series, Value, Visitor,
        visit_protobuf, visit_text,
    },
    limits::Limits,
    remote_write::Version,
};

const PROTOBUF: &str = "application/vnd.google.protobuf;\
    proto=io.prometheus.client.MetricFamily;encoding=delimited";
const ALL: &str = "match[]={__name__=~%22fed.*%22}";

fn exponential(count: f64) -> Histogram {
    Histogram {
        schema: 2,
        count,
        sum: 10.0,
        zero_threshold: 0.001,
        zero_count: 1.0,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_buckets: vec![2.0, count - 3.0],
        ..Histogram::default()
    }
}

fn custom() -> Histogram {
    Histogram {
        schema: SCHEMA_CUSTOM,
        count: 6.0,
        sum: 7.5,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![1.0, 2.0, 3.0],
        custom_values: vec![0.5, 1.0],
        ..Histogram::default()
    }
}

/// One series of each kind; returns the time of their last samples.
fn seed(server: &Server) -> i64 {
    let end = now() - 1000;
    let mut batch = WriteBatch::default();
    let mut floats = |labels: &[(&str, &str)], samples: &[(i64, f64)]| {
        batch.begin_series(&mut labels.to_vec()).expect("is valid");
        for (time, value) in samples {
            batch.push_sample(Sample { time: *time, value: *value, start: 0 });
        }
    };
    floats(&[("__name__", "fed_plain"), ("instance", "i")], &[(end - 5000, 1.0), (end, 2.5)]);
    floats(&[("__name__", "fed.dots"), ("la.bel", "v")], &[(end, 3.0)]);
    floats(&[("__name__", "fed_old")], &[(end - 400_000, 1.0)]);
    floats(&[("__name__", "fed_stale")], &[(end - 5000, 1.0), (end, stale_nan())]);
    for (name, histogram) in [
        ("fed_native", exponential(9.0)),
        ("fed_float", exponential(9.5)),
        ("fed_custom", custom()),
    ] {
        batch.begin_series(&mut [("__name__", name), ("region", "us")]).expect("is valid");
        let value = Arc::new(histogram);
        batch.push_histogram(HistogramSample { time: end, value, start: 0 });
    }
    let answer = send(server, ACME, Version::V2, &batch);
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{:?}", answer.text());
    end
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Visitor for Lines {
    type Error = ParseError;

    fn family(&mut self, _family: &FamilyInfo<'_>) -> Result<(), ParseError> {
        Ok(())
    }

    fn created(&mut self, _series: &Series<'_>, _start: i64) -> Result<(), ParseError> {
        Ok(())
    }

    fn reading(&mut self, reading: Reading<'_>) -> Result<(), ParseError> {
        let labels = Labels::new(reading.series.labels()?).expect("is valid");
        let value = match &reading.value {
            Value::Float(value) => value.to_string(),
            Value::Histogram(histogram) => format!("{histogram:?}"),
        };
        self.0.push(format!("{labels} {value} @{}", reading.time.expect("is dated")));
        Ok(())
    }
}

/// What is served to a scraper that accepts this: content type and what our own reader makes of it.
fn served(server: &Server, accept: &str) -> (String, Vec<String>) {
    let request = server.request(reqwest::Method::GET, ACME, &format!("/federate?{ALL}"));
    let answer = request.header(header::ACCEPT, accept).send().expect("answers");
    assert_eq!(answer.status(), StatusCode::OK);
    let content_type = answer.headers()[header::CONTENT_TYPE].to_str().expect("is text").to_owned();
    let body = answer.bytes().expect("has a body");
    let mut lines = Lines::default();
    let limits = Limits::default();
    if content_type.starts_with("application/vnd.google.protobuf") {
        let wanted = Histograms { native: true, classic: false };
        visit_protobuf(&body, wanted, &limits, &mut lines).expect("reads back");
    } else {
        let format = Format::of_content_type(Some(&content_type));
        visit_text(format, &body, &limits, &mut lines).expect("reads back");
    }
    (content_type, lines.0)
}

#[test]
fn each_format_says_what_it_can() {
    let server = Server::start_with("external_labels = { region = \"eu\" }");
    let end = seed(&server);
    let floats = |dots: &str, label: &str| {
        let dotted = Labels::new([("__name__", dots), (label, "v"), ("region", "eu")]);
        let dotted = dotted.expect("is valid");
        let plain = format!("fed_plain{{instance=\"i\", region=\"eu\"}} 2.5 @{end}");
        [format!("{dotted} 3 @{end}"), plain]
    };
    let classic = |bound: &str, count: u8| {
        format!("fed_custom_bucket{{le=\"{bound}\", region=\"us\"}} {count} @{end}")
    };
    let native =
        |name: &str, histogram: &Histogram| format!("{name}{{region=\"us\"}} {histogram:?} @{end}");
    for (accept, expected_type, dots, label) in [
        (
            "",
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            "fed_dots",
            "la_bel",
        ),
        (
            "text/plain;version=1.0.0;escaping=allow-utf-8",
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            "fed.dots",
            "la.bel",
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=values",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values",
            "U__fed_2e_dots",
            "U__la_2e_bel",
        ),
        (PROTOBUF, "application/vnd.google.protobuf", "fed_dots", "la_bel"),
    ] {
        let (content_type, lines) = served(&server, accept);
        assert!(content_type.starts_with(expected_type), "{content_type}");
        let mut expected = floats(dots, label).to_vec();
        expected.extend([classic("0.5", 1), classic("1.0", 3), classic("+Inf", 6)]);
        expected.push(format!("fed_custom_count{{region=\"us\"}} 6 @{end}"));
        expected.push(format!("fed_custom_sum{{region=\"us\"}} 7.5 @{end}"));
        if accept == PROTOBUF {
            expected.push(native("fed_native", &exponential(9.0)));
            expected.push(native("fed_float", &exponential(9.5)));
        }
        let mut found = lines;
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{accept}");
    }
    // A series without an instance says so, and keeps the scraper from giving it its own.
    let text = server.get(ACME, "/federate", &[("match[]", "{\"fed.dots\"}")]).text().expect("is");
    assert!(text.contains("instance=\"\",region=\"eu\""), "{text}");
}

/// Prometheus pulls histograms and floats from one tenant's view and writes them to another's.
#[test]
fn a_real_prometheus_carries_native_histograms_from_us_to_us() {
    if peers::left_out("Prometheus: federation of native histograms") {
        return;
    }
    let server = Server::start();
    let dir = tempfile::tempdir().expect("is created");
    let port = free_port();
    let config = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs:\n\
         - job_name: federated\n  honor_labels: true\n  metrics_path: /federate\n\
         \x20 params: {{'match[]': ['{{__name__=~\"fed.*\"}}']}}\n\
         \x20 authorization: {{credentials: '{ACME}'}}\n\
         \x20 static_configs: [{{targets: ['127.0.0.1:{ours}']}}]\n\
         remote_write:\n- url: {write}\n  authorization: {{credentials: '{GLOBEX}'}}\n\
         \x20 send_native_histograms: true\n\
         \x20 queue_config: {{batch_send_deadline: 1s}}\n",
        ours = server.port,
        write = server.url("/api/v1/write"),
    );
    let args = ["--enable-feature=native-histograms"];
    let prometheus = peers::prometheus_with(dir.path(), port, &config, &args);
    let client = client();
    let theirs = |query: &str| -> Option<String> {
        let mut url = reqwest::Url::parse(&format!("http://127.0.0.1:{port}/api/v1/query")).ok()?;
        url.query_pairs_mut().append_pair("query", query);
        let body: serde_json::Value = client.get(url).send().ok()?.json().ok()?;
        body["data"]["result"].get(0)?["value"][1].as_str().map(str::to_owned)
    };
    for (query, expected) in [
        ("fed_plain{instance=\"i\"}", "2.5"),
        ("fed_dots{la_bel=\"v\",instance=\"\"}", "3"),
        ("histogram_count(fed_native)", "9"),
        ("histogram_sum(fed_native)", "10"),
        ("histogram_count(fed_float)", "9.5"),
        ("fed_custom_bucket{le=\"1.0\"}", "3"),
        ("fed_custom_count", "6"),
    ] {
        let found = wait_until("Prometheus to pull", || {
            // Again, because it writes on only what is younger than itself.
            seed(&server);
            theirs(query)
        });
        assert_eq!(found.as_deref(), Some(expected), "{query}\n{}", prometheus.output());
        let ours = wait_until("Prometheus to write", || {
            seed(&server);
            server.value(GLOBEX, query)
        });
        assert_eq!(ours.as_deref(), Some(expected), "{query} by remote write");
    }
    assert_eq!(theirs("fed_stale"), None);
    assert_eq!(theirs("fed_old"), None);
    let quantile = "histogram_quantile(0.5, fed_native)";
    assert_eq!(server.value(GLOBEX, quantile), server.value(ACME, quantile));
}
