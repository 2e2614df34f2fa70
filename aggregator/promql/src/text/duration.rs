//! Durations such as `1h30m`: units from years to milliseconds, in falling order.
//!
//! Years have 365 days, weeks 7 days and days 24 hours. Source of the format: the documentation of
//! Prometheus' query language, "Float literals and time durations".

use std::fmt;

/// Unit, its length in milliseconds, and whether it is printed only when nothing remains.
const UNITS: [(&str, u64, bool); 7] = [
    ("y", 365 * 24 * 3_600_000, true),
    ("w", 7 * 24 * 3_600_000, true),
    ("d", 24 * 3_600_000, false),
    ("h", 3_600_000, false),
    ("m", 60_000, false),
    ("s", 1_000, false),
    ("ms", 1, false),
];

/// Longest duration in milliseconds: what fits into 63 bits of nanoseconds.
const MILLIS_MAX: u64 = (1 << 63) / 1_000_000;

/// Parses a duration into milliseconds.
pub fn parse(text: &str) -> Result<i64, String> {
    match text {
        "0" => return Ok(0),
        "" => return Err("empty duration string".to_owned()),
        _ => {}
    }
    let invalid = || format!("not a valid duration string: {text:?}");
    let mut total = 0u64;
    let mut rest = text;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits).ok_or_else(invalid)?;
        let count: u64 = number.parse().map_err(|_| invalid())?;
        let letters = tail.bytes().take_while(|byte| !byte.is_ascii_digit()).count();
        let (unit, tail) = tail.split_at_checked(letters).ok_or_else(invalid)?;
        if unit.is_empty() {
            return Err(invalid());
        }
        let position = UNITS
            .iter()
            .position(|(name, ..)| *name == unit)
            .ok_or_else(|| format!("unknown unit {unit:?} in duration {text:?}"))?;
        if position < next_unit {
            return Err(invalid());
        }
        next_unit = position + 1;
        let length = UNITS.get(position).map_or(1, |(_, length, _)| *length);
        total = count
            .checked_mul(length)
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= MILLIS_MAX)
            .ok_or_else(|| "duration out of range".to_owned())?;
        rest = tail;
    }
    Ok(i64::try_from(total).unwrap_or(i64::MAX))
}

/// A duration in the notation that [`parse`] reads.
pub fn format(duration: std::time::Duration) -> String {
    Millis(model::time::millis_of(duration)).to_string()
}

/// A number of milliseconds, printed as a duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Millis(pub(crate) i64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (unit, length, exact) in UNITS {
            let whole = rest / length;
            let shown = !exact || rest.is_multiple_of(length);
            if whole > 0 && shown {
                write!(f, "{whole}{unit}")?;
                rest -= whole * length;
            }
        }
        Ok(())
    }
}
