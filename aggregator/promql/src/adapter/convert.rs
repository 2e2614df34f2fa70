//! Turns the other tree into ours, node by node.

use model::matcher::{MatchOp, Matcher};
use promql_parser::{
    label::{MatchOp as OtherMatchOp, Matchers},
    parser::{
        AggregateExpr, BinModifier, BinaryExpr, Call as OtherCall, Expr as Other, LabelModifier,
        MatrixSelector as OtherMatrix, SubqueryExpr, VectorMatchCardinality,
        VectorSelector as OtherSelector, token,
    },
};

use super::{AdapterError, time};
use crate::{
    ast::{
        Aggregate, AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, Extension, Fill,
        Matching, MatrixSelector, NumberLiteral, Paren, StringLiteral, Subquery, Unary,
        VectorSelector,
    },
    functions,
    span::Span,
};

const NOWHERE: Span = Span { start: 0, end: 0, line: 0, column: 0 };

pub(super) fn expr(other: Other) -> Result<Expr, AdapterError> {
    let span = NOWHERE;
    Ok(match other {
        Other::NumberLiteral(number) => {
            Expr::Number(NumberLiteral { value: number.val, duration: false, span })
        }
        Other::StringLiteral(string) => Expr::String(StringLiteral { value: string.val, span }),
        Other::VectorSelector(other) => Expr::Selector(selector(other)?),
        Other::MatrixSelector(OtherMatrix { vs, range }) => {
            let (selector, range) = (selector(vs)?, time::duration(range));
            Expr::Matrix(MatrixSelector { selector, range, span })
        }
        Other::Subquery(other) => subquery(other)?,
        Other::Paren(paren) => Expr::Paren(Paren { expr: boxed(*paren.expr)?, span }),
        Other::Unary(unary) => {
            Expr::Unary(Unary { negative: true, expr: boxed(*unary.expr)?, span })
        }
        Other::Binary(other) => Expr::Binary(Box::new(binary(other)?)),
        Other::Aggregate(other) => Expr::Aggregate(Box::new(aggregate(other)?)),
        Other::Call(other) => Expr::Call(call(other)?),
        Other::Extension(_) => return Err(no_counterpart("an extension")),
    })
}

fn boxed(other: Other) -> Result<Box<Expr>, AdapterError> {
    expr(other).map(Box::new)
}

fn no_counterpart(what: impl Into<String>) -> AdapterError {
    AdapterError::NoCounterpart(what.into())
}

fn selector(other: OtherSelector) -> Result<VectorSelector, AdapterError> {
    let name = other.name.unwrap_or_default();
    let mut matchers = matchers(other.matchers)?;
    if !name.is_empty() {
        matchers.push(Matcher::metric(name.as_str()));
    }
    let modifiers = time::modifiers(other.offset.as_ref(), other.at.as_ref())?;
    Ok(VectorSelector { name, matchers, modifiers, extension: Extension::None, span: NOWHERE })
}

fn matchers(other: Matchers) -> Result<Vec<Matcher>, AdapterError> {
    if !other.or_matchers.is_empty() {
        return Err(no_counterpart("\"or\" between matchers"));
    }
    let matcher = |other: promql_parser::label::Matcher| {
        let op = match other.op {
            OtherMatchOp::Equal => MatchOp::Equal,
            OtherMatchOp::NotEqual => MatchOp::NotEqual,
            OtherMatchOp::Re(_) => MatchOp::Regex,
            OtherMatchOp::NotRe(_) => MatchOp::NotRegex,
        };
        Matcher::new(other.name, op, other.value).map_err(|error| no_counterpart(error.to_string()))
    };
    other.matchers.into_iter().map(matcher).collect()
}

fn subquery(other: SubqueryExpr) -> Result<Expr, AdapterError> {
    Ok(Expr::Subquery(Subquery {
        expr: boxed(*other.expr)?,
        range: time::duration(other.range),
        step: other.step.map(time::duration),
        modifiers: time::modifiers(other.offset.as_ref(), other.at.as_ref())?,
        span: NOWHERE,
    }))
}

fn binary(other: BinaryExpr) -> Result<Binary, AdapterError> {
    let op = binary_op(other.op.id())?;
    let modifier = other.modifier.unwrap_or_default();
    Ok(Binary {
        op,
        lhs: expr(*other.lhs)?,
        rhs: expr(*other.rhs)?,
        return_bool: modifier.return_bool,
        matching: matching(op, modifier),
    })
}

fn matching(op: BinaryOp, modifier: BinModifier) -> Matching {
    let (on, labels) = match modifier.matching {
        None => (false, Vec::new()),
        Some(LabelModifier::Include(labels)) => (true, labels.labels),
        Some(LabelModifier::Exclude(labels)) => (false, labels.labels),
    };
    let (cardinality, include) = match modifier.card {
        VectorMatchCardinality::ManyToOne(labels) => (Cardinality::ManyToOne, labels.labels),
        VectorMatchCardinality::OneToMany(labels) => (Cardinality::OneToMany, labels.labels),
        VectorMatchCardinality::ManyToMany => (Cardinality::ManyToMany, Vec::new()),
        VectorMatchCardinality::OneToOne if op.is_set() => (Cardinality::ManyToMany, Vec::new()),
        VectorMatchCardinality::OneToOne => (Cardinality::OneToOne, Vec::new()),
    };
    let fill = Fill { left: modifier.fill_values.lhs, right: modifier.fill_values.rhs };
    Matching { cardinality, on, labels, include, fill }
}

fn binary_op(id: token::TokenId) -> Result<BinaryOp, AdapterError> {
    Ok(match id {
        token::T_ADD => BinaryOp::Add,
        token::T_SUB => BinaryOp::Sub,
        token::T_MUL => BinaryOp::Mul,
        token::T_DIV => BinaryOp::Div,
        token::T_MOD => BinaryOp::Mod,
        token::T_POW => BinaryOp::Pow,
        token::T_ATAN2 => BinaryOp::Atan2,
        token::T_EQLC => BinaryOp::Equal,
        token::T_NEQ => BinaryOp::NotEqual,
        token::T_LSS => BinaryOp::Less,
        token::T_LTE => BinaryOp::LessEqual,
        token::T_GTR => BinaryOp::Greater,
        token::T_GTE => BinaryOp::GreaterEqual,
        token::T_LAND => BinaryOp::And,
        token::T_LOR => BinaryOp::Or,
        token::T_LUNLESS => BinaryOp::Unless,
        other => return Err(no_counterpart(format!("operator {other}"))),
    })
}

fn aggregate(other: AggregateExpr) -> Result<Aggregate, AdapterError> {
    let name = other.op.to_string();
    let op = AggregateOp::ALL.iter().find(|(known, _)| *known == name).map(|(_, op)| *op);
    let op = op.ok_or_else(|| no_counterpart(format!("aggregation {name}")))?;
    let (without, grouping) = match other.modifier {
        None => (false, Vec::new()),
        Some(LabelModifier::Include(labels)) => (false, labels.labels),
        Some(LabelModifier::Exclude(labels)) => (true, labels.labels),
    };
    let param = other.param.map(|param| expr(*param)).transpose()?;
    Ok(Aggregate { op, expr: expr(*other.expr)?, param, grouping, without, span: NOWHERE })
}

fn call(other: OtherCall) -> Result<Call, AdapterError> {
    let name = other.func.name;
    let function =
        functions::find(name).ok_or_else(|| no_counterpart(format!("function {name}")))?;
    let args = other.args.args.into_iter().map(|arg| expr(*arg)).collect::<Result<_, _>>()?;
    Ok(Call { function, args, span: NOWHERE })
}
