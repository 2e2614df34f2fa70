//! The extent of string literals. Their escapes are checked here and decoded later.

use super::cursor::Cursor;

/// Reads the rest of a string whose opening quote has been read.
pub(super) fn scan(cursor: &mut Cursor<'_>, quote: char) -> Result<(), String> {
    let raw = quote == '`';
    loop {
        match cursor.next() {
            Some('\\') if !raw => scan_escape(cursor, quote)?,
            Some(char::REPLACEMENT_CHARACTER) => return Err("invalid UTF-8 rune".to_owned()),
            None if raw => return Err("unterminated raw string".to_owned()),
            None => return Err("unterminated quoted string".to_owned()),
            Some('\n') if !raw => return Err("unterminated quoted string".to_owned()),
            Some(character) if character == quote => return Ok(()),
            Some(_) => {}
        }
    }
}

fn scan_escape(cursor: &mut Cursor<'_>, quote: char) -> Result<(), String> {
    let unterminated = || "escape sequence not terminated".to_owned();
    let first = cursor.next().ok_or_else(unterminated)?;
    let (count, radix, max) = match first {
        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(()),
        same if same == quote => return Ok(()),
        '0'..='7' => {
            cursor.back();
            (3, 8, 255)
        }
        'x' => (2, 16, 255),
        'u' => (4, 16, u32::from(char::MAX)),
        'U' => (8, 16, u32::from(char::MAX)),
        other => return Err(format!("unknown escape sequence {}", code_point(other))),
    };
    let mut value = 0u32;
    for _ in 0..count {
        let character = cursor.next().ok_or_else(unterminated)?;
        let digit = character.to_digit(radix).ok_or_else(|| {
            format!("illegal character {} in escape sequence", code_point(character))
        })?;
        value = value.wrapping_mul(radix).wrapping_add(digit);
    }
    if value > max || (0xd800..0xe000).contains(&value) {
        return Err("escape sequence is an invalid Unicode code point".to_owned());
    }
    Ok(())
}

/// `U+0071 'q'`
fn code_point(character: char) -> String {
    format!("U+{:04X} '{character}'", u32::from(character))
}
