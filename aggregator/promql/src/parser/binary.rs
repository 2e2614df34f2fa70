//! Binary operators with their modifiers.

use super::{ParseError, Parsed, Parser};
use crate::{
    ast::{Binary, BinaryOp, Cardinality, Expr, Fill, Matching},
    lexer::token::{Keyword, Kind},
};

/// How strongly an operator binds to either side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power {
    pub(super) left: u8,
    right: u8,
}

impl Power {
    /// What a sign leaves to the operators after its operand.
    pub(super) const UNARY: u8 = 11;

    pub(super) fn of(op: BinaryOp) -> Self {
        use BinaryOp as Op;
        let (left, right) = match op {
            Op::Or => (1, 2),
            Op::And | Op::Unless => (3, 4),
            Op::Equal
            | Op::NotEqual
            | Op::Less
            | Op::LessEqual
            | Op::Greater
            | Op::GreaterEqual
            | Op::TrimUpper
            | Op::TrimLower => (5, 6),
            Op::Add | Op::Sub => (7, 8),
            Op::Mul | Op::Div | Op::Mod | Op::Atan2 => (9, 10),
            // Associates to the right.
            Op::Pow => (12, 11),
        };
        Self { left, right }
    }

    pub(super) fn right(self) -> u8 {
        self.right
    }
}

impl Parser<'_> {
    /// The operator that comes next, if one does.
    pub(super) fn operator(&self) -> Option<(BinaryOp, Power)> {
        match self.stream.kind() {
            Kind::Op(op) => Some((*op, Power::of(*op))),
            _ => None,
        }
    }

    /// The rest of a binary expression, from its operator on.
    pub(super) fn binary(
        &mut self,
        left: Parsed,
        op: BinaryOp,
        power: Power,
    ) -> Result<Parsed, ParseError> {
        self.stream.take();
        let return_bool = self.stream.accept(&Kind::Keyword(Keyword::Bool)).is_some();
        let mut matching = self.matching()?;
        matching.fill = self.fill()?;
        let right = self.expression(power.right())?;
        if op.is_set() && matching.cardinality == Cardinality::OneToOne {
            matching.cardinality = Cardinality::ManyToMany;
        }
        let binary = Binary { op, lhs: left.expr, rhs: right.expr, return_bool, matching };
        let expr = Expr::Binary(Box::new(binary));
        let filled = matches!(&expr, Expr::Binary(binary) if !binary.matching.fill.is_empty());
        if filled && !self.options.fill {
            let message = "binop fill modifiers are experimental and not enabled";
            return Err(ParseError::new(expr.span(), message));
        }
        self.grown(expr, left.height.max(right.height))
    }

    fn matching(&mut self) -> Result<Matching, ParseError> {
        let mut matching = Matching::default();
        match self.stream.kind() {
            Kind::Keyword(Keyword::On) => matching.on = true,
            Kind::Keyword(Keyword::Ignoring) => {}
            _ => return Ok(matching),
        }
        self.stream.take();
        matching.labels = self.grouping_labels()?;
        matching.cardinality = match self.stream.kind() {
            Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(matching),
        };
        self.stream.take();
        if self.stream.kind() == &Kind::LeftParen {
            matching.include = self.grouping_labels()?;
        }
        Ok(matching)
    }

    fn fill(&mut self) -> Result<Fill, ParseError> {
        let mut fill = Fill::default();
        match self.stream.kind() {
            Kind::Keyword(Keyword::Fill) => {
                let value = Some(self.fill_value()?);
                fill = Fill { left: value, right: value };
            }
            Kind::Keyword(Keyword::FillLeft) => {
                fill.left = Some(self.fill_value()?);
                if self.stream.kind() == &Kind::Keyword(Keyword::FillRight) {
                    fill.right = Some(self.fill_value()?);
                }
            }
            Kind::Keyword(Keyword::FillRight) => {
                fill.right = Some(self.fill_value()?);
                if self.stream.kind() == &Kind::Keyword(Keyword::FillLeft) {
                    fill.left = Some(self.fill_value()?);
                }
            }
            _ => {}
        }
        Ok(fill)
    }

    /// The keyword and a number in parentheses.
    fn fill_value(&mut self) -> Result<f64, ParseError> {
        self.stream.take();
        self.stream.expect(&Kind::LeftParen, "", "")?;
        let negative = self.sign();
        if negative.is_some() {
            self.stream.take();
        }
        if !matches!(self.stream.kind(), Kind::Number | Kind::Duration) {
            return Err(self.stream.unexpected("", ""));
        }
        let value = self.number_literal()?.value;
        self.stream.expect(&Kind::RightParen, "", "")?;
        Ok(if negative == Some(true) { -value } else { value })
    }
}
