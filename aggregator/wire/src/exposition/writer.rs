//! Writes an exposition, for federation and for tests.

use std::borrow::Cow;

use model::{
    exemplar::Exemplar,
    histogram::Histogram,
    labels::{Labels, METRIC_NAME, is_plain_label_name, is_plain_metric_name},
    metadata::{Metadata, MetricType},
    time::Timestamp,
};

use super::{Exposition, Format};
use crate::{
    number::{push_canonical_float, push_g_float, push_signed},
    prometheus_json::write_time,
};

/// Writes families one after another: samples of one metric must follow each other.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    exposition: Exposition,
    /// The family at hand.
    family: String,
}

impl<'a> Writer<'a> {
    pub fn begin(out: &'a mut Vec<u8>, exposition: Exposition) -> Self {
        Self { out, exposition, family: String::new() }
    }

    /// Opens a family: its `HELP`, `TYPE` and `UNIT` lines.
    pub fn describe(&mut self, metric: &str, metadata: &Metadata) {
        self.family.clear();
        self.family.push_str(metric);
        if !metadata.help.is_empty() {
            self.comment("# HELP ", metric);
            let quotes = self.exposition.format == Format::OpenMetrics;
            push_escaped(self.out, &metadata.help, quotes);
            self.out.push(b'\n');
        }
        self.comment("# TYPE ", metric);
        self.push(self.type_name(metadata.kind));
        self.out.push(b'\n');
        if !metadata.unit.is_empty() && self.exposition.format == Format::OpenMetrics {
            self.comment("# UNIT ", metric);
            self.push(&metadata.unit);
            self.out.push(b'\n');
        }
    }

    /// One sample of the family at hand. An exemplar is written where the format has them.
    pub fn sample(
        &mut self,
        labels: &Labels,
        value: f64,
        time: Option<Timestamp>,
        exemplar: Option<&Exemplar>,
    ) {
        self.line(labels.metric(), labels, None, value, time);
        if let Some(exemplar) = exemplar
            && self.exposition.format == Format::OpenMetrics
        {
            self.out.pop();
            self.push(" # {");
            let mut separator = "";
            for (name, value) in &exemplar.labels {
                self.label(separator, name, value);
                separator = ",";
            }
            self.push("} ");
            push_g_float(self.out, exemplar.value);
            self.out.push(b' ');
            write_time(self.out, exemplar.time);
            self.out.push(b'\n');
        }
    }

    /// One sample as federation gives it: of unknown type, under its full name. Opens a family
    /// when the metric is another than before. Nameless series are left out: returns whether it
    /// was written.
    pub fn untyped(&mut self, labels: &Labels, value: f64, time: Option<Timestamp>) -> bool {
        let metric = labels.metric();
        if metric.is_empty() {
            return false;
        }
        if metric != self.family {
            self.describe(metric, &Metadata::default());
        }
        self.sample(labels, value, time, None);
        true
    }

    /// A histogram with custom buckets as a classic one. Exponential histograms have no text form:
    /// returns whether it was written.
    pub fn histogram(
        &mut self,
        labels: &Labels,
        histogram: &Histogram,
        time: Option<Timestamp>,
    ) -> bool {
        let metric = labels.metric();
        if metric.is_empty() || !histogram.is_custom() {
            return false;
        }
        self.describe(metric, &Metadata { kind: MetricType::Histogram, ..Metadata::default() });
        let mut counts = vec![0.0; histogram.custom_values.len()];
        let mut index = 0i64;
        let mut buckets = histogram.positive_buckets.iter();
        for span in &histogram.positive_spans {
            index += i64::from(span.offset);
            for count in buckets.by_ref().take(span.length as usize) {
                let place = usize::try_from(index).ok().and_then(|index| counts.get_mut(index));
                if let Some(place) = place {
                    *place += count;
                }
                index += 1;
            }
        }
        let bucket = format!("{metric}_bucket");
        let mut cumulative = 0.0;
        let bounds = histogram.custom_values.iter().zip(counts);
        for (bound, count) in bounds {
            cumulative += count;
            self.line(&bucket, labels, Some(*bound), cumulative, time);
        }
        self.line(&bucket, labels, Some(f64::INFINITY), histogram.count, time);
        self.line(&format!("{metric}_sum"), labels, None, histogram.sum, time);
        self.line(&format!("{metric}_count"), labels, None, histogram.count, time);
        true
    }

    /// Ends the exposition.
    pub fn finish(self) {
        if self.exposition.format == Format::OpenMetrics {
            self.out.extend_from_slice(b"# EOF\n");
        }
    }

    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `# WORD metric `.
    fn comment(&mut self, word: &str, metric: &str) {
        self.push(word);
        let name = self.metric_name(metric);
        if is_plain_metric_name(&name) {
            self.push(&name);
        } else {
            self.quoted(&name);
        }
        self.out.push(b' ');
    }

    fn line(
        &mut self,
        metric: &str,
        labels: &Labels,
        bound: Option<f64>,
        value: f64,
        time: Option<Timestamp>,
    ) {
        let name = self.metric_name(metric).into_owned();
        let mut separator = "{";
        if is_plain_metric_name(&name) {
            self.push(&name);
        } else {
            self.push("{");
            self.quoted(&name);
            separator = ",";
        }
        for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
            self.label(separator, name, value);
            separator = ",";
        }
        if let Some(bound) = bound {
            self.push(separator);
            self.push("le=\"");
            push_canonical_float(self.out, bound);
            self.out.push(b'"');
            separator = ",";
        }
        self.push(if separator == "{" { " " } else { "} " });
        push_g_float(self.out, value);
        if let Some(time) = time {
            self.out.push(b' ');
            match self.exposition.format {
                Format::Text => push_signed(self.out, time.millis()),
                Format::OpenMetrics => write_time(self.out, time),
            }
        }
        self.out.push(b'\n');
    }

    fn label(&mut self, separator: &str, name: &str, value: &str) {
        self.push(separator);
        if is_plain_label_name(name) {
            self.push(name);
        } else if self.exposition.utf8_names {
            self.quoted(name);
        } else {
            let name = escape_name(name, b"_");
            self.push(&name);
        }
        self.out.push(b'=');
        self.quoted(value);
    }

    fn metric_name<'m>(&self, metric: &'m str) -> Cow<'m, str> {
        if self.exposition.utf8_names || is_plain_metric_name(metric) {
            Cow::Borrowed(metric)
        } else {
            Cow::Owned(escape_name(metric, b"_:"))
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        push_escaped(self.out, text, true);
        self.out.push(b'"');
    }

    fn type_name(&self, kind: MetricType) -> &'static str {
        let open = self.exposition.format == Format::OpenMetrics;
        match kind {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
            MetricType::Summary => "summary",
            MetricType::Unknown if open => "unknown",
            MetricType::GaugeHistogram if open => "gaugehistogram",
            MetricType::Info if open => "info",
            MetricType::StateSet if open => "stateset",
            // Text knows five types; an info or a state is a gauge to it.
            MetricType::Info | MetricType::StateSet => "gauge",
            MetricType::Unknown | MetricType::GaugeHistogram => "untyped",
        }
    }
}

/// Puts `_` wherever an identifier cannot have what stands there.
fn escape_name(name: &str, extra: &[u8]) -> String {
    let allowed = |char: char| {
        char.is_ascii_alphanumeric() || u8::try_from(char).is_ok_and(|byte| extra.contains(&byte))
    };
    let starts_with_digit = name.starts_with(|char: char| char.is_ascii_digit());
    let prefix = if starts_with_digit { "_" } else { "" };
    prefix.chars().chain(name.chars().map(|char| if allowed(char) { char } else { '_' })).collect()
}

/// The only escapes of these formats.
fn push_escaped(out: &mut Vec<u8>, text: &str, quotes: bool) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quotes => out.extend_from_slice(b"\\\""),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests;
