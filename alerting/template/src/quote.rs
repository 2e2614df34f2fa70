//! Strings and characters in quotes, as Go writes them.

use crate::format::Bounded;

/// The text of a string in double quotes. Bytes that are not UTF-8 become replacement characters.
pub(crate) fn unquote(quoted: &str) -> Option<String> {
    let mut rest = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        match next(&mut rest, '"')? {
            Unit::Byte(byte) => bytes.push(byte),
            Unit::Char(character) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The character of a constant in single quotes.
pub(crate) fn unquote_rune(quoted: &str) -> Option<char> {
    let mut rest = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
    let unit = next(&mut rest, '\'')?;
    match unit {
        _ if !rest.is_empty() => None,
        Unit::Byte(byte) => Some(char::from(byte)),
        Unit::Char(character) => Some(character),
    }
}

enum Unit {
    Byte(u8),
    Char(char),
}

/// Takes one character or escape.
fn next(rest: &mut &str, quote: char) -> Option<Unit> {
    let first = take(rest)?;
    if first != '\\' {
        return (first != quote && first != '\n').then_some(Unit::Char(first));
    }
    let escape = take(rest)?;
    Some(match escape {
        'a' => Unit::Char('\u{7}'),
        'b' => Unit::Char('\u{8}'),
        'f' => Unit::Char('\u{c}'),
        'n' => Unit::Char('\n'),
        'r' => Unit::Char('\r'),
        't' => Unit::Char('\t'),
        'v' => Unit::Char('\u{b}'),
        '\\' => Unit::Char('\\'),
        'x' => Unit::Byte(u8::try_from(digits(rest, 2, 16)?).ok()?),
        'u' => Unit::Char(char::from_u32(digits(rest, 4, 16)?)?),
        'U' => Unit::Char(char::from_u32(digits(rest, 8, 16)?)?),
        '0'..='7' => {
            let low = digits(rest, 2, 8)?;
            Unit::Byte(u8::try_from(escape.to_digit(8)? * 64 + low).ok()?)
        }
        _ if escape == quote => Unit::Char(quote),
        _ => return None,
    })
}

fn take(rest: &mut &str) -> Option<char> {
    let mut characters = rest.chars();
    let first = characters.next()?;
    *rest = characters.as_str();
    Some(first)
}

fn digits(rest: &mut &str, count: usize, radix: u32) -> Option<u32> {
    let mut value = 0;
    for _ in 0..count {
        value = value * radix + take(rest)?.to_digit(radix)?;
    }
    Some(value)
}

/// A string in double quotes with escapes, as `%q` prints it; `ascii` escapes all the rest too. It
/// ends early once it is past `most` bytes.
pub(crate) fn quote(text: &str, ascii: bool, most: usize) -> String {
    let mut quoted = Bounded::new(most);
    quoted.push('"');
    for character in text.chars() {
        if quoted.is_over() {
            break;
        }
        escape(&mut quoted, character, '"', ascii);
    }
    quoted.push('"');
    quoted.into_string()
}

/// A character in single quotes with escapes.
pub(crate) fn quote_rune(character: char, ascii: bool) -> String {
    let mut quoted = Bounded::new(usize::MAX);
    quoted.push('\'');
    escape(&mut quoted, character, '\'', ascii);
    quoted.push('\'');
    quoted.into_string()
}

fn escape(out: &mut Bounded, character: char, quote: char, ascii: bool) {
    let code = u32::from(character);
    match character {
        '\\' => out.push_str("\\\\"),
        _ if character == quote => {
            out.push('\\');
            out.push(character);
        }
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ if code < 0x20 || code == 0x7f => out.push_str(&format!("\\x{code:02x}")),
        _ if character.is_ascii() || (!ascii && is_printable(character)) => out.push(character),
        _ if code < 0x1_0000 => out.push_str(&format!("\\u{code:04x}")),
        _ => out.push_str(&format!("\\U{code:08x}")),
    }
}

/// Whether a character is shown as it is: Rust's own notion, which escapes what has no shape.
pub(crate) fn is_printable(character: char) -> bool {
    let spaces = character.is_whitespace() && character != ' ';
    !spaces && (character == '\'' || character == '"' || character.escape_debug().count() == 1)
}
