//! Prometheus' script language for testing engines (`promqltest`).
//!
//! A script loads series, evaluates queries and says what they must give. Source of the format: the
//! documentation in Prometheus' `promql/promqltest`. The notation of series is shared with its rule
//! unit tests.

mod compare;
mod expect;
mod histogram;
mod nhcb;
mod notation;
mod parse;
mod run;
mod starts;
mod store;

pub use notation::{Notated, parse_series};
pub use parse::{Command, Eval, Load, parse};
pub use run::{Failure, Outcome, engine_options, run};
pub use store::MemoryStore;

/// A mistake in a script, with its line counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    pub line: usize,
    pub message: String,
}

impl ScriptError {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

#[cfg(test)]
mod tests;
