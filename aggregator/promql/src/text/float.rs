//! Floats in the notations of Prometheus' results, labels and messages.

use std::fmt;

/// The shortest decimal notation that reads back as the same number, without an exponent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain(pub(crate) f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match special(self.0) {
            Some(text) => f.write_str(text),
            None => write!(f, "{}", self.0),
        }
    }
}

/// C's `%g` with the shortest digits: with an exponent below 1e-4 and from 1e6.
#[derive(Clone, Copy, Debug)]
pub(crate) struct General(pub(crate) f64);

/// Powers of ten from which the exponent notation is used.
const EXPONENT_MAX: i32 = 6;

impl fmt::Display for General {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = special(self.0) {
            return f.write_str(text);
        }
        let scientific = format!("{:e}", self.0);
        let Some((mantissa, exponent)) = scientific.split_once('e') else {
            return f.write_str(&scientific);
        };
        let exponent: i32 = exponent.parse().unwrap_or(0);
        if self.0 == 0.0 || (-4..EXPONENT_MAX).contains(&exponent) {
            return write!(f, "{}", self.0);
        }
        f.write_str(&exponential(mantissa, exponent))
    }
}

/// `%.Ng`: at most `digits` significant digits, trailing zeros removed.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let most = i32::try_from(digits).unwrap_or(i32::MAX);
    if value == 0.0 || (-4..most).contains(&exponent) {
        let decimals = usize::try_from(most - 1 - exponent).unwrap_or(0);
        return trim_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    exponential(trim_zeros(mantissa), exponent)
}

/// The notation of OpenMetrics: like `%g`, with `.0` added to whole numbers.
pub(crate) fn open_metrics(value: f64) -> String {
    let text = General(value).to_string();
    if value.is_finite() && !text.contains(['.', 'e']) { format!("{text}.0") } else { text }
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn exponential(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("+Inf")
    } else if value == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}
