//! The syntax tree of a query.
//!
//! Every node carries its [`Span`], so that errors and annotations can say where they arose. Nodes
//! compare equal when they mean the same, wherever they stand.

mod ops;
mod walk;

use model::matcher::{MatchOp, Matcher};

pub use ops::{AggregateOp, BinaryOp};

use crate::{functions::Function, span::Span};

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    Scalar,
    /// An instant vector.
    Vector,
    /// A range vector.
    Matrix,
    String,
}

impl ValueType {
    /// The name in error messages and in the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
            Self::String => "string",
        }
    }
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Number(NumberLiteral),
    String(StringLiteral),
    Selector(VectorSelector),
    Matrix(MatrixSelector),
    Subquery(Subquery),
    Paren(Paren),
    Unary(Unary),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Call),
}

/// A number, written as a number or as a duration.
#[derive(Clone, Debug)]
pub struct NumberLiteral {
    /// A duration's value is in seconds.
    pub value: f64,
    /// Whether it was written as a duration.
    pub duration: bool,
    pub span: Span,
}

/// NaN equals NaN here: it is the same literal. How it was written does not matter.
impl PartialEq for NumberLiteral {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value || (self.value.is_nan() && other.value.is_nan())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringLiteral {
    pub value: String,
    pub span: Span,
}

/// `metric{label="value"} @ time offset duration`.
#[derive(Clone, Debug)]
pub struct VectorSelector {
    /// The metric name where it stands before the braces, else empty.
    pub name: String,
    /// All conditions; the one for `name`, if any, comes last.
    pub matchers: Vec<Matcher>,
    pub modifiers: Modifiers,
    pub extension: Extension,
    pub span: Span,
}

/// The order of conditions does not matter.
impl PartialEq for VectorSelector {
    fn eq(&self, other: &Self) -> bool {
        let conditions = |selector: &Self| {
            let mut conditions: Vec<(String, MatchOp, String)> = selector
                .matchers
                .iter()
                .map(|matcher| (matcher.name().into(), matcher.op(), matcher.value().into()))
                .collect();
            conditions.sort_unstable();
            conditions
        };
        self.name == other.name
            && self.modifiers == other.modifiers
            && self.extension == other.extension
            && conditions(self) == conditions(other)
    }
}

/// How a selector treats the samples around its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Extension {
    #[default]
    None,
    /// The last sample before the range counts as its first.
    Anchored,
    /// Values at the edges of the range are interpolated.
    Smoothed,
}

/// When a selector or subquery is evaluated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modifiers {
    pub offset: Option<DurationExpr>,
    pub at: Option<At>,
}

/// The `@` modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// A fixed time in milliseconds.
    Time(i64),
    /// The start of the query.
    Start,
    /// The end of the query.
    End,
}

/// `selector[range]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSelector {
    pub selector: VectorSelector,
    pub range: DurationExpr,
    pub span: Span,
}

/// `expression[range:step]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    pub expr: Box<Expr>,
    pub range: DurationExpr,
    pub step: Option<DurationExpr>,
    pub modifiers: Modifiers,
    pub span: Span,
}

/// A duration: a number of seconds or arithmetic on such.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationExpr {
    Number(NumberLiteral),
    /// `step()`: the step of the query.
    Step(Span),
    /// `range()`: the length of the query.
    Range(Span),
    /// `min_of(a, b)` and `max_of(a, b)`.
    Extremum {
        max: bool,
        args: Box<(Self, Self)>,
        span: Span,
    },
    Negate {
        expr: Box<Self>,
        span: Span,
    },
    Binary {
        op: BinaryOp,
        sides: Box<(Self, Self)>,
    },
    Paren {
        expr: Box<Self>,
        span: Span,
    },
}

/// An expression in parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct Paren {
    pub expr: Box<Expr>,
    pub span: Span,
}

/// A sign before an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary {
    pub negative: bool,
    pub expr: Box<Expr>,
    pub span: Span,
}

/// Two expressions joined by an operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: BinaryOp,
    pub lhs: Expr,
    pub rhs: Expr,
    /// A comparison that answers 0 or 1 instead of filtering.
    pub return_bool: bool,
    /// How elements find each other when both sides are vectors.
    pub matching: Matching,
}

/// The rules by which elements of two vectors find each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matching {
    pub cardinality: Cardinality,
    /// `on` (only these labels count) instead of `ignoring` (all but these).
    pub on: bool,
    pub labels: Vec<String>,
    /// Labels copied from the side of which there is one.
    pub include: Vec<String>,
    /// Values that stand in for a missing left or right side.
    pub fill: Fill,
}

/// Values that stand in for missing elements.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fill {
    pub left: Option<f64>,
    pub right: Option<f64>,
}

impl Fill {
    pub fn is_empty(self) -> bool {
        self.left.is_none() && self.right.is_none()
    }
}

impl PartialEq for Fill {
    fn eq(&self, other: &Self) -> bool {
        let bits = |fill: &Self| (fill.left.map(f64::to_bits), fill.right.map(f64::to_bits));
        bits(self) == bits(other)
    }
}

/// How many elements on either side may match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cardinality {
    #[default]
    OneToOne,
    /// `group_left`.
    ManyToOne,
    /// `group_right`.
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// An aggregation over groups of elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub op: AggregateOp,
    pub expr: Expr,
    /// The first argument of those that take two.
    pub param: Option<Expr>,
    pub grouping: Vec<String>,
    /// `without` instead of `by`.
    pub without: bool,
    pub span: Span,
}

/// A function applied to arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: &'static Function,
    pub args: Vec<Expr>,
    pub span: Span,
}

impl Expr {
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::String(_) => ValueType::String,
            Self::Selector(_) | Self::Aggregate(_) => ValueType::Vector,
            Self::Matrix(_) | Self::Subquery(_) => ValueType::Matrix,
            Self::Paren(paren) => paren.expr.value_type(),
            Self::Unary(unary) => unary.expr.value_type(),
            Self::Binary(binary) => match (binary.lhs.value_type(), binary.rhs.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            Self::Call(call) => call.function.returns,
        }
    }

    pub fn span(&self) -> Span {
        match self {
            Self::Number(node) => node.span,
            Self::String(node) => node.span,
            Self::Selector(node) => node.span,
            Self::Matrix(node) => node.span,
            Self::Subquery(node) => node.span,
            Self::Paren(node) => node.span,
            Self::Unary(node) => node.span,
            Self::Binary(node) => node.lhs.span().to(node.rhs.span()),
            Self::Aggregate(node) => node.span,
            Self::Call(node) => node.span,
        }
    }
}

impl DurationExpr {
    pub fn span(&self) -> Span {
        match self {
            Self::Number(number) => number.span,
            Self::Step(span) | Self::Range(span) => *span,
            Self::Extremum { span, .. } | Self::Negate { span, .. } | Self::Paren { span, .. } => {
                *span
            }
            Self::Binary { sides, .. } => sides.0.span().to(sides.1.span()),
        }
    }

    /// The duration in milliseconds where it is a plain number.
    pub fn literal_millis(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some((number.value * 1e9).round() as i64 / 1_000_000),
            _ => None,
        }
    }
}
