//! What is wrong with a file.

use std::fmt;

/// A fault in a file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// Line and column, counted from 1, where the fault has a place.
    pub place: Option<(u64, u64)>,
    pub message: String,
}

/// `file:line:column: message`
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for Fault {}
