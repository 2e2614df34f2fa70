//! Attributes: keys with values of any type, as text.
//!
//! ```text
//! KeyValue      string key = 1; AnyValue value = 2;
//! AnyValue      oneof { string_value = 1; bool_value = 2; int64 int_value = 3;
//!               double_value = 4; ArrayValue array_value = 5; KeyValueList kvlist_value = 6;
//!               bytes bytes_value = 7; }
//! ArrayValue    repeated AnyValue values = 1;
//! KeyValueList  repeated KeyValue values = 1;
//! ```
//!
//! Source: `opentelemetry/proto/common/v1/common.proto`; "Mapping Arbitrary Data to OTLP AnyValue"
//! and its "toString" for the text.

use std::{borrow::Cow, fmt::Write, str::from_utf8};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    limits::LimitExceeded,
    number::push_api_float,
    otlp::DecodeError,
    protobuf::{
        BYTES, FIXED64, VARINT,
        reader::{Corrupt, Reader, Result as Read},
        tag,
    },
    skipped::SkipReason,
};

/// Attributes of one resource, scope, data point or exemplar.
const ATTRIBUTES_MAX: usize = 256;
/// Lists and maps in each other.
const DEPTH_MAX: usize = 16;

/// Attributes in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes<'a> {
    pub(super) pairs: Vec<(&'a str, Cow<'a, str>)>,
    /// The first thing found wrong with them.
    pub(super) fault: Option<SkipReason>,
}

impl<'a> Attributes<'a> {
    /// Reads all attributes of a message whose field `number` they are.
    pub(super) fn read_from(
        &mut self,
        mut message: Reader<'a>,
        number: u32,
    ) -> Result<(), DecodeError> {
        while let Some(found) = message.tag()? {
            if found == tag(number, BYTES) {
                self.read(message.bytes()?)?;
            } else {
                message.skip(found)?;
            }
        }
        Ok(())
    }

    /// Reads one.
    pub(super) fn read(&mut self, message: Reader<'a>) -> Result<(), DecodeError> {
        if self.pairs.len() == ATTRIBUTES_MAX {
            let limit = ATTRIBUTES_MAX;
            return Err(LimitExceeded { what: "attributes in one place", limit }.into());
        }
        let (key, value) = read_pair(message)?;
        match key {
            Some(key) => {
                let value = value.map_or(Ok(Cow::Borrowed("")), value_text)?;
                self.pairs.push((key, value));
            }
            None => self.fault = self.fault.or(Some(SkipReason::InvalidUtf8)),
        }
        Ok(())
    }

    /// The value of the last attribute of that name.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().rev().find(|(found, _)| *found == key)?;
        Some(&found.1)
    }
}

/// The key, unless it is not UTF-8, and the value, unread.
fn read_pair(mut message: Reader<'_>) -> Read<(Option<&str>, Option<Reader<'_>>)> {
    const KEY: u32 = tag(1, BYTES);
    const VALUE: u32 = tag(2, BYTES);
    let (mut key, mut value) = (Some(""), None);
    while let Some(found) = message.tag()? {
        match found {
            KEY => key = from_utf8(message.bytes()?.rest()).ok(),
            VALUE => value = Some(message.bytes()?),
            _ => message.skip(found)?,
        }
    }
    Ok((key, value))
}

/// A value of any type. Where a message gives several members, the last one counts.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    None,
    Text(&'a [u8]),
    Bool(bool),
    Int(i64),
    Double(f64),
    List(Reader<'a>),
    Map(Reader<'a>),
    Bytes(&'a [u8]),
}

fn read_value(mut message: Reader<'_>) -> Read<Value<'_>> {
    let mut value = Value::None;
    while let Some(found) = message.tag()? {
        value = match (found >> 3, found & 7) {
            (1, BYTES) => Value::Text(message.bytes()?.rest()),
            (2, VARINT) => Value::Bool(message.varint()? != 0),
            (3, VARINT) => Value::Int(message.varint()? as i64),
            (4, FIXED64) => Value::Double(message.double()?),
            (5, BYTES) => Value::List(message.bytes()?),
            (6, BYTES) => Value::Map(message.bytes()?),
            (7, BYTES) => Value::Bytes(message.bytes()?.rest()),
            _ => {
                message.skip(found)?;
                value
            }
        };
    }
    Ok(value)
}

/// The value as text: lists and maps as JSON, bytes in base64. What is not UTF-8 is replaced.
fn value_text(message: Reader<'_>) -> Read<Cow<'_, str>> {
    Ok(match read_value(message)? {
        Value::None => Cow::Borrowed(""),
        Value::Text(bytes) => String::from_utf8_lossy(bytes),
        Value::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Value::Bytes(bytes) => Cow::Owned(BASE64_STANDARD.encode(bytes)),
        Value::Int(value) => Cow::Owned(value.to_string()),
        Value::Double(value) => {
            let mut text = Vec::new();
            push_api_float(&mut text, value);
            // JSON writers leave the leading zero of an exponent out.
            Cow::Owned(String::from_utf8_lossy(&text).replace("e-0", "e-"))
        }
        Value::List(_) | Value::Map(_) => {
            let mut json = String::new();
            put_json(&mut json, message, 0)?;
            Cow::Owned(json)
        }
    })
}

fn put_json(out: &mut String, message: Reader<'_>, depth: usize) -> Read<()> {
    if depth == DEPTH_MAX {
        let position = message.position();
        return Err(Corrupt { position, what: "an attribute is nested too deeply" });
    }
    match read_value(message)? {
        Value::None => out.push_str("null"),
        Value::List(list) => {
            out.push('[');
            for (number, value) in values(list)?.into_iter().enumerate() {
                out.push_str(if number == 0 { "" } else { "," });
                put_json(out, value, depth + 1)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            let mut pairs = Vec::new();
            for pair in values(map)? {
                let (key, value) = read_pair(pair)?;
                pairs.push((key.unwrap_or("\u{fffd}"), value));
            }
            pairs.sort_by_key(|(key, _)| *key);
            for (number, (key, value)) in pairs.into_iter().enumerate() {
                out.push_str(if number == 0 { "" } else { "," });
                put_quoted(out, key);
                out.push(':');
                match value {
                    Some(value) => put_json(out, value, depth + 1)?,
                    None => out.push_str("null"),
                }
            }
            out.push('}');
        }
        Value::Bool(_) | Value::Int(_) | Value::Double(_) => out.push_str(&value_text(message)?),
        Value::Text(_) | Value::Bytes(_) => put_quoted(out, &value_text(message)?),
    }
    Ok(())
}

/// The elements of a list or map, few enough for a label.
fn values(mut list: Reader<'_>) -> Read<Vec<Reader<'_>>> {
    const VALUES: u32 = tag(1, BYTES);
    let mut found = Vec::new();
    while let Some(tag) = list.tag()? {
        match tag {
            VALUES if found.len() < ATTRIBUTES_MAX => found.push(list.bytes()?),
            _ => list.skip(tag)?,
        }
    }
    Ok(found)
}

fn put_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a string cannot fail.
                write!(out, "\\u{:04x}", control as u32).ok();
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
