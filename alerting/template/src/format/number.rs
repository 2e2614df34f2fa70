//! Floats in Go's notations.

/// `%g` with the fewest digits that read back as the same number: with an exponent below 1e-4 and
/// from 1e6 on.
pub fn shortest(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (mantissa, power) = parts(&format!("{value:e}"));
    if value == 0.0 || (-4..SHORTEST_POWER).contains(&power) {
        return format!("{value}");
    }
    joined(&mantissa, power)
}

/// Powers of ten from which the shortest notation has an exponent.
const SHORTEST_POWER: i32 = 6;

/// `%.Ng`: at most `digits` significant digits.
pub fn general(value: f64, digits: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let digits = digits.max(1);
    let (mantissa, power) = parts(&format!("{value:.*e}", digits - 1));
    let most = i32::try_from(digits).unwrap_or(i32::MAX);
    if value == 0.0 || (-4..most).contains(&power) {
        let decimals = most - 1 - power;
        return trimmed(&format!("{value:.*}", usize::try_from(decimals).unwrap_or(0)));
    }
    joined(&trimmed(&mantissa), power)
}

/// `%.Ne`
pub fn exponent(value: f64, decimals: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let (mantissa, power) = parts(&format!("{value:.decimals$e}"));
    joined(&mantissa, power)
}

/// `%.Nf`
pub fn fixed(value: f64, decimals: usize) -> String {
    special(value).map_or_else(|| format!("{value:.decimals$}"), str::to_owned)
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// Mantissa and power of ten of Rust's notation with an exponent.
fn parts(text: &str) -> (String, i32) {
    match text.split_once('e') {
        Some((mantissa, power)) => (mantissa.to_owned(), power.parse().unwrap_or(0)),
        None => (text.to_owned(), 0),
    }
}

fn trimmed(text: &str) -> String {
    let short =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    short.to_owned()
}

fn joined(mantissa: &str, power: i32) -> String {
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.unsigned_abs())
}
