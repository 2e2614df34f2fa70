//! The protocols that cross a network: frames between our own agent and aggregator, remote write 1
//! and 2, remote read, OTLP metrics, Envoy's access logs, the exposition formats, and the JSON of the Prometheus HTTP
//! API.
//!
//! Decoders borrow from the body they read and fill a [`model::write::WriteBatch`]; encoders and
//! writers append to a byte buffer. Everything is pure and total: any bytes decode to values or to
//! an error that says where and what is wrong, within [`limits::Limits`], and what is left out of
//! an accepted body is counted in [`skipped::Skipped`].

pub mod decode;
pub mod envoy;
pub mod exposition;
pub mod frames;
pub mod grpc;
pub mod limits;
pub mod otlp;
pub mod prometheus_json;
pub mod protobuf;
pub mod remote_read;
pub mod remote_write;
pub mod skipped;
pub mod targets;
pub mod time;

mod number;
mod packed;
mod series;
