//! Aggregations and lists of grouping labels.

use super::{ParseError, Parsed, Parser};
use crate::{
    ast::{Aggregate, AggregateOp, Expr},
    lexer::token::{Keyword, Kind},
    text::quote::Quoted,
};

impl Parser<'_> {
    /// The name of an aggregation is next: an aggregation, or a metric that is called so.
    pub(super) fn aggregate_or_metric(&mut self, op: AggregateOp) -> Result<Parsed, ParseError> {
        match self.stream.second() {
            Kind::LeftParen | Kind::Keyword(Keyword::By | Keyword::Without) => self.aggregate(op),
            Kind::LeftBrace
            | Kind::LeftBracket
            | Kind::RightBracket
            | Kind::RightParen
            | Kind::Comma
            | Kind::At
            | Kind::Op(_)
            | Kind::Keyword(Keyword::Offset | Keyword::Anchored | Keyword::Smoothed)
            | Kind::End => {
                let expr = Expr::Selector(self.vector_selector()?);
                Ok(Parsed { expr, height: 1 })
            }
            _ => {
                self.stream.take();
                Err(self.stream.unexpected("", ""))
            }
        }
    }

    fn aggregate(&mut self, op: AggregateOp) -> Result<Parsed, ParseError> {
        let start = self.stream.take();
        let context = std::mem::replace(&mut self.stream.context, "aggregation");
        let mut modifier = self.grouping()?;
        let (mut args, height) = self.arguments()?;
        self.stream.context = context;
        if modifier.is_none() {
            modifier = self.grouping()?;
        }
        let span = start.until(self.stream.end());
        let error =
            |message: String| Err(self.stream.or_unreadable(ParseError::new(span, message)));
        if args.is_empty() {
            return error("no arguments for aggregate expression provided".to_owned());
        }
        if op.is_experimental() && !self.options.experimental_functions {
            return error(format!(
                "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                op.as_str()
            ));
        }
        let wanted = 1 + usize::from(op.has_param());
        if args.len() != wanted {
            return error(format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {}",
                args.len()
            ));
        }
        let Some(expr) = args.pop() else {
            return error("no arguments for aggregate expression provided".to_owned());
        };
        let (without, grouping) = modifier.unwrap_or_default();
        let aggregate = Aggregate { op, expr, param: args.pop(), grouping, without, span };
        self.grown(Expr::Aggregate(Box::new(aggregate)), height)
    }

    /// `by (…)` or `without (…)`, if one is next.
    fn grouping(&mut self) -> Result<Option<(bool, Vec<String>)>, ParseError> {
        let without = match self.stream.kind() {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.stream.take();
        Ok(Some((without, self.grouping_labels()?)))
    }

    /// Label names in parentheses.
    pub(super) fn grouping_labels(&mut self) -> Result<Vec<String>, ParseError> {
        const CONTEXT: &str = "grouping opts";
        self.stream.expect(&Kind::LeftParen, CONTEXT, "\"(\"")?;
        let mut labels = Vec::new();
        loop {
            if self.stream.accept(&Kind::RightParen).is_some() {
                return Ok(labels);
            }
            labels.push(self.grouping_label()?);
            if self.stream.accept(&Kind::Comma).is_none() {
                self.stream.expect(&Kind::RightParen, CONTEXT, "\",\" or \")\"")?;
                return Ok(labels);
            }
        }
    }

    fn grouping_label(&mut self) -> Result<String, ParseError> {
        match self.stream.kind() {
            Kind::String => {
                let (label, span) = self.stream.take_string()?;
                if label.is_empty() {
                    let message = format!("invalid label name for grouping: {}", Quoted(&label));
                    return Err(ParseError::new(span, message));
                }
                Ok(label)
            }
            kind if is_label(kind) => {
                let label = self.stream.text().to_owned();
                self.stream.take();
                Ok(label)
            }
            _ => Err(self.stream.unexpected("grouping opts", "label")),
        }
    }
}

/// Words that may be a label name although they have another meaning elsewhere.
fn is_label(kind: &Kind) -> bool {
    match kind {
        Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregate(_) => true,
        Kind::Op(op) => op.as_str().starts_with(|letter: char| letter.is_ascii_alphabetic()),
        Kind::Keyword(keyword) => *keyword != Keyword::Without,
        _ => false,
    }
}
