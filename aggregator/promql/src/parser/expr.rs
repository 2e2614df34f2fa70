//! Expressions: literals, parentheses, signs, function calls, and what may follow them.

use super::{ParseError, Parsed, Parser, binary::Power, selector};
use crate::{
    ast::{BinaryOp, Call, Expr, NumberLiteral, Paren, StringLiteral, Unary},
    functions,
    lexer::token::{Keyword, Kind},
    span::Span,
    text::{duration, number, quote::Quoted},
};

impl Parser<'_> {
    /// An expression whose operators all bind at least as strongly as `power`.
    pub(super) fn expression(&mut self, power: u8) -> Result<Parsed, ParseError> {
        self.nested(|parser| {
            let mut left = parser.operand()?;
            while let Some((op, strength)) = parser.operator()
                && strength.left >= power
            {
                left = parser.binary(left, op, strength)?;
            }
            Ok(left)
        })
    }

    /// A primary expression with its signs, modifiers and brackets.
    fn operand(&mut self) -> Result<Parsed, ParseError> {
        if let Some(negative) = self.sign() {
            return self.signed(negative);
        }
        let primary = self.primary()?;
        self.modified(primary)
    }

    /// Whether a sign comes next, and which.
    pub(super) fn sign(&self) -> Option<bool> {
        match self.stream.kind() {
            Kind::Op(BinaryOp::Sub) => Some(true),
            Kind::Op(BinaryOp::Add) => Some(false),
            _ => None,
        }
    }

    fn signed(&mut self, negative: bool) -> Result<Parsed, ParseError> {
        let sign = self.stream.take();
        // A sign binds like a multiplication: only powers bind more strongly.
        let operand = self.expression(Power::UNARY)?;
        let span = sign.to(operand.expr.span());
        match operand.expr {
            Expr::Number(literal) => {
                let value = if negative { -literal.value } else { literal.value };
                let literal = NumberLiteral { value, span, ..literal };
                Ok(Parsed { expr: Expr::Number(literal), ..operand })
            }
            expr => {
                let unary = Unary { negative, expr: Box::new(expr), span };
                self.grown(Expr::Unary(unary), operand.height)
            }
        }
    }

    fn primary(&mut self) -> Result<Parsed, ParseError> {
        let leaf = |expr| Ok(Parsed { expr, height: 1 });
        match self.stream.kind() {
            Kind::Number | Kind::Duration => leaf(Expr::Number(self.number_literal()?)),
            Kind::String => {
                let (value, span) = self.stream.take_string()?;
                leaf(Expr::String(StringLiteral { value, span }))
            }
            Kind::LeftParen => self.parenthesized(),
            Kind::Aggregate(op) => {
                let op = *op;
                self.aggregate_or_metric(op)
            }
            Kind::Identifier if self.stream.second() == &Kind::LeftParen => self.call(),
            Kind::Keyword(keyword)
                if (keyword.in_duration() || matches!(keyword, Keyword::Start | Keyword::End))
                    && self.stream.second() == &Kind::LeftParen =>
            {
                self.call()
            }
            _ => leaf(Expr::Selector(self.vector_selector()?)),
        }
    }

    /// A number or duration, which is next.
    pub(super) fn number_literal(&mut self) -> Result<NumberLiteral, ParseError> {
        let text = self.stream.text();
        let duration = self.stream.kind() == &Kind::Duration;
        let span = self.stream.take();
        let value = if duration {
            duration::parse(text).map(|millis| millis as f64 / 1000.0)
        } else {
            number::parse(text)
        };
        match value {
            Ok(value) => Ok(NumberLiteral { value, duration, span }),
            Err(message) => Err(ParseError::new(span, message)),
        }
    }

    fn parenthesized(&mut self) -> Result<Parsed, ParseError> {
        let open = self.stream.take();
        let inner = self.expression(0)?;
        let close = self.stream.expect(&Kind::RightParen, "", "")?;
        let paren = Paren { expr: Box::new(inner.expr), span: open.to(close) };
        self.grown(Expr::Paren(paren), inner.height)
    }

    fn call(&mut self) -> Result<Parsed, ParseError> {
        let name = self.stream.text();
        let name_span = self.stream.take();
        let (args, height) = self.arguments()?;
        let error = |message| Err(ParseError::new(name_span, message));
        let Some(function) = functions::find(name) else {
            return error(format!("unknown function with name {}", Quoted(name)));
        };
        if function.experimental && !self.options.experimental_functions {
            return error(format!("function {} is not enabled", Quoted(name)));
        }
        let span = name_span.until(self.stream.end());
        self.grown(Expr::Call(Call { function, args, span }), height)
    }

    /// Arguments in parentheses, with the greatest height among them.
    pub(super) fn arguments(&mut self) -> Result<(Vec<Expr>, u32), ParseError> {
        self.stream.expect(&Kind::LeftParen, "", "")?;
        let mut args = Vec::new();
        let mut height = 0;
        if self.stream.accept(&Kind::RightParen).is_some() {
            return Ok((args, height));
        }
        loop {
            let arg = self.expression(0)?;
            height = height.max(arg.height);
            args.push(arg.expr);
            let Some(comma) = self.stream.accept(&Kind::Comma) else { break };
            if !begins_expression(self.stream.kind()) {
                return Err(trailing_comma(comma));
            }
        }
        self.stream.expect(&Kind::RightParen, "", "")?;
        Ok((args, height))
    }
}

/// Whether an expression can begin so. Errors of the lexer are to be reported as such.
fn begins_expression(kind: &Kind) -> bool {
    match kind {
        Kind::Number
        | Kind::Duration
        | Kind::String
        | Kind::LeftParen
        | Kind::LeftBrace
        | Kind::Op(BinaryOp::Add | BinaryOp::Sub)
        | Kind::Error(_) => true,
        kind => selector::is_metric(kind),
    }
}

fn trailing_comma(span: Span) -> ParseError {
    ParseError::new(span, "trailing commas not allowed in function call args")
}
