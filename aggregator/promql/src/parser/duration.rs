//! Durations in brackets and after `offset`: numbers, and arithmetic on them.

use super::{ParseError, Parser, binary::Power};
use crate::{
    ast::{BinaryOp, DurationExpr, NumberLiteral},
    lexer::token::{Keyword, Kind},
    span::Span,
};

/// Longest duration in seconds: 63 bits of nanoseconds.
pub(crate) const SECONDS_MAX: f64 = 9_223_372_036.854_776;

impl Parser<'_> {
    /// A duration in brackets.
    pub(super) fn positive_duration(&mut self, context: &str) -> Result<DurationExpr, ParseError> {
        let duration = self.duration(0, context)?;
        if let DurationExpr::Number(number) = &duration
            && number.value <= 0.0
        {
            let error = ParseError::new(number.span, "duration must be greater than 0");
            return Err(self.stream.or_unreadable(error));
        }
        Ok(duration)
    }

    /// A duration after `offset`. Only one that begins with a parenthesis goes on with operators:
    /// in `x offset 5m * 2` the multiplication applies to `x offset 5m`.
    pub(super) fn offset_duration(&mut self) -> Result<DurationExpr, ParseError> {
        const CONTEXT: &str = "offset";
        if self.stream.kind() == &Kind::LeftParen {
            return self.duration(0, CONTEXT);
        }
        self.signed_operand(CONTEXT)
    }

    /// An operand after any number of signs.
    fn signed_operand(&mut self, context: &str) -> Result<DurationExpr, ParseError> {
        let Some(negative) = self.sign() else {
            return self.duration_operand(context);
        };
        let sign = self.stream.take();
        let operand = self.nested(|parser| parser.signed_operand(context))?;
        self.signed_duration(negative, sign, operand)
    }

    /// Arithmetic whose operators bind at least as strongly as `power`.
    fn duration(&mut self, power: u8, context: &str) -> Result<DurationExpr, ParseError> {
        self.nested(|parser| {
            let mut left = match parser.sign() {
                Some(negative) => {
                    let sign = parser.stream.take();
                    let operand = parser.duration(Power::UNARY, context)?;
                    parser.signed_duration(negative, sign, operand)?
                }
                None => parser.duration_operand(context)?,
            };
            // The chain counts as nesting, as its tree is as high as it is long.
            let mut links = 0;
            while let Some((op, strength)) = parser.operator()
                && matches!(
                    op,
                    BinaryOp::Add
                        | BinaryOp::Sub
                        | BinaryOp::Mul
                        | BinaryOp::Div
                        | BinaryOp::Mod
                        | BinaryOp::Pow
                )
                && strength.left >= power
            {
                links += 1;
                if parser.depth + links > parser.options.height_max {
                    return Err(parser.too_deep(left.span()));
                }
                let at = parser.stream.take();
                parser.arithmetic_enabled(left.span())?;
                let right = parser.duration(strength.right(), context)?;
                not_zero(op, &right, at).map_err(|error| parser.stream.or_unreadable(error))?;
                left = DurationExpr::Binary { op, sides: Box::new((left, right)) };
            }
            Ok(left)
        })
    }

    fn signed_duration(
        &self,
        negative: bool,
        sign: Span,
        operand: DurationExpr,
    ) -> Result<DurationExpr, ParseError> {
        let span = sign.to(operand.span());
        match operand {
            DurationExpr::Number(number) => {
                let value = if negative { -number.value } else { number.value };
                Ok(DurationExpr::Number(NumberLiteral { value, span, ..number }))
            }
            _ if negative => {
                self.arithmetic_enabled(span)?;
                Ok(DurationExpr::Negate { expr: Box::new(operand), span })
            }
            expr => Ok(expr),
        }
    }

    fn duration_operand(&mut self, context: &str) -> Result<DurationExpr, ParseError> {
        match self.stream.kind() {
            Kind::Number | Kind::Duration => {
                let number = self.number_literal()?;
                if number.value.abs() > SECONDS_MAX {
                    return Err(ParseError::new(number.span, "duration out of range"));
                }
                Ok(DurationExpr::Number(number))
            }
            Kind::LeftParen => {
                let open = self.stream.take();
                let inner = self.duration(0, context)?;
                self.stream.expect(&Kind::RightParen, context, expected(context))?;
                self.arithmetic_enabled(inner.span())?;
                Ok(parenthesized(inner, open))
            }
            Kind::Keyword(keyword) if keyword.in_duration() => {
                let keyword = *keyword;
                self.duration_function(keyword, context)
            }
            _ => Err(self.stream.unexpected(context, expected(context))),
        }
    }

    fn duration_function(
        &mut self,
        keyword: Keyword,
        context: &str,
    ) -> Result<DurationExpr, ParseError> {
        let start = self.stream.take();
        let expected = expected(context);
        self.stream.expect(&Kind::LeftParen, context, expected)?;
        let mut args = None;
        if matches!(keyword, Keyword::MaxOf | Keyword::MinOf) {
            let first = self.duration(0, context)?;
            self.stream.expect(&Kind::Comma, context, expected)?;
            args = Some(Box::new((first, self.duration(0, context)?)));
        }
        let span = start.to(self.stream.expect(&Kind::RightParen, context, expected)?);
        self.arithmetic_enabled(span)?;
        Ok(match (keyword, args) {
            (Keyword::Step, _) => DurationExpr::Step(span),
            (keyword, Some(args)) => {
                DurationExpr::Extremum { max: keyword == Keyword::MaxOf, args, span }
            }
            _ => DurationExpr::Range(span),
        })
    }

    fn arithmetic_enabled(&self, span: Span) -> Result<(), ParseError> {
        if self.options.duration_expressions {
            return Ok(());
        }
        Err(ParseError::new(span, "experimental duration expression is not enabled"))
    }
}

/// What could stand where a duration does.
fn expected(context: &str) -> &'static str {
    match context {
        "subquery selector" => "number, duration, step(), range(), or \"]\"",
        _ => "number, duration, step(), or range()",
    }
}

/// More than one pair of parentheses counts as one. As in Prometheus, messages about an expression
/// in parentheses point to what is inside of them, except that a number begins with its parenthesis.
fn parenthesized(inner: DurationExpr, open: Span) -> DurationExpr {
    let span = inner.span();
    match inner {
        DurationExpr::Paren { .. } => inner,
        DurationExpr::Number(_) => {
            DurationExpr::Paren { expr: Box::new(inner), span: open.to(span) }
        }
        inner => DurationExpr::Paren { expr: Box::new(inner), span },
    }
}

fn not_zero(op: BinaryOp, divisor: &DurationExpr, at: Span) -> Result<(), ParseError> {
    let message = match op {
        BinaryOp::Div => "division by zero",
        BinaryOp::Mod => "modulo by zero",
        _ => return Ok(()),
    };
    match divisor {
        DurationExpr::Number(number) if number.value == 0.0 => Err(ParseError::new(at, message)),
        _ => Ok(()),
    }
}
