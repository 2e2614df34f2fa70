//! Turns a query into a syntax tree.
//!
//! A recursive descent parser, by binding power for the operators. It runs in linear time, and both
//! the length of a query and the height of its tree are limited, so that no query can exhaust the
//! stack here or wherever the tree is walked later.

mod aggregate;
mod binary;
mod check;
mod duration;
mod expr;
mod modifier;
mod selector;
mod stream;

use model::matcher::Matcher;

use crate::{
    ast::{Expr, ValueType},
    lexer::token::Kind,
    span::Span,
    stack,
};
use stream::Stream;

/// What a query may be and use.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions {
    /// Longest query in bytes.
    pub bytes_max: usize,
    /// Greatest height of the tree: nesting as well as length of a chain of operators.
    pub height_max: u32,
    /// Functions and aggregations that may still change.
    pub experimental_functions: bool,
    /// Arithmetic in durations.
    pub duration_expressions: bool,
    /// `anchored` and `smoothed`.
    pub extended_ranges: bool,
    /// `fill`, `fill_left` and `fill_right`.
    pub fill: bool,
}

/// Everything is enabled.
impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 10,
            height_max: 256,
            experimental_functions: true,
            duration_expressions: true,
            extended_ranges: true,
            fill: true,
        }
    }
}

/// Why a text is not a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{span}: parse error: {message}")]
pub struct ParseError {
    pub message: String,
    pub span: Span,
}

impl ParseError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span }
    }
}

/// Parses and type-checks a query. Errors are worded as Prometheus words them.
pub fn parse(query: &str, options: &ParseOptions) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(query, options)?;
    let height = parser.stream.height_max();
    let parsed = stack::with_room(height, || parser.query(query));
    parsed.unwrap_or_else(|| {
        Err(ParseError::new(Span::default(), "no memory for an expression of this height"))
    })
}

/// Parses a metric selector such as `/series` takes: `name{label="value"}`. It may select everything.
pub fn parse_selector(text: &str, options: &ParseOptions) -> Result<Vec<Matcher>, ParseError> {
    let mut parser = Parser::new(text, options)?;
    let selector = parser.vector_selector()?;
    if parser.stream.kind() != &Kind::End {
        return Err(parser.stream.unexpected("", ""));
    }
    Ok(selector.matchers)
}

struct Parser<'a> {
    stream: Stream<'a>,
    options: &'a ParseOptions,
    /// How deep the parser itself is in.
    depth: u32,
}

/// An expression with the height of its tree.
struct Parsed {
    expr: Expr,
    height: u32,
}

impl<'a> Parser<'a> {
    fn new(query: &'a str, options: &'a ParseOptions) -> Result<Self, ParseError> {
        if query.len() > options.bytes_max {
            let message =
                format!("query has {} bytes, allowed are {}", query.len(), options.bytes_max);
            return Err(ParseError::new(Span { line: 1, column: 1, ..Span::default() }, message));
        }
        Ok(Self { stream: Stream::new(query), options, depth: 0 })
    }

    /// The whole text, which is one expression.
    fn query(&mut self, query: &str) -> Result<Expr, ParseError> {
        if self.stream.kind() == &Kind::End {
            let span = Span { end: 0, ..self.stream.span() };
            let nowhere = Span { line: u32::from(!query.is_empty()), column: 1, ..span };
            return Err(ParseError::new(nowhere, "no expression found in input"));
        }
        let parsed = self.expression(0)?;
        if self.stream.kind() != &Kind::End {
            return Err(self.stream.unexpected("", ""));
        }
        check::check(&parsed.expr, query)?;
        Ok(parsed.expr)
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        self.depth += 1;
        if self.depth > self.options.height_max {
            return Err(self.too_deep(self.stream.span()));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// A tree of one more level than `height`, if that is allowed.
    fn grown(&self, expr: Expr, height: u32) -> Result<Parsed, ParseError> {
        let span = expr.span();
        let parsed = Parsed { expr, height: height + 1 };
        if parsed.height > self.options.height_max {
            return Err(self.too_deep(span));
        }
        Ok(parsed)
    }

    fn too_deep(&self, span: Span) -> ParseError {
        let message = format!("expression is nested deeper than {}", self.options.height_max);
        ParseError::new(span, message)
    }
}

/// The name of a type where Prometheus shows its internal one.
fn internal_name(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Scalar => "scalar",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
        ValueType::String => "string",
    }
}

#[cfg(test)]
mod tests;
