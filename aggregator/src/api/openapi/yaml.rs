//! JSON values as YAML text, in blocks. Texts are in double quotes, whose escapes YAML takes from JSON.
//!
//! Source: the YAML 1.2.2 specification, sections 5.7 and 7.3.1.

use serde_json::Value;

pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

/// Writes a value that begins on a line of its own.
fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                pad(indent, out);
                key(name, out);
                out.push(':');
                after(value, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                pad(indent, out);
                out.push('-');
                after(item, indent, out);
            }
        }
        other => {
            pad(indent, out);
            out.push_str(&other.to_string());
            out.push('\n');
        }
    }
}

/// Writes what follows a key or a dash.
fn after(value: &Value, indent: usize, out: &mut String) {
    let is_empty = match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    };
    if is_empty {
        out.push(' ');
        block(value, 0, out);
    } else {
        out.push('\n');
        block(value, indent + 2, out);
    }
}

/// A key stands without quotes where no reader of YAML can take it for something else.
fn key(name: &str, out: &mut String) {
    let is_word = name.len() > 1 && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    let means_more = matches!(
        name.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "nan" | "inf"
    );
    if is_word && !means_more {
        out.push_str(name);
    } else {
        out.push_str(&Value::from(name).to_string());
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}
