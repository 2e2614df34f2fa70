//! Prints expressions back as queries.
//!
//! What is printed parses to an equal expression. The form is Prometheus' normal form: one line,
//! matchers sorted, numbers without exponent.

mod pretty;

use std::fmt::{self, Display, Formatter, Write as _};

use model::{
    labels::{METRIC_NAME, is_plain_label_name},
    matcher::{MatchOp, Matcher},
};

use crate::{
    ast::{
        Aggregate, At, Binary, BinaryOp, Cardinality, DurationExpr, Expr, Extension, Matching,
        MatrixSelector, Modifiers, NumberLiteral, Subquery, VectorSelector,
    },
    text::{duration::Millis, float, quote::Quoted},
};

pub use pretty::format_query;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(node) => node.fmt(f),
            Self::String(node) => Quoted(&node.value).fmt(f),
            Self::Selector(node) => node.fmt(f),
            Self::Matrix(node) => node.fmt(f),
            Self::Subquery(node) => write!(f, "{}{}", node.expr, SubquerySuffix(node)),
            Self::Paren(node) => write!(f, "({})", node.expr),
            Self::Unary(node) => write!(f, "{}{}", sign(node.negative), node.expr),
            Self::Binary(node) => {
                write!(f, "{} {} {}", Left(node), Operator(node), node.rhs)
            }
            Self::Aggregate(node) => {
                write!(f, "{}(", AggregateHead(node))?;
                if let Some(param) = &node.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", node.expr)
            }
            Self::Call(node) => write!(f, "{}({})", node.function.name, List(&node.args)),
        }
    }
}

fn sign(negative: bool) -> char {
    if negative { '-' } else { '+' }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.duration {
            return Millis((self.value * 1000.0).round() as i64).fmt(f);
        }
        float::Plain(self.value).fmt(f)
    }
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Bare(self))?;
        at(&self.modifiers, f)?;
        extension(self.extension, f)?;
        offset(&self.modifiers, f)
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", Bare(&self.selector), self.range)?;
        extension(self.selector.extension, f)?;
        at(&self.selector.modifiers, f)?;
        offset(&self.selector.modifiers, f)
    }
}

/// A selector without its modifiers.
struct Bare<'a>(&'a VectorSelector);

impl Display for Bare<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(selector) = self;
        f.write_str(&selector.name)?;
        let mut shown: Vec<String> = selector
            .matchers
            .iter()
            .filter(|matcher| !is_own_name(matcher, &selector.name))
            .map(|matcher| matcher.to_string())
            .collect();
        shown.sort_unstable();
        if shown.is_empty() && !selector.name.is_empty() {
            return Ok(());
        }
        write!(f, "{{{}}}", shown.join(","))
    }
}

fn is_own_name(matcher: &Matcher, name: &str) -> bool {
    matcher.name() == METRIC_NAME
        && matcher.op() == MatchOp::Equal
        && matcher.value() == name
        && !name.is_empty()
}

fn at(modifiers: &Modifiers, f: &mut Formatter<'_>) -> fmt::Result {
    match modifiers.at {
        None => Ok(()),
        Some(At::Time(millis)) => {
            let sign = if millis < 0 { "-" } else { "" };
            let magnitude = millis.unsigned_abs();
            write!(f, " @ {sign}{}.{:03}", magnitude / 1000, magnitude % 1000)
        }
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
    }
}

fn extension(extension: Extension, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(match extension {
        Extension::None => "",
        Extension::Anchored => " anchored",
        Extension::Smoothed => " smoothed",
    })
}

fn offset(modifiers: &Modifiers, f: &mut Formatter<'_>) -> fmt::Result {
    match &modifiers.offset {
        Some(offset) if offset.literal_millis() != Some(0) => write!(f, " offset {offset}"),
        _ => Ok(()),
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(_) => Millis(self.literal_millis().unwrap_or(0)).fmt(f),
            Self::Step(_) => f.write_str("step()"),
            Self::Range(_) => f.write_str("range()"),
            Self::Extremum { max, args, .. } => {
                let name = if *max { "max_of" } else { "min_of" };
                write!(f, "{name}({}, {})", Operand(&args.0), Operand(&args.1))
            }
            Self::Negate { expr, .. } => write!(f, "-{}", Operand(expr)),
            Self::Binary { op, sides } => {
                write!(f, "{} {} {}", Operand(&sides.0), op.as_str(), Operand(&sides.1))
            }
            Self::Paren { expr, .. } => write!(f, "({})", Operand(expr)),
        }
    }
}

/// A number within arithmetic keeps the form in which it was written.
struct Operand<'a>(&'a DurationExpr);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            DurationExpr::Number(number) => number.fmt(f),
            other => other.fmt(f),
        }
    }
}

/// `[range:step]` with modifiers.
struct SubquerySuffix<'a>(&'a Subquery);

impl Display for SubquerySuffix<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(subquery) = self;
        write!(f, "[{}:", subquery.range)?;
        if let Some(step) = &subquery.step {
            step.fmt(f)?;
        }
        f.write_char(']')?;
        at(&subquery.modifiers, f)?;
        offset(&subquery.modifiers, f)
    }
}

/// What stands before an operator.
struct Left<'a>(&'a Binary);

impl Display for Left<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0.lhs {
            // The sign that infinity is printed with would apply to the power.
            Expr::Number(base) if self.0.op == BinaryOp::Pow && base.value == f64::INFINITY => {
                f.write_str("Inf")
            }
            left => left.fmt(f),
        }
    }
}

/// An operator with its modifiers.
struct Operator<'a>(&'a Binary);

impl Display for Operator<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.op.as_str())?;
        if self.0.return_bool {
            f.write_str(" bool")?;
        }
        self.0.matching.fmt(f)
    }
}

impl Display for Matching {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let group = match self.cardinality {
            Cardinality::ManyToOne => Some("group_left"),
            Cardinality::OneToMany => Some("group_right"),
            Cardinality::OneToOne | Cardinality::ManyToMany => None,
        };
        if !self.labels.is_empty() || self.on || group.is_some() {
            let word = if self.on { "on" } else { "ignoring" };
            write!(f, " {word} ({})", Names(&self.labels))?;
        }
        if let Some(group) = group {
            write!(f, " {group} ({})", Names(&self.include))?;
        }
        match (self.fill.left, self.fill.right) {
            (Some(left), Some(right)) if left == right => {
                write!(f, " fill ({})", float::General(left))
            }
            (left, right) => {
                for (word, value) in [("fill_left", left), ("fill_right", right)] {
                    if let Some(value) = value {
                        write!(f, " {word} ({})", float::General(value))?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// An aggregation up to its arguments.
struct AggregateHead<'a>(&'a Aggregate);

impl Display for AggregateHead<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(node) = self;
        f.write_str(node.op.as_str())?;
        if node.without {
            write!(f, " without ({}) ", Names(&node.grouping))?;
        } else if !node.grouping.is_empty() {
            write!(f, " by ({}) ", Names(&node.grouping))?;
        }
        Ok(())
    }
}

/// Label names, quoted where they are not plain.
struct Names<'a>(&'a [String]);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, name) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            if is_plain_label_name(name) {
                f.write_str(name)?;
            } else {
                Quoted(name).fmt(f)?;
            }
        }
        Ok(())
    }
}

struct List<'a>(&'a [Expr]);

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, expr) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            expr.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
