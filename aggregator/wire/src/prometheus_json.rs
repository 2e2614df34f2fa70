//! Writes the JSON of the Prometheus HTTP API straight into a byte buffer.
//!
//! Shapes, as in Prometheus' "HTTP API" documentation and `util/jsonutil`:
//!
//! ```text
//! scalar     [1435781451.781,"1"]
//! string     [1435781451.781,"foo"]
//! vector     [{"metric":{"__name__":"up"},"value":[1435781451.781,"1"]}, …]
//!            [{"metric":{},"histogram":[1435781451,{"count":"6","sum":"9","buckets":[…]}]}, …]
//! matrix     [{"metric":{},"values":[[1435781430.781,"1"], …],"histograms":[[t,{…}], …]}, …]
//! exemplars  [{"seriesLabels":{},"exemplars":[{"labels":{},"value":"6","timestamp":1600.5}]}, …]
//! metadata   {"up":[{"type":"gauge","help":"","unit":""}], …}
//! ```
//!
//! Nothing here can fail: any string is escaped, and floats that JSON lacks travel as strings.

mod envelope;
mod histogram;
mod result;
mod text;

pub use envelope::{ANNOTATIONS_MAX, Annotations, ErrorKind, write_error, write_success};
pub use histogram::write_histogram;
pub use result::{
    Matrix, ResultType, Vector, write_exemplars, write_metadata, write_query_data, write_scalar,
    write_text_result,
};
pub use text::{
    Comma, write_float, write_float_with_exponent, write_labels, write_list, write_string,
    write_strings, write_time,
};

#[cfg(test)]
mod tests;
