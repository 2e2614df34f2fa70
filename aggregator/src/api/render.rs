//! Answers of the engine as the JSON of Prometheus' API.

use model::{query::QueryError, time::Timestamp};
use promql::{Answer, Sample, Value};
use wire::prometheus_json::{
    Annotations, Matrix, ResultType, Vector, write_query_data, write_scalar, write_success,
    write_text_result,
};

/// The warning of an answer that was cut.
pub(super) const TRUNCATED: &str = "results truncated due to limit";

/// Elements of a vector that are written between two questions whether somebody waits.
const ELEMENTS_PER_CHECK: usize = 1024;

/// A whole answer, cut to `limit` series when that is not zero. `stats` is JSON already. Ends once
/// `stop` says so.
pub(super) fn answer(
    mut answer: Answer,
    limit: usize,
    stats: Option<&[u8]>,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<u8>, QueryError> {
    if limit > 0 && cut(&mut answer.value, limit) {
        answer.warnings.push(TRUNCATED.to_owned());
    }
    let annotations = Annotations { warnings: &answer.warnings, infos: &answer.infos };
    let mut out = Vec::with_capacity(4096);
    let mut written = Ok(());
    write_success(&mut out, annotations, |out| written = data(&answer.value, stats, out, stop));
    written.map(|()| out)
}

fn cut(value: &mut Value, limit: usize) -> bool {
    let before = match value {
        Value::Vector(elements) => {
            let before = elements.len();
            elements.truncate(limit);
            before
        }
        Value::Matrix(series) => {
            let before = series.len();
            series.truncate(limit);
            before
        }
        Value::Scalar(..) | Value::String(..) => 0,
    };
    before > limit
}

/// The `data` of an answer; of no use when it ended early.
pub(super) fn data(
    value: &Value,
    stats: Option<&[u8]>,
    out: &mut Vec<u8>,
    stop: &dyn Fn() -> bool,
) -> Result<(), QueryError> {
    let mut ended = false;
    match value {
        Value::Scalar(time, value) => write_query_data(out, ResultType::Scalar, stats, |out| {
            write_scalar(out, Timestamp(*time), *value);
        }),
        Value::String(time, text) => write_query_data(out, ResultType::String, stats, |out| {
            write_text_result(out, Timestamp(*time), text);
        }),
        Value::Vector(elements) => write_query_data(out, ResultType::Vector, stats, |out| {
            let mut vector = Vector::begin(out);
            for some in elements.chunks(ELEMENTS_PER_CHECK) {
                ended = ended || stop();
                for element in some.iter().take_while(|_| !ended) {
                    let time = Timestamp(element.time);
                    match &element.value {
                        Sample::Float(value) => vector.float(&element.labels, time, *value),
                        Sample::Histogram(value) => vector.histogram(&element.labels, time, value),
                    }
                }
            }
            vector.finish();
        }),
        Value::Matrix(all) => write_query_data(out, ResultType::Matrix, stats, |out| {
            let mut matrix = Matrix::begin(out);
            for series in all {
                ended = ended || stop();
                if ended {
                    break;
                }
                let floats = series.floats.iter().map(|(time, value)| (Timestamp(*time), *value));
                let histograms =
                    series.histograms.iter().map(|(time, value)| (Timestamp(*time), &**value));
                matrix.series(&series.labels, floats, histograms);
            }
            matrix.finish();
        }),
    }
    if ended { Err(QueryError::Cancelled) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
