//! String literals in double quotes, single quotes or backticks.
//!
//! Source of the syntax: Prometheus' query language, "String literals" (escapes are Go's).

use std::{fmt, fmt::Write as _};

/// Reads a literal with its quotes. `None` when an escape is not valid or the result is not UTF-8.
pub(crate) fn unquote(literal: &str) -> Option<String> {
    let quote = literal.chars().next()?;
    let body = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    if quote == '`' {
        return (!body.contains('`')).then(|| body.to_owned());
    }
    if body.contains('\n') {
        return None;
    }
    if !body.contains('\\') {
        return Some(body.to_owned());
    }
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.chars();
    while let Some(character) = rest.next() {
        if character == '\\' {
            escape(&mut rest, quote, &mut bytes)?;
        } else {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    String::from_utf8(bytes).ok()
}

/// Decodes what follows a backslash.
fn escape(rest: &mut std::str::Chars<'_>, quote: char, bytes: &mut Vec<u8>) -> Option<()> {
    let simple = match rest.next()? {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        'x' => u8::try_from(digits(rest, 0, 2, 16)?).ok()?,
        'u' => return push_code_point(digits(rest, 0, 4, 16)?, bytes),
        'U' => return push_code_point(digits(rest, 0, 8, 16)?, bytes),
        octal @ '0'..='7' => u8::try_from(digits(rest, octal.to_digit(8)?, 2, 8)?).ok()?,
        same if same == quote => u8::try_from(quote).ok()?,
        _ => return None,
    };
    bytes.push(simple);
    Some(())
}

fn digits(rest: &mut std::str::Chars<'_>, first: u32, count: usize, radix: u32) -> Option<u32> {
    (0..count).try_fold(first, |value, _| {
        value.checked_mul(radix)?.checked_add(rest.next()?.to_digit(radix)?)
    })
}

fn push_code_point(code: u32, bytes: &mut Vec<u8>) -> Option<()> {
    bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

/// A string as a literal in double quotes.
pub(crate) use model::labels::Quoted;

/// A character as messages show it, in single quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedChar(pub(crate) char);

impl fmt::Display for QuotedChar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('\'')?;
        match self.0 {
            '\'' => f.write_str("\\'")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\x07' => f.write_str("\\a")?,
            '\x08' => f.write_str("\\b")?,
            '\x0b' => f.write_str("\\v")?,
            '\x0c' => f.write_str("\\f")?,
            control if control.is_ascii_control() => write!(f, "\\x{:02x}", control as u32)?,
            other => f.write_char(other)?,
        }
        f.write_char('\'')
    }
}
