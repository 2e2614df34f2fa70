//! Names for scrapers that cannot take any UTF-8 string for one.
//!
//! Source of the schemes: Prometheus' proposal on UTF-8 support, "Text escaping", and what its
//! servers answer where the proposal leaves room.

use std::{borrow::Cow, fmt::Write};

/// What becomes of names that are no identifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Escaping {
    /// What an identifier cannot have becomes `_`.
    #[default]
    Underscores,
    /// `.` becomes `_dot_`; `_`, and all else that an identifier cannot have, becomes `__`.
    Dots,
    /// `U__` before a name that needs it; then `_` becomes `__`, and what an identifier cannot have
    /// its code point in hexadecimal between two `_`. Can be undone.
    Values,
    /// Nothing: names stand in quotes where they have to.
    AllowUtf8,
}

impl Escaping {
    /// The name in `Accept` and `Content-Type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
            Self::AllowUtf8 => "allow-utf-8",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::Underscores, Self::Dots, Self::Values, Self::AllowUtf8];
        all.into_iter().find(|scheme| scheme.as_str() == name)
    }

    /// A metric's name.
    pub(super) fn metric(self, name: &str) -> Cow<'_, str> {
        self.escape(name, |char| char == ':')
    }

    pub(super) fn label(self, name: &str) -> Cow<'_, str> {
        self.escape(name, |_| false)
    }

    fn escape(self, name: &str, extra: impl Fn(char) -> bool) -> Cow<'_, str> {
        let fits = |(at, char): (usize, char)| {
            char.is_ascii_alphabetic()
                || char == '_'
                || extra(char)
                || at > 0 && char.is_ascii_digit()
        };
        let is_plain = name.char_indices().all(fits);
        // Dots escapes also what is an identifier, so that no two names become the same.
        if self == Self::AllowUtf8 || is_plain && (self != Self::Dots || !name.contains('_')) {
            return Cow::Borrowed(name);
        }
        let mut escaped = String::from(if self == Self::Values { "U__" } else { "" });
        for (at, char) in name.char_indices() {
            match self {
                Self::Dots | Self::Values if char == '_' => escaped.push_str("__"),
                _ if fits((at, char)) => escaped.push(char),
                Self::Dots if char == '.' => escaped.push_str("_dot_"),
                Self::Dots => escaped.push_str("__"),
                // Writing to a string cannot fail.
                Self::Values => write!(escaped, "_{:x}_", u32::from(char)).unwrap_or_default(),
                Self::Underscores | Self::AllowUtf8 => escaped.push('_'),
            }
        }
        Cow::Owned(escaped)
    }
}

#[cfg(test)]
mod tests;
