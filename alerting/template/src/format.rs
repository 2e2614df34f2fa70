//! Printing as Go's package `fmt` does it.

mod bounded;
mod directive;
mod number;
mod one;

use crate::value::Value;
use directive::{Directive, Piece};
use one::Argument;

pub use bounded::Bounded;
pub use number::{general, shortest};

/// A value as `%v` prints it.
pub fn display(value: &Value) -> String {
    display_within(value, usize::MAX)
}

/// The same, ended once it is past `most` bytes.
pub(crate) fn display_within(value: &Value, most: usize) -> String {
    let mut out = Bounded::new(most);
    one::value(&mut out, &Directive::plain('v'), value);
    out.into_string()
}

/// The arguments one after another, with a space between two of which neither is a string. It ends
/// early once it is past `most` bytes.
pub fn sprint(args: &[Value], most: usize) -> String {
    let mut out = Bounded::new(most);
    let mut after_string = true;
    for (index, arg) in args.iter().enumerate() {
        let string = arg.as_str().is_some();
        if index > 0 && !string && !after_string {
            out.push(' ');
        }
        after_string = string;
        one::value(&mut out, &Directive::plain('v'), arg);
    }
    out.into_string()
}

/// The arguments with spaces between them and a line feed at the end. It ends early once it is past
/// `most` bytes.
pub fn sprintln(args: &[Value], most: usize) -> String {
    let mut out = Bounded::new(most);
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        one::value(&mut out, &Directive::plain('v'), arg);
    }
    out.push('\n');
    out.into_string()
}

/// The format with its verbs replaced by the arguments. What does not fit is said in the output
/// itself, such as `%!d(string=x)`. It ends early once it is past `most` bytes.
pub fn sprintf(format: &str, args: &[Value], most: usize) -> String {
    let mut out = Bounded::new(most);
    let mut reader = directive::Reader::new(format, args);
    while let Some(piece) = reader.next() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Note(note) => out.push_str(&note),
            Piece::Verb { note, directive } => {
                out.push_str(&note);
                match reader.argument(&directive) {
                    Argument::Value(value) => one::value(&mut out, &directive, value),
                    Argument::Missing => {
                        out.push_str(&format!("%!{}(MISSING)", directive.verb));
                    }
                    Argument::BadIndex => {
                        out.push_str(&format!("%!{}(BADINDEX)", directive.verb));
                    }
                }
            }
        }
        if out.is_over() {
            return out.into_string();
        }
    }
    extra(&mut out, reader.extra());
    out.into_string()
}

/// Says which arguments no verb took.
fn extra(out: &mut Bounded, values: &[Value]) {
    for (index, value) in values.iter().enumerate() {
        out.push_str(if index == 0 { "%!(EXTRA " } else { ", " });
        match value {
            Value::Nil => out.push_str("<nil>"),
            value => {
                out.push_str(value.type_name());
                out.push('=');
                one::value(out, &Directive::plain('v'), value);
            }
        }
    }
    if !values.is_empty() {
        out.push(')');
    }
}

#[cfg(test)]
mod tests;
