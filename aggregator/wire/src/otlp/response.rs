//! What is answered to an export.
//!
//! ```text
//! ExportMetricsServiceResponse  ExportMetricsPartialSuccess partial_success = 1;
//! ExportMetricsPartialSuccess   int64 rejected_data_points = 1; string error_message = 2;
//! google.rpc.Status             int32 code = 1; string message = 2;
//! ```
//!
//! Source: "OpenTelemetry Protocol Specification", sections on OTLP/HTTP responses.

use crate::protobuf::writer::{put_message, put_string, put_varint};

/// Codes of `google.rpc.Code` that an export ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    InvalidArgument = 3,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// Appends the answer to an export that was taken, but for some data points.
pub fn put_partial_success(out: &mut Vec<u8>, rejected: u64, message: &str) {
    put_message(out, 1, |out| {
        put_varint(out, 1, rejected);
        put_string(out, 2, message);
    });
}

/// Appends the answer to an export that was refused.
pub fn put_status(out: &mut Vec<u8>, code: Status, message: &str) {
    put_varint(out, 1, code as u64);
    put_string(out, 2, message);
}
