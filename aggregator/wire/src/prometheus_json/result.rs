//! Results of queries: what stands in `data`.

use model::{
    exemplar::Exemplar,
    histogram::Histogram,
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
};

use super::{
    histogram::write_histogram,
    text::{Comma, write_float, write_labels, write_list, write_string, write_time},
};

/// What kind of result a query has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultType {
    Scalar,
    String,
    Vector,
    Matrix,
}

impl ResultType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
        }
    }
}

/// The data of a query: `{"resultType":…,"result":…,"stats":…}`. `stats` is JSON already.
pub fn write_query_data(
    out: &mut Vec<u8>,
    kind: ResultType,
    stats: Option<&[u8]>,
    result: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(b"{\"resultType\":\"");
    out.extend_from_slice(kind.as_str().as_bytes());
    out.extend_from_slice(b"\",\"result\":");
    result(out);
    if let Some(stats) = stats {
        out.extend_from_slice(b",\"stats\":");
        out.extend_from_slice(stats);
    }
    out.push(b'}');
}

/// A scalar result, which is also how one sample of a series is written: `[time,"value"]`.
pub fn write_scalar(out: &mut Vec<u8>, time: Timestamp, value: f64) {
    out.push(b'[');
    write_time(out, time);
    out.push(b',');
    write_float(out, value);
    out.push(b']');
}

/// A string result: `[time,"text"]`.
pub fn write_text_result(out: &mut Vec<u8>, time: Timestamp, text: &str) {
    out.push(b'[');
    write_time(out, time);
    out.push(b',');
    write_string(out, text);
    out.push(b']');
}

fn write_histogram_point(out: &mut Vec<u8>, time: Timestamp, histogram: &Histogram) {
    out.push(b'[');
    write_time(out, time);
    out.push(b',');
    write_histogram(out, histogram);
    out.push(b']');
}

/// Writes an instant vector, one sample a call.
#[derive(Debug)]
pub struct Vector<'a> {
    out: &'a mut Vec<u8>,
    comma: Comma,
}

impl<'a> Vector<'a> {
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, comma: Comma::default() }
    }

    fn metric(&mut self, labels: &Labels) {
        self.comma.put(self.out);
        self.out.extend_from_slice(b"{\"metric\":");
        write_labels(self.out, labels);
    }

    pub fn float(&mut self, labels: &Labels, time: Timestamp, value: f64) {
        self.metric(labels);
        self.out.extend_from_slice(b",\"value\":");
        write_scalar(self.out, time, value);
        self.out.push(b'}');
    }

    pub fn histogram(&mut self, labels: &Labels, time: Timestamp, histogram: &Histogram) {
        self.metric(labels);
        self.out.extend_from_slice(b",\"histogram\":");
        write_histogram_point(self.out, time, histogram);
        self.out.push(b'}');
    }

    pub fn finish(self) {
        self.out.push(b']');
    }
}

/// Writes a range matrix, one series a call.
#[derive(Debug)]
pub struct Matrix<'a> {
    out: &'a mut Vec<u8>,
    comma: Comma,
}

impl<'a> Matrix<'a> {
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, comma: Comma::default() }
    }

    /// Samples in order of time. A kind of sample that a series lacks is left out.
    pub fn series<'h>(
        &mut self,
        labels: &Labels,
        floats: impl IntoIterator<Item = (Timestamp, f64)>,
        histograms: impl IntoIterator<Item = (Timestamp, &'h Histogram)>,
    ) {
        self.comma.put(self.out);
        self.out.extend_from_slice(b"{\"metric\":");
        write_labels(self.out, labels);
        let mut floats = floats.into_iter().peekable();
        if floats.peek().is_some() {
            self.out.extend_from_slice(b",\"values\":");
            write_list(self.out, floats, |out, (time, value)| write_scalar(out, time, value));
        }
        let mut histograms = histograms.into_iter().peekable();
        if histograms.peek().is_some() {
            self.out.extend_from_slice(b",\"histograms\":");
            write_list(self.out, histograms, |out, (time, value)| {
                write_histogram_point(out, time, value);
            });
        }
        self.out.push(b'}');
    }

    pub fn finish(self) {
        self.out.push(b']');
    }
}

/// The data of an exemplar query.
pub fn write_exemplars<'a>(
    out: &mut Vec<u8>,
    series: impl IntoIterator<Item = (&'a Labels, &'a [Exemplar])>,
) {
    write_list(out, series, |out, (labels, exemplars)| {
        out.extend_from_slice(b"{\"seriesLabels\":");
        write_labels(out, labels);
        out.extend_from_slice(b",\"exemplars\":");
        write_list(out, exemplars, |out, exemplar| {
            out.extend_from_slice(b"{\"labels\":");
            write_labels(out, &exemplar.labels);
            out.extend_from_slice(b",\"value\":");
            write_float(out, exemplar.value);
            out.extend_from_slice(b",\"timestamp\":");
            write_time(out, exemplar.time);
            out.push(b'}');
        });
        out.push(b'}');
    });
}

/// The data of a metadata query: for each metric, all that is said of it.
pub fn write_metadata<'a>(
    out: &mut Vec<u8>,
    metrics: impl IntoIterator<Item = (&'a str, &'a [Metadata])>,
) {
    out.push(b'{');
    let mut comma = Comma::default();
    for (metric, descriptions) in metrics {
        comma.put(out);
        write_string(out, metric);
        out.push(b':');
        write_list(out, descriptions, |out, description| {
            out.extend_from_slice(b"{\"type\":\"");
            out.extend_from_slice(type_name(description.kind).as_bytes());
            out.extend_from_slice(b"\",\"help\":");
            write_string(out, &description.help);
            out.extend_from_slice(b",\"unit\":");
            write_string(out, &description.unit);
            out.push(b'}');
        });
    }
    out.push(b'}');
}

fn type_name(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Unknown => "unknown",
        MetricType::Counter => "counter",
        MetricType::Gauge => "gauge",
        MetricType::Histogram => "histogram",
        MetricType::GaugeHistogram => "gaugehistogram",
        MetricType::Summary => "summary",
        MetricType::Info => "info",
        MetricType::StateSet => "stateset",
    }
}
