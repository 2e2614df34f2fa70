//! Prints one value by one verb.

use super::{
    Bounded,
    directive::Directive,
    number::{self, Digits},
};
use crate::{quote, value::Value};

/// What a verb prints.
pub(super) enum Argument<'a> {
    Value(&'a Value),
    Missing,
    BadIndex,
}

pub(super) fn value(out: &mut Bounded, directive: &Directive, value: &Value) {
    match directive.verb {
        'T' => return directive.pad(out, go_type(value)),
        'p' => return bad_verb(out, directive, value),
        _ => {}
    }
    match value {
        Value::Nil if directive.verb == 'v' => directive.pad(out, "<nil>"),
        Value::Nil => bad_verb(out, directive, value),
        Value::Bool(flag) if matches!(directive.verb, 'v' | 't') => {
            directive.pad(out, if *flag { "true" } else { "false" });
        }
        Value::Bool(_) => bad_verb(out, directive, value),
        Value::Int(number) => integer(out, directive, *number, value),
        Value::Float(number) => float(out, directive, *number, value),
        Value::String(text) | Value::Html(text) => string(out, directive, text, value),
        Value::Object(object) => string(out, directive, &object.text(), value),
        Value::List(list) => {
            let go = directive.verb == 'v' && directive.sharp;
            let (open, between, close) = if go { ("{", ", ", "}") } else { ("[", " ", "]") };
            if go {
                out.push_str(value.type_name());
            }
            out.push_str(open);
            for (index, item) in list.items().iter().enumerate() {
                if out.is_over() {
                    return;
                }
                if index > 0 {
                    out.push_str(between);
                }
                part(out, directive, item);
            }
            out.push_str(close);
        }
        Value::Map(map) => {
            let go = directive.verb == 'v' && directive.sharp;
            let (open, between, close) = if go { ("{", ", ", "}") } else { ("[", " ", "]") };
            out.push_str(if go { value.type_name() } else { "map" });
            out.push_str(open);
            for (index, (key, item)) in map.iter().enumerate() {
                if out.is_over() {
                    return;
                }
                if index > 0 {
                    out.push_str(between);
                }
                self::value(out, directive, &Value::string(key));
                out.push(':');
                part(out, directive, item);
            }
            out.push_str(close);
        }
    }
}

fn go_type(value: &Value) -> &str {
    if matches!(value, Value::Nil) { "<nil>" } else { value.type_name() }
}

/// `%!d(string=text)`, the value with all flags that were given.
fn bad_verb(out: &mut Bounded, directive: &Directive, value: &Value) {
    let verb = directive.verb;
    if matches!(value, Value::Nil) {
        out.push_str(&format!("%!{verb}(<nil>)"));
        return;
    }
    out.push_str(&format!("%!{verb}({}=", value.type_name()));
    self::value(out, &Directive { verb: 'v', ..directive.clone() }, value);
    out.push(')');
}

/// A part of a list or map.
fn part(out: &mut Bounded, directive: &Directive, value: &Value) {
    match value {
        Value::Nil if directive.verb == 'v' && directive.sharp => out.push_str("interface {}(nil)"),
        Value::Nil => out.push_str("<nil>"),
        value => self::value(out, directive, value),
    }
}

fn string(out: &mut Bounded, directive: &Directive, text: &str, value: &Value) {
    let cut = |text| match directive.precision {
        Some(most) => first(text, most),
        None => text,
    };
    let most = out.room();
    match directive.verb {
        'v' if directive.sharp => directive.pad(out, &quote::quote(text, false, most)),
        'v' | 's' => directive.pad(out, cut(text)),
        'q' => {
            let text = cut(text);
            let raw = |character: char| character == '\t' || !character.is_control();
            if directive.sharp && !text.contains('`') && text.chars().all(raw) {
                return directive.pad(out, &format!("`{text}`"));
            }
            directive.pad(out, &quote::quote(text, directive.plus, most));
        }
        'x' | 'X' => directive.pad(out, &hex(directive, text.as_bytes(), most)),
        _ => bad_verb(out, directive, value),
    }
}

/// The first `count` characters.
fn first(text: &str, count: usize) -> &str {
    let end = text.char_indices().nth(count).map_or(text.len(), |(place, _)| place);
    text.get(..end).unwrap_or(text)
}

/// The bytes in hexadecimal, separated by spaces if the flag says so. Ends once
/// it is past `most` bytes.
fn hex(directive: &Directive, bytes: &[u8], most: usize) -> String {
    let bytes = bytes.get(..directive.precision.unwrap_or(bytes.len())).unwrap_or(bytes);
    let upper = directive.verb == 'X';
    let prefix = match (directive.sharp, upper) {
        (false, _) => "",
        (true, false) => "0x",
        (true, true) => "0X",
    };
    let mut text = Bounded::new(most);
    for (index, byte) in bytes.iter().enumerate() {
        if text.is_over() {
            break;
        }
        let separated = directive.space && index > 0;
        if separated {
            text.push(' ');
        }
        if index == 0 || separated {
            text.push_str(prefix);
        }
        text.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
    }
    text.into_string()
}

fn integer(out: &mut Bounded, directive: &Directive, number: i64, value: &Value) {
    let magnitude = number.unsigned_abs();
    let (prefix, digits) = match directive.verb {
        'v' | 'd' => ("", magnitude.to_string()),
        'b' => (if directive.sharp { "0b" } else { "" }, format!("{magnitude:b}")),
        'o' => (if directive.sharp { "0" } else { "" }, format!("{magnitude:o}")),
        'O' => ("0o", format!("{magnitude:o}")),
        'x' => (if directive.sharp { "0x" } else { "" }, format!("{magnitude:x}")),
        'X' => (if directive.sharp { "0X" } else { "" }, format!("{magnitude:X}")),
        'c' | 'q' | 'U' => return rune(out, directive, number),
        _ => return bad_verb(out, directive, value),
    };
    if directive.precision == Some(0) && number == 0 {
        let blank = Directive { zero: false, ..directive.clone() };
        return blank.pad(out, "");
    }
    let sign = sign(directive, number < 0);
    let own = sign.len() + prefix.len();
    let wanted = match (directive.precision, directive.width) {
        (Some(precision), _) => precision,
        (None, Some(width)) if directive.zero && !directive.minus => width.saturating_sub(own),
        _ => 0,
    };
    let zeros = wanted.saturating_sub(digits.len());
    digits_padded(out, directive, &format!("{sign}{prefix}"), zeros, &Digits::plain(digits));
}

/// Sign, zeros and digits with spaces up to the width. Zeros are not collected before:
/// there may be more of them than there is room.
fn digits_padded(
    out: &mut Bounded,
    directive: &Directive,
    sign: &str,
    zeros: usize,
    digits: &Digits,
) {
    let length = sign.len().saturating_add(zeros).saturating_add(digits.len());
    let missing = directive.width.unwrap_or(0).saturating_sub(length);
    if !directive.minus {
        out.fill(' ', missing);
    }
    out.push_str(sign);
    out.fill('0', zeros);
    out.push_str(&digits.head);
    out.fill('0', digits.zeros);
    out.push_str(&digits.tail);
    if directive.minus {
        out.fill(' ', missing);
    }
}

fn sign(directive: &Directive, negative: bool) -> &'static str {
    match (negative, directive.plus, directive.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    }
}

fn rune(out: &mut Bounded, directive: &Directive, number: i64) {
    let found = u32::try_from(number).ok().and_then(char::from_u32);
    let character = found.unwrap_or(char::REPLACEMENT_CHARACTER);
    let plain = Directive { zero: false, ..directive.clone() };
    match directive.verb {
        'c' => plain.pad(out, &character.to_string()),
        'q' => plain.pad(out, &quote::quote_rune(character, directive.plus)),
        _ => {
            let shown = match found {
                Some(found) if directive.sharp && quote::is_printable(found) => {
                    format!("U+{number:04X} '{found}'")
                }
                _ => format!("U+{number:04X}"),
            };
            plain.pad(out, &shown);
        }
    }
}

fn float(out: &mut Bounded, directive: &Directive, number: f64, value: &Value) {
    let magnitude = number.abs();
    let six = directive.precision.unwrap_or(6);
    let mut digits = match directive.verb {
        'v' | 'g' | 'G' => Digits::plain(match directive.precision {
            Some(precision) => number::general(magnitude, precision),
            None => number::shortest(magnitude),
        }),
        'e' | 'E' => number::exponent(magnitude, six),
        'f' | 'F' => number::fixed(magnitude, six),
        'x' | 'X' => number::hexadecimal(magnitude, directive.precision),
        _ => return bad_verb(out, directive, value),
    };
    if !number.is_finite() {
        return not_finite(out, directive, number);
    }
    if matches!(directive.verb, 'E' | 'G' | 'X') {
        digits.make_uppercase();
    }
    let sign = sign(directive, number.is_sign_negative());
    let zeros = match directive.width {
        Some(width) if directive.zero && !directive.minus => {
            width.saturating_sub(sign.len() + digits.len())
        }
        _ => 0,
    };
    digits_padded(out, directive, sign, zeros, &digits);
}

/// Infinities always show their sign; nothing is padded with zeros.
fn not_finite(out: &mut Bounded, directive: &Directive, number: f64) {
    let plain = Directive { zero: false, ..directive.clone() };
    let text = match (number.is_nan(), directive.plus, directive.space) {
        (true, true, _) => "+NaN",
        (true, false, true) => " NaN",
        (true, false, false) => "NaN",
        (false, ..) if number < 0.0 => "-Inf",
        (false, false, true) => " Inf",
        (false, ..) => "+Inf",
    };
    plain.pad(out, text);
}
