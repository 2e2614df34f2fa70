//! The functions that every template has.

mod compare;
mod escape;
mod index;

use crate::{format, value::Value};

/// A text as the value of a query in a URL: the function `urlquery`. It ends early once it is past
/// `most` bytes.
pub fn escape_query(text: &str, most: usize) -> String {
    escape::url_query(text, most)
}

/// Whether there is a predefined function of this name.
pub(crate) fn is_builtin(name: &str) -> bool {
    matches!(name, "and" | "or") || function(name).is_some()
}

/// Arguments, and the most bytes that may be printed.
type Function = fn(&[Value], usize) -> Result<Value, String>;

fn function(name: &str) -> Option<Function> {
    Some(match name {
        "call" => |_, _| Err("there are no function values to call".to_owned()),
        "eq" => |args, _| compare::eq(args).map(Value::Bool),
        "ge" => |args, _| two("ge", args, compare::ge),
        "gt" => |args, _| two("gt", args, compare::gt),
        "html" => |args, most| escaped(args, most, escape::html),
        "index" => |args, _| index::index(args),
        "js" => |args, most| escaped(args, most, escape::js),
        "le" => |args, _| two("le", args, compare::le),
        "len" => |args, _| match args {
            [value] => index::len(value).map(Value::Int),
            _ => wrong_number("len", "1", args),
        },
        "lt" => |args, _| two("lt", args, compare::lt),
        "ne" => |args, _| two("ne", args, |a, b| compare::equal(a, b).map(|equal| !equal)),
        "not" => |args, _| match args {
            [value] => Ok(Value::Bool(!value.is_true())),
            _ => wrong_number("not", "1", args),
        },
        "print" => |args, most| Ok(format::sprint(args, most).into()),
        "printf" => |args, most| match args {
            [format, rest @ ..] => match format.as_str() {
                Some(format) => Ok(format::sprintf(format, rest, most).into()),
                None => Err(wrong_type(format)),
            },
            [] => wrong_number("printf", "at least 1", args),
        },
        "println" => |args, most| Ok(format::sprintln(args, most).into()),
        "slice" => |args, _| index::slice(args),
        "urlquery" => |args, most| escaped(args, most, escape::url_query),
        _ => return None,
    })
}

/// Calls a predefined function.
pub(crate) fn call(name: &str, args: &[Value], most: usize) -> Result<Value, String> {
    match function(name) {
        Some(function) => function(args, most),
        None => Err(format!("function {name:?} not defined")),
    }
}

fn wrong_number(name: &str, want: &str, args: &[Value]) -> Result<Value, String> {
    Err(format!("wrong number of args for {name}: want {want} got {}", args.len()))
}

fn wrong_type(value: &Value) -> String {
    format!("wrong type for value; expected string; got {}", value.type_name())
}

fn two(
    name: &str,
    args: &[Value],
    compare: impl Fn(&Value, &Value) -> Result<bool, String>,
) -> Result<Value, String> {
    match args {
        [a, b] => compare(a, b).map(Value::Bool),
        _ => wrong_number(name, "2", args),
    }
}

/// What the arguments print, escaped.
fn escaped(
    args: &[Value],
    most: usize,
    escape: impl Fn(&str, usize) -> String,
) -> Result<Value, String> {
    let text = match args {
        [Value::String(text) | Value::Html(text)] => text.to_string(),
        _ => {
            let printed = args.iter().map(|value| match value {
                Value::Nil => Value::string("<no value>"),
                value => value.clone(),
            });
            format::sprint(&printed.collect::<Vec<_>>(), most)
        }
    };
    Ok(escape(&text, most).into())
}
