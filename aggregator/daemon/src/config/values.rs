//! Values with units, and secrets, as configuration writes them.

use std::{fmt, path::Path, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A duration such as `250ms`, `30s`, `5m`, `12h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(pub Duration);

const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl HumanDuration {
    pub fn parse(text: &str) -> Result<Self, String> {
        let millis = with_unit(text, &DURATION_UNITS).ok_or_else(|| {
            format!("invalid duration {text:?}: write for example 250ms, 30s, 5m, 12h or 7d")
        })?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

/// In the largest unit that says it exactly, so that it parses to the same.
impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let fits = |(_, factor): &&(&str, u64)| millis.is_multiple_of(u128::from(*factor));
        let (unit, factor) = DURATION_UNITS.iter().rev().find(fits).unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", millis / u128::from(*factor))
    }
}

/// A size in bytes such as `64MiB`, `2GiB`, `512KiB`, `100B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const SIZE_UNITS: [(&str, u64); 5] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

impl ByteSize {
    pub fn parse(text: &str) -> Result<Self, String> {
        with_unit(text, &SIZE_UNITS).map(Self).ok_or_else(|| {
            format!("invalid size {text:?}: write for example 512KiB, 64MiB or 2GiB")
        })
    }
}

/// A whole number followed by one of the units.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A token or password, or `file:` and the path of a file that holds it. Never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// Largest secret file, so that a mistaken path does not fill memory.
const SECRET_BYTES_MAX: usize = 64 << 10;

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, read from its file where it lives in one, without the trailing newline.
    #[expect(clippy::disallowed_methods, reason = "secrets are configuration, which enters here")]
    pub fn resolve(&self) -> Result<String, String> {
        let Some(path) = self.0.strip_prefix("file:") else {
            return Ok(self.0.clone());
        };
        let text = std::fs::read_to_string(Path::new(path))
            .map_err(|error| format!("cannot read secret file {path}: {error}"))?;
        if text.len() > SECRET_BYTES_MAX {
            return Err(format!("secret file {path} is larger than {SECRET_BYTES_MAX} bytes"));
        }
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }
}

/// As Prometheus shows secrets.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<secret>")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
