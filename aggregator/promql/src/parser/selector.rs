//! Vector selectors and label matchers.

use model::{
    labels::METRIC_NAME,
    matcher::{MatchOp, Matcher},
};

use super::{ParseError, Parser};
use crate::{
    ast::{BinaryOp, Extension, Modifiers, VectorSelector},
    lexer::token::{Keyword, Kind},
    span::Span,
};

const CONTEXT: &str = "label matching";

impl Parser<'_> {
    /// `name`, `name{…}` or `{…}`.
    pub(super) fn vector_selector(&mut self) -> Result<VectorSelector, ParseError> {
        let mut name = String::new();
        let mut span = self.stream.span();
        if is_metric(self.stream.kind()) {
            self.stream.text().clone_into(&mut name);
            self.stream.take();
        } else if self.stream.kind() != &Kind::LeftBrace {
            return Err(self.stream.unexpected("", ""));
        }
        let mut matchers = Vec::new();
        if self.stream.kind() == &Kind::LeftBrace {
            matchers = self.matchers()?;
            span = span.until(self.stream.end());
        }
        if !name.is_empty() {
            matchers.push(Matcher::metric(name.as_str()));
        }
        let modifiers = Modifiers::default();
        Ok(VectorSelector { name, matchers, modifiers, extension: Extension::None, span })
    }

    /// Matchers in braces.
    fn matchers(&mut self) -> Result<Vec<Matcher>, ParseError> {
        self.stream.take();
        let mut matchers = Vec::new();
        if self.stream.accept(&Kind::RightBrace).is_some() {
            return Ok(matchers);
        }
        loop {
            matchers.push(self.matcher()?);
            if self.stream.accept(&Kind::Comma).is_none() {
                self.stream.expect(&Kind::RightBrace, CONTEXT, "\",\" or \"}\"")?;
                return Ok(matchers);
            }
            if self.stream.accept(&Kind::RightBrace).is_some() {
                return Ok(matchers);
            }
        }
    }

    /// One condition, or a quoted metric name.
    fn matcher(&mut self) -> Result<Matcher, ParseError> {
        let (label, quoted, start) = match self.stream.kind() {
            Kind::Identifier => {
                let label = self.stream.text().to_owned();
                (label, false, self.stream.take())
            }
            Kind::String => {
                let (label, span) = self.stream.take_string()?;
                (label, true, span)
            }
            _ => return Err(self.stream.unexpected(CONTEXT, "identifier or \"}\"")),
        };
        let op = match self.stream.kind() {
            Kind::Assign => MatchOp::Equal,
            Kind::Op(BinaryOp::NotEqual) => MatchOp::NotEqual,
            Kind::Matches => MatchOp::Regex,
            Kind::NotMatches => MatchOp::NotRegex,
            _ if quoted => return Ok(Matcher::equal(METRIC_NAME, label)),
            _ => return Err(self.stream.unexpected(CONTEXT, "label matching operator")),
        };
        self.stream.take();
        if self.stream.kind() != &Kind::String {
            return Err(self.stream.unexpected(CONTEXT, "string"));
        }
        let (value, end) = self.stream.take_string()?;
        self.new_matcher(label, op, value, start.to(end))
    }

    fn new_matcher(
        &self,
        label: String,
        op: MatchOp,
        value: String,
        span: Span,
    ) -> Result<Matcher, ParseError> {
        Matcher::new(label, op, value).map_err(|error| {
            let message = format!("error parsing regexp: {}: `{}`", error.message, error.pattern);
            ParseError::new(span, message)
        })
    }
}

/// Words that may be a metric name although they have another meaning elsewhere.
pub(super) fn is_metric(kind: &Kind) -> bool {
    match kind {
        Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) => true,
        Kind::Op(op) => op.is_set(),
        Kind::Keyword(keyword) => !matches!(
            keyword,
            Keyword::Bool
                | Keyword::On
                | Keyword::Ignoring
                | Keyword::GroupLeft
                | Keyword::GroupRight
        ),
        _ => false,
    }
}
