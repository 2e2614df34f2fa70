//! Printing as Go's package `fmt` does it.

mod directive;
mod number;
mod one;

use crate::value::Value;
use directive::{Directive, Piece};
use one::Argument;

pub use number::{exponent, fixed, general, hexadecimal, shortest};

/// A value as `%v` prints it.
pub fn display(value: &Value) -> String {
    let mut out = String::new();
    one::value(&mut out, &Directive::plain('v'), value);
    out
}

/// The arguments one after another, with a space between two of which neither is a string.
pub fn sprint(args: &[Value]) -> String {
    let mut out = String::new();
    let mut after_string = true;
    for (index, arg) in args.iter().enumerate() {
        let string = arg.as_str().is_some();
        if index > 0 && !string && !after_string {
            out.push(' ');
        }
        after_string = string;
        one::value(&mut out, &Directive::plain('v'), arg);
    }
    out
}

/// The arguments with spaces between them and a line feed at the end.
pub fn sprintln(args: &[Value]) -> String {
    let mut out = args.iter().map(display).collect::<Vec<_>>().join(" ");
    out.push('\n');
    out
}

/// The format with its verbs replaced by the arguments. What does not fit is said in the output
/// itself, such as `%!d(string=x)`. It ends early once it is past `most` bytes.
pub fn sprintf(format: &str, args: &[Value], most: usize) -> String {
    let mut out = String::with_capacity(format.len());
    let mut reader = directive::Reader::new(format, args);
    while let Some(piece) = reader.next() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Note(note) => out.push_str(&note),
            Piece::Verb(directive) => match reader.argument(&directive) {
                Argument::Value(value) => one::value(&mut out, &directive, value),
                Argument::Missing => {
                    out.push_str(&format!("%!{}(MISSING)", directive.verb));
                }
                Argument::BadIndex => {
                    out.push_str(&format!("%!{}(BADINDEX)", directive.verb));
                }
            },
        }
        if out.len() > most {
            return out;
        }
    }
    let extra = reader.extra();
    if !extra.is_empty() {
        let extra: Vec<String> = extra
            .iter()
            .map(|value| match value {
                Value::Nil => "<nil>".to_owned(),
                value => format!("{}={}", value.type_name(), display(value)),
            })
            .collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests;
