//! Numbers for people, with four significant digits.

use template::{Value, format::general};

use super::moment;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// A number, also from a string or a duration.
pub(super) fn float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::String(text) | Value::Html(text) => {
            text.parse().map_err(|_| format!("can't convert {text:?} to float"))
        }
        Value::Object(object) if object.type_name() == moment::DURATION => {
            match object.field("Seconds") {
                Some(Value::Float(seconds)) => Ok(seconds),
                _ => Err("can't convert this duration to float".to_owned()),
            }
        }
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

fn four(value: f64) -> String {
    general(value, 4)
}

/// Divides while the value is too large for its prefix.
fn scaled_down(mut value: f64, base: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        prefix = next;
        value /= base;
    }
    (value, prefix)
}

/// Multiplies while the value is too small for its prefix.
fn scaled_up(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    (value, prefix)
}

/// With decimal prefixes.
pub(super) fn number(value: &Value) -> Result<String, String> {
    let value = float(value)?;
    if value == 0.0 || !value.is_finite() {
        return Ok(four(value));
    }
    let (value, prefix) =
        if value.abs() >= 1.0 { scaled_down(value, 1000.0, LARGE) } else { scaled_up(value) };
    Ok(format!("{}{prefix}", four(value)))
}

/// With binary prefixes.
pub(super) fn binary(value: &Value) -> Result<String, String> {
    let value = float(value)?;
    if value.abs() <= 1.0 || !value.is_finite() {
        return Ok(four(value));
    }
    let (value, prefix) = scaled_down(value, 1024.0, BINARY);
    Ok(format!("{}{prefix}", four(value)))
}

/// A ratio as a percentage.
pub(super) fn percentage(value: &Value) -> Result<String, String> {
    Ok(format!("{}%", four(float(value)? * 100.0)))
}

/// Seconds as days, hours, minutes and seconds.
pub(super) fn duration(value: &Value) -> Result<String, String> {
    let value = float(value)?;
    if !value.is_finite() {
        return Ok(four(value));
    }
    if value == 0.0 {
        return Ok(format!("{}s", four(value)));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = scaled_up(value);
        return Ok(format!("{}{prefix}s", four(value)));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs() as i64;
    let (days, hours) = (whole / 86_400, whole / 3600 % 24);
    let (minutes, seconds) = (whole / 60 % 60, whole % 60);
    Ok(match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", four(value.abs())),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, ..) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    })
}

/// Seconds since the epoch as a date and time in UTC.
pub(super) fn timestamp(value: &Value) -> Result<String, String> {
    let value = float(value)?;
    if !value.is_finite() {
        return Ok(four(value));
    }
    Ok(template::format::display(&moment::time(value)?))
}
