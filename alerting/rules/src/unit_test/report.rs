//! What is told of a difference, in promtool's layout.

use std::collections::BTreeMap;

use model::{
    histogram::{Histogram, Span},
    labels::{Labels, Quoted, is_plain_label_name},
};
use promql::{Sample, VectorElement};
use template::format::shortest;

use super::compare::{Wanted, WantedValue, buckets, hint};

/// Largest gap between buckets that is written out.
const GAP_MAX: i64 = 1000;

/// An alert as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AlertText {
    pub(super) labels: Vec<(String, String)>,
    pub(super) annotations: Vec<(String, String)>,
}

/// `{a="b", c="d"}`, the metric name among the labels.
fn braces<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let labels: Vec<String> = labels
        .map(|(name, value)| {
            if is_plain_label_name(name) {
                format!("{name}={}", Quoted(value))
            } else {
                format!("{}={}", Quoted(name), Quoted(value))
            }
        })
        .collect();
    format!("{{{}}}", labels.join(", "))
}

fn pairs(pairs: &[(String, String)]) -> String {
    braces(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// The lines of an alert.
pub(super) fn alert(AlertText { labels, annotations }: &AlertText) -> [String; 2] {
    [format!("Labels:{}", pairs(labels)), format!("Annotations:{}", pairs(annotations))]
}

/// What is missing (`-`), too much (`+`), and on both sides. Lines keep their order.
pub(super) fn diff(wanted: &[String], found: &[String]) -> String {
    let mut rest: Vec<&String> = found.iter().collect();
    let mut lines = vec!["        diff (-exp, +got):".to_owned()];
    for line in wanted {
        // Lines of what is found that come before stay in order.
        if let Some(place) = rest.iter().position(|found| *found == line) {
            lines.extend(rest.drain(..place).map(|line| format!("          + {line}")));
            rest.remove(0);
            lines.push(format!("            {line}"));
        } else {
            lines.push(format!("          - {line}"));
        }
    }
    lines.extend(rest.into_iter().map(|line| format!("          + {line}")));
    lines.join("\n")
}

/// Alerts, one below the other.
pub(super) fn alerts(alerts: &[AlertText]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let indent = " ".repeat(12);
    let each: Vec<String> = alerts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let [labels, annotations] = alert(text);
            format!("\n{indent}{index}:\n{indent}  {labels}\n{indent}  {annotations}")
        })
        .collect();
    format!("[{}\n{indent}]", each.join(","))
}

fn labels(labels: &Labels) -> String {
    braces(labels.iter())
}

/// Always with an exponent: `1E+00`.
fn float(value: f64) -> String {
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, power)) if value.is_finite() => {
            let (sign, digits) = match power.strip_prefix('-') {
                Some(digits) => ('-', digits),
                None => ('+', power),
            };
            format!("{mantissa}E{sign}{digits:0>2}")
        }
        _ => shortest(value),
    }
}

/// Samples, each as a line.
pub(super) fn found(samples: &[VectorElement]) -> Vec<String> {
    let each = samples.iter().map(|sample| match &sample.value {
        Sample::Float(value) => format!("{} {}", labels(&sample.labels), float(*value)),
        Sample::Histogram(value) => format!("{} {}", labels(&sample.labels), histogram(value)),
    });
    each.collect()
}

pub(super) fn wanted(samples: &[Wanted]) -> Vec<String> {
    let each = samples.iter().map(|sample| match &sample.value {
        WantedValue::Float(value) => format!("{} {}", labels(&sample.labels), float(*value)),
        WantedValue::Histogram { histogram: value, .. } => {
            format!("{} {}", labels(&sample.labels), histogram(value))
        }
    });
    each.collect()
}

/// Samples in one line.
pub(super) fn joined(texts: &[String]) -> String {
    if texts.is_empty() { "nil".to_owned() } else { texts.join(", ") }
}

/// A histogram in the notation of tests.
pub(super) fn histogram(histogram: &Histogram) -> String {
    let mut parts = Vec::new();
    if histogram.schema != 0 {
        parts.push(format!("schema:{}", histogram.schema));
    }
    for (name, value) in [
        ("count", histogram.count),
        ("sum", histogram.sum),
        ("z_bucket", histogram.zero_count),
        ("z_bucket_w", histogram.zero_threshold),
    ] {
        if value != 0.0 {
            parts.push(format!("{name}:{}", shortest(value)));
        }
    }
    if !histogram.custom_values.is_empty() {
        parts.push(format!("custom_values:{}", numbers(histogram.custom_values.iter().copied())));
    }
    if let Some(hint) = hint(histogram.reset_hint) {
        parts.push(format!("counter_reset_hint:{hint}"));
    }
    side(&mut parts, "", &histogram.positive_spans, &histogram.positive_buckets);
    side(&mut parts, "n_", &histogram.negative_spans, &histogram.negative_buckets);
    format!("{{{{{}}}}}", parts.join(" "))
}

fn numbers(numbers: impl Iterator<Item = f64>) -> String {
    let texts: Vec<String> = numbers.map(shortest).collect();
    format!("[{}]", texts.join(" "))
}

fn side(parts: &mut Vec<String>, prefix: &str, spans: &[Span], counts: &[f64]) {
    let filled: BTreeMap<i64, f64> = buckets(spans, counts);
    let (Some((first, _)), Some((last, _))) = (filled.first_key_value(), filled.last_key_value())
    else {
        return;
    };
    if *first != 0 {
        parts.push(format!("{prefix}offset:{first}"));
    }
    if last - first > GAP_MAX {
        // The notation has no gaps; this is for reading only.
        let each: Vec<String> =
            filled.iter().map(|(at, count)| format!("{at}={}", shortest(*count))).collect();
        parts.push(format!("{prefix}buckets:[{}]", each.join(" ")));
        return;
    }
    let all = (*first..=*last).map(|index| filled.get(&index).copied().unwrap_or(0.0));
    parts.push(format!("{prefix}buckets:{}", numbers(all)));
}
