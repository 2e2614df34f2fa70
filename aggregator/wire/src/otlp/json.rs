//! Requests in JSON, written anew as protobuf so that there is one reader of what they mean.
//!
//! Source: "OpenTelemetry Protocol Specification", JSON Protobuf Encoding: protobuf's JSON mapping
//! with identifiers of traces and spans in hexadecimal, enums as numbers, and 64-bit numbers as
//! strings or numbers. Unknown fields are ignored.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{
    limits::LimitExceeded,
    protobuf::{
        FIXED64,
        writer::{put_bytes, put_double_always, put_message, put_tag, put_varint_always},
    },
};

/// Longest body. Parsed JSON takes many times the memory of its text.
const JSON_BYTES_MAX: usize = 16 << 20;

/// Why a body is not a request in JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("invalid JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    #[error("field {field:?} should be {expected}")]
    Field { field: &'static str, expected: &'static str },
    #[error(transparent)]
    TooMany(#[from] LimitExceeded),
}

/// How a field is written. A list of values is a repeated field.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Hex,
    Base64,
    Bool,
    /// `int32`, `int64`, `uint32`, `uint64` and enums.
    Int,
    /// `sint32`
    Zigzag,
    /// `fixed64` and `sfixed64`.
    Fixed,
    Double,
    Message(&'static [Field]),
}

/// Name in JSON, number, kind.
type Field = (&'static str, u32, Kind);

use Kind::{Base64, Bool, Double, Fixed, Hex, Int, Message, Text, Zigzag};

static REQUEST: [Field; 1] = [("resourceMetrics", 1, Message(&RESOURCE_METRICS))];
static RESOURCE_METRICS: [Field; 2] =
    [("resource", 1, Message(&RESOURCE)), ("scopeMetrics", 2, Message(&SCOPE_METRICS))];
static RESOURCE: [Field; 1] = [("attributes", 1, Message(&KEY_VALUE))];
static SCOPE_METRICS: [Field; 3] =
    [("scope", 1, Message(&SCOPE)), ("metrics", 2, Message(&METRIC)), ("schemaUrl", 3, Text)];
static SCOPE: [Field; 3] =
    [("name", 1, Text), ("version", 2, Text), ("attributes", 3, Message(&KEY_VALUE))];
static KEY_VALUE: [Field; 2] = [("key", 1, Text), ("value", 2, Message(&ANY_VALUE))];
static ANY_VALUE: [Field; 7] = [
    ("stringValue", 1, Text),
    ("boolValue", 2, Bool),
    ("intValue", 3, Int),
    ("doubleValue", 4, Double),
    ("arrayValue", 5, Message(&ARRAY)),
    ("kvlistValue", 6, Message(&KEY_VALUES)),
    ("bytesValue", 7, Base64),
];
static ARRAY: [Field; 1] = [("values", 1, Message(&ANY_VALUE))];
static KEY_VALUES: [Field; 1] = [("values", 1, Message(&KEY_VALUE))];
static METRIC: [Field; 8] = [
    ("name", 1, Text),
    ("description", 2, Text),
    ("unit", 3, Text),
    ("gauge", 5, Message(&NUMBERS)),
    ("sum", 7, Message(&NUMBERS)),
    ("histogram", 9, Message(&HISTOGRAMS)),
    ("exponentialHistogram", 10, Message(&EXPONENTIALS)),
    ("summary", 11, Message(&SUMMARIES)),
];
static NUMBERS: [Field; 3] = [
    ("dataPoints", 1, Message(&NUMBER)),
    ("aggregationTemporality", 2, Int),
    ("isMonotonic", 3, Bool),
];
static HISTOGRAMS: [Field; 2] =
    [("dataPoints", 1, Message(&HISTOGRAM)), ("aggregationTemporality", 2, Int)];
static EXPONENTIALS: [Field; 2] =
    [("dataPoints", 1, Message(&EXPONENTIAL)), ("aggregationTemporality", 2, Int)];
static SUMMARIES: [Field; 1] = [("dataPoints", 1, Message(&SUMMARY))];
static NUMBER: [Field; 7] = [
    ("startTimeUnixNano", 2, Fixed),
    ("timeUnixNano", 3, Fixed),
    ("asDouble", 4, Double),
    ("exemplars", 5, Message(&EXEMPLAR)),
    ("asInt", 6, Fixed),
    ("attributes", 7, Message(&KEY_VALUE)),
    ("flags", 8, Int),
];
static HISTOGRAM: [Field; 9] = [
    ("startTimeUnixNano", 2, Fixed),
    ("timeUnixNano", 3, Fixed),
    ("count", 4, Fixed),
    ("sum", 5, Double),
    ("bucketCounts", 6, Fixed),
    ("explicitBounds", 7, Double),
    ("exemplars", 8, Message(&EXEMPLAR)),
    ("attributes", 9, Message(&KEY_VALUE)),
    ("flags", 10, Int),
];
static EXPONENTIAL: [Field; 12] = [
    ("attributes", 1, Message(&KEY_VALUE)),
    ("startTimeUnixNano", 2, Fixed),
    ("timeUnixNano", 3, Fixed),
    ("count", 4, Fixed),
    ("sum", 5, Double),
    ("scale", 6, Zigzag),
    ("zeroCount", 7, Fixed),
    ("positive", 8, Message(&BUCKETS)),
    ("negative", 9, Message(&BUCKETS)),
    ("flags", 10, Int),
    ("exemplars", 11, Message(&EXEMPLAR)),
    ("zeroThreshold", 14, Double),
];
static BUCKETS: [Field; 2] = [("offset", 1, Zigzag), ("bucketCounts", 2, Int)];
static SUMMARY: [Field; 7] = [
    ("startTimeUnixNano", 2, Fixed),
    ("timeUnixNano", 3, Fixed),
    ("count", 4, Fixed),
    ("sum", 5, Double),
    ("quantileValues", 6, Message(&QUANTILE)),
    ("attributes", 7, Message(&KEY_VALUE)),
    ("flags", 8, Int),
];
static QUANTILE: [Field; 2] = [("quantile", 1, Double), ("value", 2, Double)];
static EXEMPLAR: [Field; 6] = [
    ("timeUnixNano", 2, Fixed),
    ("asDouble", 3, Double),
    ("spanId", 4, Hex),
    ("traceId", 5, Hex),
    ("asInt", 6, Fixed),
    ("filteredAttributes", 7, Message(&KEY_VALUE)),
];

/// The same request in protobuf.
pub fn from_json(body: &[u8]) -> Result<Vec<u8>, JsonError> {
    if body.len() > JSON_BYTES_MAX {
        return Err(LimitExceeded { what: "bytes of JSON", limit: JSON_BYTES_MAX }.into());
    }
    let mut out = Vec::with_capacity(body.len() / 2);
    put_fields(&mut out, &REQUEST, &serde_json::from_slice(body)?, "the request")?;
    Ok(out)
}

fn put_fields(
    out: &mut Vec<u8>,
    fields: &[Field],
    object: &Value,
    name: &'static str,
) -> Result<(), JsonError> {
    let Value::Object(object) = object else { return Err(wrong(name, "an object")) };
    for field in fields {
        match object.get(field.0) {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) => {
                values.iter().try_for_each(|value| put_field(out, field, value))?;
            }
            Some(value) => put_field(out, field, value)?,
        }
    }
    Ok(())
}

fn put_field(
    out: &mut Vec<u8>,
    &(name, number, kind): &Field,
    value: &Value,
) -> Result<(), JsonError> {
    let text = || value.as_str().ok_or(wrong(name, "a string"));
    match kind {
        Text => put_bytes(out, number, text()?.as_bytes()),
        Hex => {
            let bytes = unhex(text()?).ok_or(wrong(name, "hexadecimal"))?;
            put_bytes(out, number, &bytes);
        }
        Base64 => {
            let bytes = BASE64_STANDARD.decode(text()?).map_err(|_| wrong(name, "base64"))?;
            put_bytes(out, number, &bytes);
        }
        Bool => {
            let value = value.as_bool().ok_or(wrong(name, "true or false"))?;
            put_varint_always(out, number, value.into());
        }
        Int => {
            put_varint_always(out, number, integer(value).ok_or(wrong(name, "a whole number"))?);
        }
        Zigzag => {
            let value = integer(value).ok_or(wrong(name, "a whole number"))?;
            put_varint_always(out, number, codec::varint::zigzag(value as i64));
        }
        Fixed => {
            let value = integer(value).ok_or(wrong(name, "a whole number"))?;
            put_tag(out, number, FIXED64);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Double => {
            put_double_always(out, number, double(value).ok_or(wrong(name, "a number"))?);
        }
        Message(fields) => {
            let mut filled = Ok(());
            put_message(out, number, |out| filled = put_fields(out, fields, value, name));
            filled?;
        }
    }
    Ok(())
}

fn wrong(field: &'static str, expected: &'static str) -> JsonError {
    JsonError::Field { field, expected }
}

/// A whole number of 64 bits, signed or not, or a string with one.
fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => {
            text.parse().ok().or_else(|| text.parse::<i64>().ok().map(|value| value as u64))
        }
        other => other.as_u64().or_else(|| other.as_i64().map(|value| value as u64)),
    }
}

/// A number, or a string with one; JSON has no other way to write those that are not finite.
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| (byte as char).to_digit(16);
    let bytes = pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8));
    if rest.is_empty() { bytes.collect() } else { None }
}
