//! A second opinion on what a query means: the grammar of the `promql-parser` crate.
//!
//! That parser is generated from a grammar and was written by others, so a query on whose tree both
//! agree was most likely understood. It knows a part of the language only, and on some input it
//! panics, so queries that people send are parsed by [`crate::parse`]; this module is for checks.
//!
//! The trees it gives have no spans, and durations have lost the way they were written.

mod convert;
mod time;

use std::panic;

use promql_parser::parser;

use crate::{ast::Expr, stack};

/// Longest query in bytes.
pub const BYTES_MAX: usize = 2048;
/// Greatest height of a tree.
pub const HEIGHT_MAX: u32 = 256;

/// Why there is no tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    #[error("query has {0} bytes, allowed are {BYTES_MAX}")]
    TooLong(usize),
    #[error("expression is nested deeper than {HEIGHT_MAX}")]
    TooHigh,
    /// The text is no query, as far as that parser knows.
    #[error("{0}")]
    Rejected(String),
    #[error("the parser panicked")]
    Panicked,
    /// It was parsed, but to something that is not part of this language.
    #[error("{0} has no counterpart")]
    NoCounterpart(String),
}

/// Parses a query by the grammar of the `promql-parser` crate.
///
/// A panic of that parser is caught and becomes an error; the panic hook still runs.
pub fn parse(query: &str) -> Result<Expr, AdapterError> {
    if query.len() > BYTES_MAX {
        return Err(AdapterError::TooLong(query.len()));
    }
    // Bytes bound the height of its tree, which is converted and dropped in here.
    let parsed = stack::with_room(query.len(), || {
        let parsed = panic::catch_unwind(|| parser::parse(query));
        let parsed = parsed.map_err(|_| AdapterError::Panicked)?.map_err(AdapterError::Rejected)?;
        let expr = convert::expr(parsed)?;
        match u32::try_from(expr.height()) {
            Ok(height) if height <= HEIGHT_MAX => Ok(expr),
            _ => Err(AdapterError::TooHigh),
        }
    });
    parsed.unwrap_or(Err(AdapterError::TooHigh))
}

#[cfg(test)]
mod tests;
