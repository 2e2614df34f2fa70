//! What a template may use, and how far it may go.

use crate::value::Value;

/// Bounds on templates and on each run of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest text of one template file.
    pub text_bytes: usize,
    /// Longest output, and longest string that a function may return.
    pub output_bytes: usize,
    /// Most steps of one run. Each node that is visited is a step, and so are each 16 bytes that a
    /// function returns.
    pub steps: u64,
    /// Deepest nesting: of a text, of a run through templates that call each other, of a value.
    pub depth: u32,
}

/// Enough for every honest template, and not enough to be noticed by others.
impl Default for Limits {
    fn default() -> Self {
        Self { text_bytes: 256 << 10, output_bytes: 256 << 10, steps: 200_000, depth: 100 }
    }
}

/// What a key gives that a map does not hold: Go's option `missingkey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// Nothing, which is printed as `<no value>`.
    #[default]
    NoValue,
    /// What the map says is its zero value.
    Zero,
    /// An error.
    Error,
}

/// How templates are run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub missing_key: MissingKey,
    pub limits: Limits,
    /// Whether the function `tmpl NAME DATA` runs a template whose name is computed.
    pub template_by_name: bool,
}

/// Functions of the caller's, beside the predefined ones. They go before predefined ones of the
/// same name, except `and` and `or`.
pub trait Functions {
    /// Whether there is such a function; asked when a template is parsed.
    fn has(&self, name: &str) -> bool;

    /// Calls it. The error is a sentence for the author of the template. A result of more than
    /// `most` bytes is refused, so that a function may end early once it is past them.
    fn call(&self, name: &str, args: &[Value], most: usize) -> Result<Value, String>;

    /// Whether there is time to go on; asked before each call of a function, and every few hundred
    /// steps. The error says why not, and ends the run.
    fn go_on(&self) -> Result<(), String> {
        Ok(())
    }
}

/// No functions but the predefined ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFunctions;

impl Functions for NoFunctions {
    fn has(&self, _: &str) -> bool {
        false
    }

    fn call(&self, name: &str, _: &[Value], _: usize) -> Result<Value, String> {
        Err(format!("function {name:?} not defined"))
    }
}

/// What the text of a template may refer to.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub functions: &'a dyn Functions,
    /// Variables that every run declares, with their `$`. Like all variables they are not seen
    /// within `define`.
    pub variables: &'a [&'a str],
    pub options: &'a Options,
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("variables", &self.variables).finish_non_exhaustive()
    }
}
