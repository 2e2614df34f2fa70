//! Numbers as text, as Go's `strconv.FormatFloat(value, format, -1, 64)` writes them: the fewest
//! digits that read back as the same value.
//!
//! The formats are `f` (never an exponent), `e` (always one, of at least two digits) and `g`
//! (one when it is below -4 or above 5). NaN is `NaN`, infinities are `+Inf` and `-Inf`.

use std::fmt::Write as _;

/// Whole numbers below this print exactly by integer arithmetic: 15 digits always fit a double.
const SHORT_MAX: f64 = 1e15;

pub(crate) fn push_integer(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

pub(crate) fn push_signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_integer(out, value.unsigned_abs());
}

/// As the Prometheus API writes values: `f`, but `e` below 1e-6 and from 1e21 on.
pub(crate) fn push_api_float(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    if push_special(out, value) || push_short(out, value) {
        return;
    }
    let decimal = Decimal::new(value);
    if (1e-6..1e21).contains(&magnitude) { decimal.push_f(out) } else { decimal.push_e(out) }
}

/// Go's `e`: as the rules API writes the value of an alert.
pub(crate) fn push_e_float(out: &mut Vec<u8>, value: f64) {
    if !push_special(out, value) {
        Decimal::new(value).push_e(out);
    }
}

/// Go's `g`: as the exposition formats write values.
pub(crate) fn push_g_float(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    if push_special(out, value)
        || (magnitude == 0.0 || (1e-4..1e6).contains(&magnitude)) && push_short(out, value)
    {
        return;
    }
    let decimal = Decimal::new(value);
    if (-4..6).contains(&decimal.exponent) { decimal.push_f(out) } else { decimal.push_e(out) }
}

/// As OpenMetrics writes the bounds of buckets: `g`, with `.0` where it would look like an integer.
pub(crate) fn push_canonical_float(out: &mut Vec<u8>, value: f64) {
    let from = out.len();
    push_g_float(out, value);
    let looks_whole =
        |text: &[u8]| !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'n' | b'N'));
    if out.get(from..).is_some_and(looks_whole) {
        out.extend_from_slice(b".0");
    }
}

fn push_special(out: &mut Vec<u8>, value: f64) -> bool {
    let text: &[u8] = if value.is_nan() {
        b"NaN"
    } else if value.is_infinite() {
        if value > 0.0 { b"+Inf" } else { b"-Inf" }
    } else {
        return false;
    };
    out.extend_from_slice(text);
    true
}

/// Writes values of few digits, which most are, without the search for the shortest ones. A
/// decimal of at most 15 digits that reads back as the value is the only one of that length, so
/// it is the shortest; and the quotient of two exact numbers is what reading it back gives.
fn push_short(out: &mut Vec<u8>, value: f64) -> bool {
    let magnitude = value.abs();
    if magnitude >= SHORT_MAX {
        return false;
    }
    let sign: &[u8] = if value.is_sign_negative() { b"-" } else { b"" };
    if magnitude.trunc() == magnitude {
        out.extend_from_slice(sign);
        push_integer(out, magnitude as u64);
        return true;
    }
    for (digits, power) in [(1, 10u64), (2, 100), (3, 1000), (4, 10_000)] {
        let scaled = (magnitude * power as f64).round();
        if scaled < SHORT_MAX && scaled / power as f64 == magnitude {
            let scaled = scaled as u64;
            out.extend_from_slice(sign);
            push_integer(out, scaled / power);
            out.push(b'.');
            let fraction = scaled % power;
            let zeros = (1..digits).rev().take_while(|shorter| fraction < 10u64.pow(*shorter));
            out.extend(zeros.map(|_| b'0'));
            push_integer(out, fraction);
            return true;
        }
    }
    false
}

/// The shortest digits of a finite value: `±d.ddd × 10^exponent`.
#[derive(Debug, Default)]
struct Decimal {
    negative: bool,
    digits: [u8; 17],
    length: usize,
    exponent: i32,
}

impl Decimal {
    fn new(value: f64) -> Self {
        let mut text = ShortText::default();
        let mut decimal = Self { negative: value.is_sign_negative(), ..Self::default() };
        if write!(text, "{:e}", value.abs()).is_err() {
            return decimal; // cannot be: 17 digits, a point and an exponent fit
        }
        let (mantissa, exponent) = text.as_str().split_once('e').unwrap_or(("0", "0"));
        decimal.exponent = exponent.parse().unwrap_or(0);
        let digits = mantissa.bytes().filter(|byte| *byte != b'.');
        for (place, digit) in decimal.digits.iter_mut().zip(digits) {
            *place = digit;
            decimal.length += 1;
        }
        decimal
    }

    fn digits(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    fn push_sign(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
    }

    fn push_f(&self, out: &mut Vec<u8>) {
        self.push_sign(out);
        let digits = self.digits();
        let before_point = usize::try_from(self.exponent + 1).unwrap_or(0);
        if before_point == 0 {
            out.extend_from_slice(b"0.");
            let zeros = usize::try_from(-(self.exponent + 1)).unwrap_or(0);
            out.extend(std::iter::repeat_n(b'0', zeros));
            out.extend_from_slice(digits);
        } else if let Some((whole, fraction)) = digits.split_at_checked(before_point) {
            out.extend_from_slice(whole);
            if !fraction.is_empty() {
                out.push(b'.');
                out.extend_from_slice(fraction);
            }
        } else {
            out.extend_from_slice(digits);
            out.extend(std::iter::repeat_n(b'0', before_point - digits.len()));
        }
    }

    fn push_e(&self, out: &mut Vec<u8>) {
        self.push_sign(out);
        if let Some((first, rest)) = self.digits().split_first() {
            out.push(*first);
            if !rest.is_empty() {
                out.push(b'.');
                out.extend_from_slice(rest);
            }
        }
        out.extend_from_slice(if self.exponent < 0 { b"e-" } else { b"e+" });
        if self.exponent.abs() < 10 {
            out.push(b'0');
        }
        push_integer(out, self.exponent.unsigned_abs().into());
    }
}

/// Text on the stack, long enough for any double.
#[derive(Debug, Default)]
struct ShortText {
    bytes: [u8; 32],
    length: usize,
}

impl ShortText {
    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
