//! An interpreter of Go's `text/template` language over dynamic values.
//!
//! A [`Templates`] is a set of named templates; [`Templates::render`] runs one of them over a
//! [`Value`], with variables and [`Functions`] of the caller's. Templates may be hostile: the size
//! of a text, the steps, the depth and the output of a run are all bounded by [`Limits`].
//! Other than in Go, there are no complex numbers, and a field of `nil` is nothing instead of an error.
//! Source of the language: the documentation of Go's packages `text/template` and `fmt`.

mod ast;
mod builtins;
mod error;
mod exec;
pub mod format;
mod lexer;
mod options;
mod parser;
mod quote;
mod set;
mod value;

pub use builtins::escape_query;
pub use error::{Error, ErrorKind};
pub use options::{Functions, Known, Limits, MissingKey, NoFunctions, Options};
pub use set::Templates;
pub use value::{List, Map, Object, Value};
