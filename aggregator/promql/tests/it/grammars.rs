//! Our grammar against that of the `promql-parser` crate.

use promql::{
    Expr, ParseOptions, adapter,
    ast::{BinaryOp, DurationExpr, Extension, Modifiers, VectorSelector},
    functions::FunctionId,
    parse,
};

/// Takes away signs that do nothing, which the other grammar does not keep.
fn plain(expr: Expr) -> Expr {
    match expr {
        Expr::Subquery(mut subquery) => {
            *subquery.expr = plain(*subquery.expr);
            Expr::Subquery(subquery)
        }
        Expr::Paren(mut paren) => {
            *paren.expr = plain(*paren.expr);
            Expr::Paren(paren)
        }
        Expr::Unary(unary) if !unary.negative => plain(*unary.expr),
        Expr::Unary(mut unary) => {
            *unary.expr = plain(*unary.expr);
            Expr::Unary(unary)
        }
        Expr::Binary(mut binary) => {
            binary.lhs = plain(binary.lhs);
            binary.rhs = plain(binary.rhs);
            Expr::Binary(binary)
        }
        Expr::Aggregate(mut aggregate) => {
            aggregate.expr = plain(aggregate.expr);
            aggregate.param = aggregate.param.map(plain);
            Expr::Aggregate(aggregate)
        }
        Expr::Call(mut call) => {
            call.args = call.args.into_iter().map(plain).collect();
            Expr::Call(call)
        }
        Expr::Number(_) | Expr::String(_) | Expr::Selector(_) | Expr::Matrix(_) => expr,
    }
}

/// Whether a query uses what the other grammar does not know.
fn is_beyond(expr: &Expr) -> bool {
    let mut beyond = false;
    expr.visit(&mut |expr| beyond |= is_beyond_itself(expr));
    beyond
}

fn is_beyond_itself(expr: &Expr) -> bool {
    let computed = |duration: &DurationExpr| !matches!(duration, DurationExpr::Number(_));
    let modified = |modifiers: &Modifiers| modifiers.offset.as_ref().is_some_and(computed);
    let extended = |selector: &VectorSelector| selector.extension != Extension::None;
    match expr {
        Expr::Selector(selector) => extended(selector) || modified(&selector.modifiers),
        Expr::Matrix(matrix) => {
            extended(&matrix.selector)
                || modified(&matrix.selector.modifiers)
                || computed(&matrix.range)
        }
        Expr::Subquery(subquery) => {
            computed(&subquery.range)
                || subquery.step.as_ref().is_some_and(computed)
                || modified(&subquery.modifiers)
        }
        Expr::Binary(binary) => matches!(binary.op, BinaryOp::TrimUpper | BinaryOp::TrimLower),
        // It wants every selector to be specific, also the one that `info` takes labels from.
        Expr::Call(call) => call.function.id == FunctionId::Info && call.args.len() == 2,
        _ => false,
    }
}

/// It knows plain names of labels only.
const NARROW: &str = "is not valid label in grouping opts";
/// What Prometheus refuses and the other grammar takes.
const LENIENT: [&str; 6] = [
    // It takes a number with a sign for a vector, and signs before strings.
    "got scalar",
    "unary expression only allowed",
    "filling in missing series",
    "invalid UTF-8 rune",
    "value out of range",
    "duration out of range",
];

/// Compares both; true when both took the query. They may differ only beyond what the other knows.
pub(crate) fn agree(query: &str) -> Result<bool, String> {
    match (parse(query, &ParseOptions::default()), adapter::parse(query)) {
        (Ok(own), Ok(other)) => {
            let (own, other) = (plain(own), plain(other));
            if own == other {
                Ok(true)
            } else {
                Err(format!("{query} is {other} to the other, but {own} to us"))
            }
        }
        (Ok(own), Err(_)) if is_beyond(&own) => Ok(false),
        (Ok(_), Err(error)) if error.to_string().contains(NARROW) => Ok(false),
        (Ok(_), Err(error)) => Err(format!("{query} is refused by the other: {error}")),
        (Err(error), Ok(_)) if LENIENT.iter().any(|text| error.message.contains(text)) => Ok(false),
        (Err(error), Ok(other)) => {
            Err(format!("{query} is {other} to the other, but {error} to us"))
        }
        (Err(_), Err(_)) => Ok(false),
    }
}
