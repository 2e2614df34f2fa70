//! Where a node stands in the query text.

use std::fmt;

/// A range of the query text in bytes, with the line and column of its start.
///
/// Two spans are always equal: expressions are compared by meaning, so that a printed and parsed
/// again expression equals its original.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Line of the first byte, counted from 1; 0 when the expression has no text.
    pub line: u32,
    /// Byte column of the first byte, counted from 1.
    pub column: u32,
}

impl Span {
    /// From the start of this span to the end of `last`.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { end: last.end, ..self }
    }

    /// The same start with another end.
    #[must_use]
    pub fn until(self, end: u32) -> Self {
        Self { end, ..self }
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

/// `line:column`, as Prometheus writes positions.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.write_str("unknown position");
        }
        write!(f, "{}:{}", self.line, self.column)
    }
}
