//! What may follow an expression: `offset`, `@`, `anchored`, `smoothed` and brackets.

use super::{ParseError, Parsed, Parser};
use crate::{
    ast::{At, BinaryOp, DurationExpr, Expr, Extension, MatrixSelector, Modifiers, Subquery},
    lexer::token::{Keyword, Kind},
    span::Span,
    text::{duration, float, number},
};

impl Parser<'_> {
    /// Applies all that follows to a primary expression.
    pub(super) fn modified(&mut self, mut parsed: Parsed) -> Result<Parsed, ParseError> {
        loop {
            match self.stream.kind() {
                Kind::Keyword(Keyword::Offset) => self.offset(&mut parsed.expr)?,
                Kind::Keyword(Keyword::Anchored) => {
                    self.stream.take();
                    self.extend(&mut parsed.expr, Extension::Anchored)?;
                }
                Kind::Keyword(Keyword::Smoothed) => {
                    self.stream.take();
                    self.extend(&mut parsed.expr, Extension::Smoothed)?;
                }
                Kind::At => self.at(&mut parsed.expr)?,
                Kind::LeftBracket => parsed = self.brackets(parsed)?,
                _ => return Ok(parsed),
            }
        }
    }

    fn offset(&mut self, expr: &mut Expr) -> Result<(), ParseError> {
        self.stream.take();
        let offset = self.offset_duration()?;
        let (span, end) = (expr.span(), self.stream.end());
        let Some((modifiers, whole)) = modifiable(expr) else {
            let message = "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return Err(ParseError::new(span, message));
        };
        // An offset of zero counts as none.
        if modifiers.offset.as_ref().is_some_and(|old| old.literal_millis() != Some(0)) {
            return Err(ParseError::new(span, "offset may not be set multiple times"));
        }
        modifiers.offset = Some(offset);
        whole.end = end;
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Result<(), ParseError> {
        self.stream.take();
        let span = expr.span();
        let at = match self.stream.kind() {
            Kind::Keyword(keyword @ (Keyword::Start | Keyword::End)) => {
                let at = if *keyword == Keyword::Start { At::Start } else { At::End };
                self.stream.take();
                self.stream.expect(&Kind::LeftParen, "@", "timestamp")?;
                self.stream.expect(&Kind::RightParen, "@", "timestamp")?;
                at
            }
            _ => At::Time(self.timestamp(span)?),
        };
        let end = self.stream.end();
        let Some((modifiers, whole)) = modifiable(expr) else {
            let message = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
            return Err(ParseError::new(span, message));
        };
        if modifiers.at.is_some() {
            return Err(ParseError::new(span, "@ <timestamp> may not be set multiple times"));
        }
        modifiers.at = Some(at);
        whole.end = end;
        Ok(())
    }

    /// Seconds, perhaps with a sign, as milliseconds.
    fn timestamp(&mut self, expr: Span) -> Result<i64, ParseError> {
        let negative = match self.stream.kind() {
            Kind::Op(BinaryOp::Sub) => Some(true),
            Kind::Op(BinaryOp::Add) => Some(false),
            _ => None,
        };
        if negative.is_some() {
            self.stream.take();
        }
        let text = self.stream.text();
        let value = match self.stream.kind() {
            Kind::Number => number::parse(text),
            Kind::Duration => duration::parse(text).map(|millis| millis as f64 / 1000.0),
            _ => return Err(self.stream.unexpected("@", "timestamp")),
        };
        let at = self.stream.take();
        let value = value.map_err(|message| ParseError::new(at, message))?;
        let seconds = if negative == Some(true) { -value } else { value };
        // Outside of what milliseconds in 64 bits can hold there is no time.
        if !seconds.is_finite() || seconds.abs() >= i64::MAX as f64 {
            let number = if seconds.is_finite() {
                format!("{seconds:.6}")
            } else {
                float::Plain(seconds).to_string()
            };
            let message = format!("timestamp out of bounds for @ modifier: {number}");
            return Err(ParseError::new(expr, message));
        }
        Ok((seconds * 1000.0).round() as i64)
    }

    fn extend(&self, expr: &mut Expr, extension: Extension) -> Result<(), ParseError> {
        let name = if extension == Extension::Anchored { "anchored" } else { "smoothed" };
        let span = expr.span();
        let error = |message: String| Err(ParseError::new(span, message));
        if !self.options.extended_ranges {
            return error(format!("{name} modifier is experimental and not enabled"));
        }
        let slot = match expr {
            Expr::Selector(selector) => &mut selector.extension,
            Expr::Matrix(matrix) => &mut matrix.selector.extension,
            Expr::Subquery(_) => {
                return error(format!("{name} modifier is not supported for subqueries"));
            }
            _ => return error(format!("{name} modifier not implemented")),
        };
        if *slot != Extension::None && *slot != extension {
            return error("anchored and smoothed modifiers cannot be used together".to_owned());
        }
        *slot = extension;
        Ok(())
    }

    /// `[range]` or `[range:step]`.
    fn brackets(&mut self, parsed: Parsed) -> Result<Parsed, ParseError> {
        let open = self.stream.take();
        if matches!(self.stream.kind(), Kind::RightBracket | Kind::Colon) {
            let expected = "number, duration, step(), or range()";
            return Err(self.stream.unexpected("subquery or range selector", expected));
        }
        let range = self.positive_duration("subquery or range selector")?;
        if let Some(close) = self.stream.accept(&Kind::RightBracket) {
            return self.range_selector(parsed, range, open.to(close));
        }
        self.stream.expect(&Kind::Colon, "subquery or range", "\":\" or \"]\"")?;
        let mut step = None;
        if self.stream.kind() != &Kind::RightBracket {
            step = Some(self.positive_duration("subquery selector")?);
        }
        let close = self.stream.expect(&Kind::RightBracket, "subquery selector", "\"]\"")?;
        let span = parsed.expr.span().to(close);
        let modifiers = Modifiers::default();
        let subquery = Subquery { expr: Box::new(parsed.expr), range, step, modifiers, span };
        self.grown(Expr::Subquery(subquery), parsed.height)
    }

    fn range_selector(
        &self,
        parsed: Parsed,
        range: DurationExpr,
        brackets: Span,
    ) -> Result<Parsed, ParseError> {
        let error = |message| Err(ParseError::new(brackets, message));
        let Expr::Selector(selector) = parsed.expr else {
            return error("ranges only allowed for vector selectors");
        };
        if selector.modifiers.offset.as_ref().is_some_and(|old| old.literal_millis() != Some(0)) {
            return error("no offset modifiers allowed before range");
        }
        if selector.modifiers.at.is_some() {
            return error("no @ modifiers allowed before range");
        }
        let span = selector.span.to(brackets);
        self.grown(Expr::Matrix(MatrixSelector { selector, range, span }), parsed.height)
    }
}

/// The modifiers of a selector or subquery, and its span.
fn modifiable(expr: &mut Expr) -> Option<(&mut Modifiers, &mut Span)> {
    match expr {
        Expr::Selector(selector) => Some((&mut selector.modifiers, &mut selector.span)),
        Expr::Matrix(matrix) => Some((&mut matrix.selector.modifiers, &mut matrix.span)),
        Expr::Subquery(subquery) => Some((&mut subquery.modifiers, &mut subquery.span)),
        _ => None,
    }
}
