//! Writes an exposition, for federation and for tests.

use model::{
    exemplar::Exemplar,
    histogram::Histogram,
    labels::{Labels, METRIC_NAME, is_plain_label_name, is_plain_metric_name},
    metadata::{Metadata, MetricType},
    time::Timestamp,
};

use super::{Attached, Exposition, Format};
use crate::{
    number::{push_canonical_float, push_g_float, push_signed},
    prometheus_json::write_time,
};

/// Writes families one after another: samples of one metric must follow each other.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    exposition: Exposition,
    attached: Attached<'a>,
    /// The family at hand, and its type.
    family: (String, MetricType),
}

impl<'a> Writer<'a> {
    pub fn begin(out: &'a mut Vec<u8>, exposition: Exposition) -> Self {
        Self::attaching(out, exposition, Attached::default())
    }

    /// Gives each series some more labels.
    pub fn attaching(out: &'a mut Vec<u8>, exposition: Exposition, attached: Attached<'a>) -> Self {
        Self { out, exposition, attached, family: (String::new(), MetricType::Unknown) }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> usize {
        self.out.len()
    }

    /// Opens a family: its `HELP`, `TYPE` and `UNIT` lines.
    pub fn describe(&mut self, metric: &str, metadata: &Metadata) {
        let (family, kind) = &mut self.family;
        family.clear();
        family.push_str(metric);
        *kind = metadata.kind;
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
        self.open(metric, MetricType::Unknown);
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
        self.open(metric, MetricType::Histogram);
        let bucket = format!("{metric}_bucket");
        for (bound, cumulative) in classic(histogram) {
            self.line(&bucket, labels, Some(bound), cumulative, time);
        }
        self.line(&bucket, labels, Some(f64::INFINITY), histogram.count, time);
        self.line(&format!("{metric}_sum"), labels, None, histogram.sum, time);
        self.line(&format!("{metric}_count"), labels, None, histogram.count, time);
        true
    }

    /// Opens a family that nothing else is known of, unless it is open.
    fn open(&mut self, metric: &str, kind: MetricType) {
        if (self.family.0.as_str(), self.family.1) != (metric, kind) {
            self.describe(metric, &Metadata { kind, ..Metadata::default() });
        }
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
        let name = self.exposition.escaping.metric(metric);
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
        let name = self.exposition.escaping.metric(metric);
        let mut separator = "{";
        if is_plain_metric_name(&name) {
            self.push(&name);
        } else {
            self.push("{");
            self.quoted(&name);
            separator = ",";
        }
        let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
        for (name, value) in own.chain(self.attached.missing_in(labels)) {
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
        let name = self.exposition.escaping.label(name);
        if is_plain_label_name(&name) {
            self.push(&name);
        } else {
            self.quoted(&name);
        }
        self.out.push(b'=');
        self.quoted(value);
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

/// The bounds of a histogram with custom buckets, but for +Inf, each with how many observations
/// are not above it.
pub(super) fn classic(histogram: &Histogram) -> impl Iterator<Item = (f64, f64)> {
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
    let mut cumulative = 0.0;
    histogram.custom_values.iter().zip(counts).map(move |(bound, count)| {
        cumulative += count;
        (*bound, cumulative)
    })
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
