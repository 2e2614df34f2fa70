//! The extent of number and duration literals. Their values are checked later.

use super::{
    cursor::{Cursor, is_alphanumeric},
    token::Kind,
};

/// Reads a number or a duration. On failure the cursor has read what is wrong.
pub(super) fn scan(cursor: &mut Cursor<'_>) -> Option<Kind> {
    if scan_number(cursor) {
        return Some(Kind::Number);
    }
    if scan_duration_rest(cursor) {
        cursor.back();
        return Some(Kind::Duration);
    }
    None
}

/// After the first count of a duration: its unit and further counts with units.
fn scan_duration_rest(cursor: &mut Cursor<'_>) -> bool {
    if !cursor.accept("smhdwy") {
        return false;
    }
    // The second letter of `ms`; a wrong unit such as `hs` is found when the value is read.
    cursor.accept("s");
    while cursor.accept("0123456789") {
        cursor.skip_while(|character| character.is_ascii_digit());
        if !cursor.accept("smhdw") {
            return false;
        }
        cursor.accept("s");
    }
    !cursor.next().is_some_and(is_alphanumeric)
}

fn scan_number(cursor: &mut Cursor<'_>) -> bool {
    let hexadecimal = cursor.accept("0") && cursor.accept("xX");
    if hexadecimal {
        cursor.accept("_");
    }
    let is_digit = |character: char| {
        if hexadecimal { character.is_ascii_hexdigit() } else { character.is_ascii_digit() }
    };
    cursor.accept(".");
    if cursor.peek().is_some_and(is_digit) {
        cursor.next();
    }
    let (mut dot, mut exponent) = (false, false);
    loop {
        match cursor.peek() {
            Some('.') => {
                cursor.next();
                // There is one point, and none in a hexadecimal number.
                if dot || cursor.accept("_.") || hexadecimal {
                    return false;
                }
                dot = true;
            }
            Some('e' | 'E') if !hexadecimal => {
                cursor.next();
                if exponent {
                    return false;
                }
                exponent = true;
                cursor.accept("+-");
                if cursor.accept("._eE") || cursor.peek().is_none() {
                    return false;
                }
            }
            Some('_') => {
                cursor.next();
                if cursor.accept("._eE") || cursor.peek().is_none() {
                    return false;
                }
            }
            Some(digit) if is_digit(digit) => cursor.skip_while(is_digit),
            _ => break,
        }
    }
    !cursor.at_start() && !cursor.peek().is_some_and(is_alphanumeric)
}
