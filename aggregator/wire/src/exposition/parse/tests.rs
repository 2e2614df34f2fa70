//! Tests of whole expositions.

use std::fmt::Write as _;

use model::{labels::Labels, time::Timestamp, write::WriteBatch};
use proptest::prelude::*;

use super::{Format, ParseError, ParseOptions, parse};
use crate::{
    decode::{DecodeOptions, DecodeStats},
    limits::Limits,
    skipped::SkipReason,
};

fn read(
    format: Format,
    text: &str,
    options: &ParseOptions<'_>,
) -> Result<(String, DecodeStats), ParseError> {
    let mut batch = WriteBatch::default();
    let stats = parse(format, text.as_bytes(), options, &mut batch)?;
    let mut shown = String::new();
    for series in batch.series() {
        let labels = Labels::from_bytes(series.labels).expect("is packed");
        for sample in series.samples {
            write!(shown, "{labels} {} @{}", sample.value, sample.time).expect("writes");
            if sample.start != 0 {
                write!(shown, " from {}", sample.start).expect("writes");
            }
        }
        for exemplar in series.exemplars {
            let (labels, value, time) = (&exemplar.labels, exemplar.value, exemplar.time);
            write!(shown, " # {labels} {value} {time}").expect("writes");
        }
        shown.push('\n');
    }
    for (metric, data) in batch.metadata() {
        writeln!(shown, "{metric}: {:?} {:?} {:?}", data.kind, data.help, data.unit)
            .expect("writes");
    }
    Ok((shown, stats))
}

fn shown(format: Format, text: &str) -> String {
    let options = ParseOptions { time: Timestamp(5), ..ParseOptions::default() };
    let (shown, stats) = read(format, text, &options).expect("parses");
    assert!(stats.skipped.is_empty(), "{}", stats.skipped);
    shown
}

fn fault(format: Format, text: &str) -> String {
    read(format, text, &ParseOptions::default()).expect_err("is refused").to_string()
}

#[test]
fn a_text_exposition() {
    let text = "\
# HELP http_requests_total The total.
# TYPE http_requests_total counter
http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000

# an aside
msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\F\"} 1.458255915e9
metric_without_timestamp 12.47
# TYPE rpc histogram
rpc_bucket{le=\"1\"} 2
rpc_bucket{le=\"+Inf\"} 3
rpc_sum 9
rpc_count 3
# TYPE q summary
q{quantile=\"1\"} NaN
other{le=\"1\"} 1
# HELP late Nothing of it yet.
";
    assert_eq!(
        shown(Format::Text, text),
        "\
http_requests_total{code=\"200\", method=\"post\"} 1027 @1395066363000
msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\F\"} 1458255915 @5
metric_without_timestamp 12.47 @5
rpc_bucket{le=\"1.0\"} 2 @5
rpc_bucket{le=\"+Inf\"} 3 @5
rpc_sum 9 @5
rpc_count 3 @5
q{quantile=\"1.0\"} NaN @5
other{le=\"1\"} 1 @5
http_requests_total: Counter \"The total.\" \"\"
rpc: Histogram \"\" \"\"
q: Summary \"\" \"\"
late: Unknown \"Nothing of it yet.\" \"\"
"
    );
}

#[test]
fn an_openmetrics_exposition() {
    let text = "\
# TYPE c counter
# UNIT c_seconds seconds
# TYPE c_seconds counter
# HELP c_seconds How \\\"long\\\".
c_seconds_total{a=\"1\"} 5 10.5 # {trace_id=\"x\"} 0.5
c_seconds_created{a=\"1\"} 1.25
c_seconds_total{a=\"2\"} 6 # {} 1 2
# TYPE h histogram
h_bucket{b=\"é\",le=\"1\"} 1
h_bucket{b=\"é\",le=\"+Inf\"} 2
h_count{b=\"é\"} 2
h_created{b=\"é\"} 7
# TYPE g_created gauge
g_created 1
# EOF
";
    assert_eq!(
        shown(Format::OpenMetrics, text),
        "\
c_seconds_total{a=\"1\"} 5 @10500 from 1250 # {trace_id=\"x\"} 0.5 10.500
c_seconds_total{a=\"2\"} 6 @5 # {} 1 2.000
h_bucket{b=\"é\", le=\"1.0\"} 1 @5 from 7000
h_bucket{b=\"é\", le=\"+Inf\"} 2 @5 from 7000
h_count{b=\"é\"} 2 @5 from 7000
g_created 1 @5
c: Counter \"\" \"\"
c_seconds: Counter \"How \\\"long\\\".\" \"seconds\"
h: Histogram \"\" \"\"
g_created: Gauge \"\" \"\"
"
    );
}

#[test]
fn names_in_quotes() {
    let text = "# TYPE \"http.requests\" counter\n{\"http.requests\",\"a b\"=\"c\"} 1\n";
    assert_eq!(
        shown(Format::Text, text),
        "{\"http.requests\", \"a b\"=\"c\"} 1 @5\nhttp.requests: Counter \"\" \"\"\n"
    );
}

#[test]
fn faults_name_their_line() {
    assert_eq!(fault(Format::Text, "a 1\nb x\n"), "line 2: \"x\" is not a number");
    assert_eq!(fault(Format::Text, "# TYPE a wrong\n"), "line 1: \"wrong\" is not a metric type");
    assert_eq!(fault(Format::OpenMetrics, "a 1\n"), "the last line is not '# EOF'");
    assert_eq!(fault(Format::OpenMetrics, ""), "line 1: expected a metric name");
    assert_eq!(fault(Format::OpenMetrics, "a 1\n\n# EOF\n"), "line 2: expected a metric name");
    assert_eq!(
        fault(Format::OpenMetrics, "# EOF\na 1\n"),
        "line 2: expected nothing after '# EOF'"
    );
    assert_eq!(
        fault(Format::OpenMetrics, "# TYPE a counter\na_created{ 1\n# EOF\n"),
        "line 2: expected a label name"
    );
    let bytes = b"a 1\nb{c=\"\xff\"} 1\n";
    let error = parse(Format::Text, bytes, &ParseOptions::default(), &mut WriteBatch::default());
    assert_eq!(error, Err(ParseError::NotUtf8 { line: 2 }));
}

#[test]
fn a_start_without_samples_is_counted() {
    let text = "# TYPE a counter\na_created 1\n# EOF\n";
    let (shown, stats) = read(Format::OpenMetrics, text, &ParseOptions::default()).expect("parses");
    assert_eq!(shown, "a: Counter \"\" \"\"\n");
    assert_eq!(stats.skipped.get(SkipReason::NoSamples).map(|skip| skip.count), Some(1));
}

#[test]
fn labels_of_the_target_are_added() {
    let text = "a{job=\"own\",exported_job=\"older\"} 1\nb{job=\"\"} 1\nc 1 99\n";
    let base = ParseOptions {
        labels: &[("job", "target"), ("instance", "i:1")],
        time: Timestamp(5),
        ignore_timestamps: true,
        ..ParseOptions::default()
    };
    assert_eq!(
        read(Format::Text, text, &base).expect("parses").0,
        "\
a{exported_exported_job=\"own\", exported_job=\"older\", instance=\"i:1\", job=\"target\"} 1 @5
b{instance=\"i:1\", job=\"target\"} 1 @5
c{instance=\"i:1\", job=\"target\"} 1 @5
"
    );
    let honor = ParseOptions { honor_labels: true, ..base };
    assert_eq!(
        read(Format::Text, text, &honor).expect("parses").0,
        "\
a{exported_job=\"older\", instance=\"i:1\", job=\"own\"} 1 @5
b{instance=\"i:1\"} 1 @5
c{instance=\"i:1\", job=\"target\"} 1 @5
"
    );
}

#[test]
fn limits_hold() {
    let limits = Limits { series: 2, labels_per_series: 2, ..Limits::default() };
    let decode = DecodeOptions { limits, ..DecodeOptions::default() };
    let options = ParseOptions { decode, ..ParseOptions::default() };
    let (_, stats) =
        read(Format::Text, "a{b=\"1\",c=\"2\"} 1\nd{b=\"1\"} 1\n", &options).expect("parses");
    assert_eq!(stats.series, 1);
    assert_eq!(stats.skipped.get(SkipReason::TooManyLabels).map(|skip| skip.count), Some(1));
    let refused = read(Format::Text, "a 1\na 2\na 3\n", &options).expect_err("is over the limit");
    assert_eq!(refused.to_string(), "the body exceeds the limit of 2 series");
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "# (HELP|TYPE|UNIT) [a-c]{1,2} (counter|histogram|summary|x)",
        "[a-c]{1,2}(_total|_created|_bucket|_sum)?(\\{(le|a)=\"[0-9.+]{1,3}\"\\})? [0-9]{1,3}( [0-9]{1,3})?",
        "[ -~]{0,20}",
        Just("# EOF".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Text, Format::OpenMetrics] {
            parse(format, &bytes, &ParseOptions::default(), &mut WriteBatch::default()).ok();
        }
    }

    #[test]
    fn lines_in_any_order_never_panic(lines in prop::collection::vec(line(), 0..12)) {
        let text = lines.join("\n");
        for format in [Format::Text, Format::OpenMetrics] {
            let mut batch = WriteBatch::default();
            let options = ParseOptions::default();
            if let Ok(stats) = parse(format, text.as_bytes(), &options, &mut batch) {
                prop_assert_eq!(stats.samples as usize, batch.sample_count());
            }
        }
    }
}
