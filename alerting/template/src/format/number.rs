//! Floats in Go's notations.

/// Most digits that are asked of the standard library, which takes no more than 65535. A float has
/// no digits but zeros behind its 767th significant one and its 1074th decimal.
const DIGITS_MAX: usize = 1100;

/// A number as it is written, without the zeros that would only take memory.
pub(super) struct Digits {
    pub(super) head: String,
    /// How many zeros follow the head.
    pub(super) zeros: usize,
    /// What follows the zeros, such as `e+10`.
    pub(super) tail: String,
}

impl Digits {
    pub(super) fn plain(head: String) -> Self {
        Self { head, zeros: 0, tail: String::new() }
    }

    /// In ASCII, and so in characters too.
    pub(super) fn len(&self) -> usize {
        self.head.len().saturating_add(self.zeros).saturating_add(self.tail.len())
    }

    pub(super) fn make_uppercase(&mut self) {
        self.head.make_ascii_uppercase();
        self.tail.make_ascii_uppercase();
    }
}

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
    // Zeros at the end are not shown anyway.
    let digits = digits.clamp(1, DIGITS_MAX);
    let (mantissa, power) = parts(&format!("{value:.*e}", digits - 1));
    let most = i32::try_from(digits).unwrap_or(i32::MAX);
    if value == 0.0 || (-4..most).contains(&power) {
        let decimals = most - 1 - power;
        return trimmed(&format!("{value:.*}", usize::try_from(decimals).unwrap_or(0)));
    }
    joined(&trimmed(&mantissa), power)
}

/// `%.Ne` of a finite number.
pub(super) fn exponent(value: f64, decimals: usize) -> Digits {
    let (head, power) = parts(&format!("{value:.*e}", decimals.min(DIGITS_MAX)));
    Digits { head, zeros: decimals.saturating_sub(DIGITS_MAX), tail: power_of_ten(power) }
}

/// `%.Nf` of a finite number.
pub(super) fn fixed(value: f64, decimals: usize) -> Digits {
    let head = format!("{value:.*}", decimals.min(DIGITS_MAX));
    Digits { head, zeros: decimals.saturating_sub(DIGITS_MAX), tail: String::new() }
}

/// `%x` of a finite number: a mantissa of hexadecimal digits, as many as needed or as asked for, and a power of two.
pub(super) fn hexadecimal(value: f64, digits: Option<usize>) -> Digits {
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
        Some(digits) => fraction.chars().take(digits).collect(),
        None => fraction.trim_end_matches('0').to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if power < 0 { '-' } else { '+' };
    Digits {
        head: format!("0x{whole}{point}{fraction}"),
        zeros: digits.unwrap_or(0).saturating_sub(MANTISSA_DIGITS),
        tail: format!("p{sign}{:02}", power.unsigned_abs()),
    }
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
    format!("{mantissa}{}", power_of_ten(power))
}

fn power_of_ten(power: i32) -> String {
    let sign = if power < 0 { '-' } else { '+' };
    format!("e{sign}{:02}", power.unsigned_abs())
}
