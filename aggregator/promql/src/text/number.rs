//! Number literals: decimal, hexadecimal, octal, binary, with underscores between digits.
//!
//! Source of the syntax: the Go language specification, "Integer literals" and "Floating-point
//! literals", which Prometheus inherits.

/// Parses an unsigned number literal. The error is worded as Prometheus words it.
pub(crate) fn parse(text: &str) -> Result<f64, String> {
    if let Some(integer) = integer(text) {
        return Ok(integer as f64);
    }
    float(text)
}

/// A whole number with an optional base prefix; a leading zero alone means octal.
fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = if let Some(body) = lower.strip_prefix("0x") {
        (16, body)
    } else if let Some(body) = lower.strip_prefix("0b") {
        (2, body)
    } else if let Some(body) = lower.strip_prefix("0o") {
        (8, body)
    } else if lower.len() > 1
        && let Some(body) = lower.strip_prefix('0')
    {
        (8, body)
    } else {
        (10, lower.as_str())
    };
    let prefixed = body.len() < lower.len();
    if !underscores_separate(body, prefixed) {
        return None;
    }
    let magnitude = u64::from_str_radix(&body.replace('_', ""), radix).ok()?;
    if body.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from(magnitude);
    i64::try_from(if negative { -value } else { value }).ok()
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Underscores stand between digits, or between a base prefix and a digit.
fn underscores_separate(digits: &str, after_prefix: bool) -> bool {
    let bytes = digits.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        *byte != b'_'
            || (digit(bytes.get(at + 1))
                && if at == 0 { after_prefix } else { digit(bytes.get(at - 1)) })
    })
}

fn float(text: &str) -> Result<f64, String> {
    let failed = |what: &str| {
        Err(format!("error parsing number: strconv.ParseFloat: parsing {text:?}: {what}"))
    };
    let (_, unsigned) = split_sign(text);
    let lower = unsigned.to_ascii_lowercase();
    if lower.starts_with("0x") {
        // A hexadecimal number that no integer holds: its nearest float.
        let body = lower.get(2..).unwrap_or_default().replace('_', "");
        let fits = !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            return failed("invalid syntax");
        }
        let value = body.chars().filter_map(|digit| digit.to_digit(16));
        return Ok(value.fold(0.0, |sum, digit| sum * 16.0 + f64::from(digit)));
    }
    let known = matches!(lower.as_str(), "inf" | "infinity" | "nan");
    let numeric = lower.bytes().all(|byte| byte.is_ascii_digit() || b"._e+-".contains(&byte));
    let valid = known || (numeric && underscores_separate(unsigned, false));
    if !valid {
        return failed("invalid syntax");
    }
    match text.replace('_', "").parse::<f64>() {
        Ok(value) if value.is_infinite() && !known => failed("value out of range"),
        Ok(value) => Ok(value),
        Err(_) => failed("invalid syntax"),
    }
}

/// A float with an optional sign, as labels hold them.
pub(crate) fn parse_signed(text: &str) -> Option<f64> {
    let (negative, digits) = split_sign(text);
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let Ok(magnitude) = float(digits) else { return None };
    Some(if negative { -magnitude } else { magnitude })
}
