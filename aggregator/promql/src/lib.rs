//! PromQL: parser, printer and columnar evaluation over anything that is `Queryable`.
//!
//! [`parse`] turns a query into an [`Expr`]; an [`Engine`] evaluates it at one time or over a range
//! of times. Semantics, messages and annotations are those of Prometheus 3.14.

pub mod adapter;
mod annotations;
pub mod ast;
mod calendar;
mod engine;
mod error;
mod exec;
pub mod functions;
mod histogram;
mod kahan;
mod lexer;
mod parser;
mod plan;
mod printer;
mod range;
pub mod script;
mod span;
mod stack;
mod text;
mod value;
mod xxhash;

pub use ast::Expr;
pub use engine::{Context, Engine, EngineOptions};
pub use error::EvalError;
pub use histogram::text::Text as HistogramText;
pub use parser::{ParseError, ParseOptions, parse, parse_selector};
pub use printer::format_query;
pub use span::Span;
pub use text::duration::{format as format_duration, parse as parse_duration};
pub use value::{Answer, MatrixSeries, Sample, Stats, Value, VectorElement};
