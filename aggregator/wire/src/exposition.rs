//! The formats in which metrics are exposed: Prometheus text 0.0.4 and 1.0.0, OpenMetrics 1.0, and
//! protobuf.
//!
//! ```text
//! # HELP http_requests_total Requests served.
//! # TYPE http_requests_total counter
//! http_requests_total{code="200"} 1027 1395066363000          text: milliseconds
//! {"http.requests",code="200"} 1027                           a name that is no identifier
//! http_requests_total{code="200"} 1027 1395066363.0 # {trace_id="ab"} 0.3 1395066362.9
//! http_requests_created{code="200"} 1395000000.0              OpenMetrics: seconds, exemplar, start
//! # EOF                                                       OpenMetrics only
//! ```
//!
//! Sources: Prometheus' "Exposition formats" (0.0.4), its "UTF-8 support" proposal (1.0.0: names in
//! quotes, metric name inside the braces), and the OpenMetrics 1.0 specification.

mod attached;
mod created;
mod escape;
mod line;
mod negotiate;
mod nhcb;
mod parse;
mod protobuf;
mod visit;
mod writer;

pub use attached::Attached;
pub use escape::Escaping;
pub use negotiate::{Accepted, Exposition, Format};
pub use nhcb::Converter;
pub use parse::{ParseError, ParseOptions, parse};
pub use protobuf::{CONTENT_TYPE_PROTOBUF, Histograms, ProtobufWriter, visit_protobuf};
pub use visit::{FamilyInfo, FoundExemplar, Reading, Series, Value, Visitor, visit_text};
pub use writer::Writer;
