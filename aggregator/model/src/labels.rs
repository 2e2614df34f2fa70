//! Label sets, packed into one allocation.
//!
//! A label set is sorted by name, holds each name once, and holds no empty value: an empty value
//! means the same as no label. The packed form is, for each label, `len name len value` with
//! lengths as LEB128 varints. Cloning shares the allocation.

use std::{cmp::Ordering, fmt, sync::Arc};

/// The label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";

/// A sorted set of labels. Equality and hashing are those of the packed bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Labels {
    packed: Arc<[u8]>,
}

impl Default for Labels {
    fn default() -> Self {
        Self { packed: Arc::from([].as_slice()) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabels {
    #[error("label name {0:?} appears twice")]
    DuplicateName(String),
    #[error("a label has an empty name (value {0:?})")]
    EmptyName(String),
}

impl Labels {
    /// Sorts, drops empty values, and refuses empty and repeated names.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, InvalidLabels> {
        let mut pairs: Vec<(N, V)> = labels.into_iter().collect();
        pairs.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        for pair in pairs.windows(2) {
            if let [(first, _), (second, _)] = pair
                && first.as_ref() == second.as_ref()
            {
                return Err(InvalidLabels::DuplicateName(first.as_ref().to_owned()));
            }
        }
        let mut packed = Vec::with_capacity(pairs.len() * 24);
        for (name, value) in &pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            if name.is_empty() {
                return Err(InvalidLabels::EmptyName(value.to_owned()));
            }
            if !value.is_empty() {
                put(&mut packed, name);
                put(&mut packed, value);
            }
        }
        Ok(Self { packed: packed.into() })
    }

    /// For pairs known to be sorted, unique and without empty strings, as a decoder checks them.
    /// `None` when they are not.
    pub fn from_sorted<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut packed = Vec::with_capacity(256);
        let mut previous = "";
        for (name, value) in labels {
            if name <= previous || value.is_empty() {
                return None;
            }
            put(&mut packed, name);
            put(&mut packed, value);
            previous = name;
        }
        Some(Self { packed: packed.into() })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The value of `__name__`, empty when there is none.
    pub fn metric(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or_default()
    }

    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.packed }
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// A copy in which `name` has `value`, or is absent when `value` is empty.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut packed = Vec::with_capacity(self.packed.len() + name.len() + value.len() + 4);
        let mut placed = value.is_empty();
        for (old_name, old_value) in self {
            if !placed && old_name >= name {
                put(&mut packed, name);
                put(&mut packed, value);
                placed = true;
            }
            if old_name != name {
                put(&mut packed, old_name);
                put(&mut packed, old_value);
            }
        }
        if !placed {
            put(&mut packed, name);
            put(&mut packed, value);
        }
        Self { packed: packed.into() }
    }

    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        self.with(name, "")
    }

    /// A copy with the labels that `keep` accepts.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        let mut packed = Vec::with_capacity(self.packed.len());
        for (name, value) in self {
            if keep(name) {
                put(&mut packed, name);
                put(&mut packed, value);
            }
        }
        Self { packed: packed.into() }
    }

    /// The packed bytes: a canonical key of this label set.
    pub fn as_bytes(&self) -> &[u8] {
        &self.packed
    }

    /// Pairs that [`put_pair`] made, for a reader that has made sure that names ascend and no
    /// value is empty. Other bytes make a set that is found under no name.
    pub fn from_packed_pairs(packed: &[u8]) -> Self {
        Self { packed: packed.into() }
    }

    /// Reads back what [`Self::as_bytes`] gave. `None` when the bytes are not a valid set.
    pub fn from_bytes(packed: &[u8]) -> Option<Self> {
        Self::is_packed(packed).then(|| Self { packed: packed.into() })
    }

    /// Whether the bytes are the packed form of a set: sorted names, each once, no empty value.
    pub fn is_packed(packed: &[u8]) -> bool {
        let mut rest = packed;
        let mut previous = "";
        while !rest.is_empty() {
            let (Some(name), Some(value)) = (take(&mut rest), take(&mut rest)) else {
                return false;
            };
            if name <= previous || value.is_empty() {
                return false;
            }
            previous = name;
        }
        true
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Compares label by label, as Prometheus sorts series.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `name{label="value", …}`, with names quoted where they are not plain identifiers.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric();
        let plain_metric = is_plain_metric_name(metric);
        if plain_metric {
            f.write_str(metric)?;
        }
        let mut separator = "{";
        if !metric.is_empty() && !plain_metric {
            write!(f, "{{{}", Quoted(metric))?;
            separator = ", ";
        }
        for (name, value) in self {
            if name == METRIC_NAME {
                continue;
            }
            if is_plain_label_name(name) {
                write!(f, "{separator}{name}={}", Quoted(value))?;
            } else {
                write!(f, "{separator}{}={}", Quoted(name), Quoted(value))?;
            }
            separator = ", ";
        }
        match (separator, metric.is_empty()) {
            ("{", false) => Ok(()),
            ("{", true) => f.write_str("{}"),
            _ => f.write_str("}"),
        }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A string in double quotes, with `\`, `"`, line feeds and other control characters escaped.
#[derive(Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                control if control.is_ascii_control() => write!(f, "\\x{:02x}", control as u32)?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        f.write_str("\"")
    }
}

/// Whether a metric name needs no quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_plain_metric_name(name: &str) -> bool {
    is_identifier(name, b"_:")
}

/// Whether a label name needs no quotes: `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_plain_label_name(name: &str) -> bool {
    is_identifier(name, b"_")
}

fn is_identifier(name: &str, extra: &[u8]) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || extra.contains(&first))
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte))
}

/// The labels of a set, in order of name.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        take_pair(&mut self.rest)
    }
}

/// Appends a pair as it is in a packed set.
pub fn put_pair(packed: &mut Vec<u8>, name: &str, value: &str) {
    put(packed, name);
    put(packed, value);
}

/// Takes a pair off the front of a packed set. `None` when there is none whole.
pub fn take_pair<'a>(packed: &mut &'a [u8]) -> Option<(&'a str, &'a str)> {
    Some((take(packed)?, take(packed)?))
}

pub(crate) fn put(packed: &mut Vec<u8>, text: &str) {
    let mut length = text.len();
    while length >= 0x80 {
        packed.push(length as u8 | 0x80);
        length >>= 7;
    }
    packed.push(length as u8);
    packed.extend_from_slice(text.as_bytes());
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let mut length = 0usize;
    let mut shift = 0;
    loop {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte < 0x80 {
            if byte == 0 && shift > 7 {
                return None; // an overlong varint would give one set two keys
            }
            break;
        }
        if shift > 28 {
            return None;
        }
    }
    let (text, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests;
