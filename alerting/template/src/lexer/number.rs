//! Numbers as Go writes them.

use crate::value::Value;

/// The part of the text that looks like a number.
pub(super) fn scan(text: &str) -> &str {
    let unsigned = text.trim_start_matches(['+', '-']);
    let hex = unsigned.starts_with("0x") || unsigned.starts_with("0X");
    let mut previous = ' ';
    let end = text.char_indices().position(|(place, character)| {
        let sign = matches!(character, '+' | '-')
            && (place == 0 || (!hex && matches!(previous, 'e' | 'E')));
        let part = character.is_ascii_alphanumeric() || matches!(character, '.' | '_');
        previous = character;
        !(sign || part)
    });
    // Everything that was accepted is ASCII, so the position is one in bytes too.
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// An integer if it is written as one, else a float. `None` for what is not a number, does not fit
/// into 64 bits, or is a complex number.
pub(super) fn parse(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.strip_prefix('-')?),
        b'+' => (false, text.strip_prefix('+')?),
        _ => (false, text),
    };
    if digits.contains("__") || digits.ends_with('_') || digits.starts_with('_') {
        return None;
    }
    let plain = digits.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| lower.strip_prefix(prefix).map(|rest| (rest, radix)));
    let (whole, radix) = match radix {
        Some(found) => found,
        None if is_old_octal(&lower) => (lower.as_str(), 8),
        None if lower.contains(['.', 'e']) => return float(&lower, negative),
        None => (lower.as_str(), 10),
    };
    let sign = if negative { "-" } else { "" };
    if !whole.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{whole}"), radix).ok().map(Value::Int)
}

/// `0755`
fn is_old_octal(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn float(text: &str, negative: bool) -> Option<Value> {
    let digits = text.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && text.contains(|character: char| character.is_ascii_digit());
    let value: f64 = text.parse().ok().filter(|value: &f64| digits && value.is_finite())?;
    Some(Value::Float(if negative { -value } else { value }))
}
