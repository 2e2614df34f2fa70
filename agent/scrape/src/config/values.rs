//! Durations and sizes as Prometheus writes them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A duration such as `15s`, `1m30s`, `250ms`, `1d`. Units go from the largest to the smallest, each
/// at most once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration {0:?}: write for example 250ms, 15s, 1m30s or 1h")]
pub struct InvalidSpan(String);

impl Span {
    pub fn parse(text: &str) -> Result<Self, InvalidSpan> {
        let invalid = || InvalidSpan(text.chars().take(40).collect());
        if text == "0" {
            return Ok(Self::default());
        }
        let (mut rest, mut millis, mut units) = (text, 0u64, UNITS.as_slice());
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, tail) = rest.split_at_checked(digits).ok_or_else(invalid)?;
            let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_alphabetic()).len();
            let (unit, tail) = tail.split_at_checked(letters).ok_or_else(invalid)?;
            let place = units.iter().position(|(name, _)| *name == unit).ok_or_else(invalid)?;
            let (_, factor) = units.get(place).ok_or_else(invalid)?;
            let amount = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
            millis = amount.and_then(|amount| millis.checked_add(amount)).ok_or_else(invalid)?;
            units = units.get(place + 1..).unwrap_or_default();
            rest = tail;
        }
        if text.is_empty() { Err(invalid()) } else { Ok(Self(Duration::from_millis(millis))) }
    }

    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// The shortest way to write it, as Prometheus does: years and weeks only where nothing is left.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in UNITS {
            let whole_only = matches!(unit, "y" | "w" | "d");
            if rest >= factor && (!whole_only || rest % factor == 0) {
                write!(f, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A size in bytes; 0 is no limit. `KB` and `KiB` are both 1024 bytes, as Prometheus has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size(pub u64);

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at_checked(digits)?;
        let shift = match unit {
            "" if number == "0" => 0,
            "B" => 0,
            "KB" | "KiB" => 10,
            "MB" | "MiB" => 20,
            "GB" | "GiB" => 30,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(1 << shift).map(Self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!("invalid size {text:?}: write for example 512KB or 10MB"))
        })
    }
}

/// In the largest unit that says it exactly.
impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let units = [("GB", 30), ("MB", 20), ("KB", 10)];
        let fits = units.iter().find(|(_, shift)| self.0 > 0 && self.0.trailing_zeros() >= *shift);
        let (unit, shift) = fits.unwrap_or(&("B", 0));
        serializer.collect_str(&format_args!("{}{unit}", self.0 >> shift))
    }
}

#[cfg(test)]
mod tests;
