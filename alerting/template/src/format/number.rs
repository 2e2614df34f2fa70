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

/// No float has more digits behind the point (2^-1074 has 1074); the library takes 65,535 at most.
const DECIMALS_MAX: usize = 1100;

/// Powers of ten from which the shortest notation has an exponent.
const SHORTEST_POWER: i32 = 6;

/// `%.Ng`: at most `digits` significant digits.
pub fn general(value: f64, digits: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    // More digits than a float has are zeros, which are cut off.
    let digits = digits.clamp(1, DECIMALS_MAX);
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
    let exact = decimals.min(DECIMALS_MAX);
    let (mut mantissa, power) = parts(&format!("{value:.exact$e}"));
    mantissa.extend(std::iter::repeat_n('0', decimals - exact));
    joined(&mantissa, power)
}

/// `%.Nf`
pub fn fixed(value: f64, decimals: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let exact = decimals.min(DECIMALS_MAX);
    let mut text = format!("{value:.exact$}");
    text.extend(std::iter::repeat_n('0', decimals - exact));
    text
}

/// `%x`: a mantissa of hexadecimal digits, as many as needed or as asked for, and a power of two.
pub fn hexadecimal(value: f64, digits: Option<usize>) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let bits = value.to_bits();
    let (mut mantissa, mut power) = (bits & (MANTISSA_ONE - 1), (bits >> 52 & 0x7ff) as i32 - 1023);
    if power == -1023 {
        power = if mantissa == 0 { 0 } else { -1022 };
        while mantissa != 0 && mantissa < MANTISSA_ONE {
            mantissa <<= 1;
            power -= 1;
        }
    } else {
        mantissa |= MANTISSA_ONE;
    }
    if let Some(digits) = digits.filter(|digits| *digits < MANTISSA_DIGITS) {
        // Rounds to even.
        let cut = 4 * (MANTISSA_DIGITS - digits);
        let (kept, rest, half) = (mantissa >> cut, mantissa & ((1 << cut) - 1), 1 << (cut - 1));
        let up = rest > half || (rest == half && kept & 1 == 1);
        mantissa = (kept + u64::from(up)) << cut;
        if mantissa >= 2 * MANTISSA_ONE {
            mantissa >>= 1;
            power += 1;
        }
    }
    let whole = mantissa / MANTISSA_ONE;
    let fraction = format!("{:013x}", mantissa % MANTISSA_ONE);
    let fraction = match digits {
        Some(digits) => fraction.chars().chain(std::iter::repeat('0')).take(digits).collect(),
        None => fraction.trim_end_matches('0').to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    format!("0x{whole}{point}{fraction}p{sign}{:02}", power.unsigned_abs())
}

/// The mantissa of 1, and its digits behind the point.
const MANTISSA_ONE: u64 = 1 << 52;
const MANTISSA_DIGITS: usize = 13;

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
