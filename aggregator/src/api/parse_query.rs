//! `GET|POST /api/v1/parse_query`: a query's syntax tree as JSON, for user interfaces that show it.
//!
//! Shapes are those of Prometheus' experimental endpoint: an object per node with its `type`;
//! times and durations in milliseconds; a duration that is an expression counts as 0.

use axum::response::Response;
use model::matcher::Matcher;
use promql::{
    Expr,
    ast::{
        At, Cardinality, DurationExpr, Extension, Matching, Modifiers, ValueType, VectorSelector,
    },
};
use serde_json::{Value, json};
use tenancy::access::Scope;

use super::{
    answer::{ApiError, success},
    params::Params,
    query,
};
use crate::auth::Caller;

pub(crate) async fn parse_query(
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let expr = query::parse(params.text("query"))?;
    Ok(success(tree(&expr)))
}

fn tree(expr: &Expr) -> Value {
    match expr {
        Expr::Number(node) => json!({"type": "numberLiteral", "val": number(node.value)}),
        Expr::String(node) => json!({"type": "stringLiteral", "val": node.value}),
        Expr::Paren(node) => json!({"type": "parenExpr", "expr": tree(&node.expr)}),
        Expr::Unary(node) => {
            let op = if node.negative { "-" } else { "+" };
            json!({"type": "unaryExpr", "op": op, "expr": tree(&node.expr)})
        }
        Expr::Selector(node) => selector("vectorSelector", node),
        Expr::Matrix(node) => {
            let mut object = selector("matrixSelector", &node.selector);
            object["range"] = millis(Some(&node.range)).into();
            object
        }
        Expr::Subquery(node) => {
            let (offset, timestamp, start_or_end) = modifiers(&node.modifiers);
            json!({
                "type": "subquery", "expr": tree(&node.expr), "range": millis(Some(&node.range)),
                "step": millis(node.step.as_ref()), "offset": offset, "timestamp": timestamp,
                "startOrEnd": start_or_end,
            })
        }
        Expr::Aggregate(node) => json!({
            "type": "aggregation", "op": node.op.as_str(), "expr": tree(&node.expr),
            "param": node.param.as_ref().map(tree), "grouping": node.grouping,
            "without": node.without,
        }),
        Expr::Binary(node) => {
            let is_vector = |side: &Expr| side.value_type() == ValueType::Vector;
            let both = is_vector(&node.lhs) && is_vector(&node.rhs);
            json!({
                "type": "binaryExpr", "op": node.op.as_str(), "lhs": tree(&node.lhs),
                "rhs": tree(&node.rhs), "bool": node.return_bool,
                "matching": both.then(|| matching(&node.matching)),
            })
        }
        Expr::Call(node) => {
            let args: Vec<Value> = node.args.iter().map(tree).collect();
            let types: Vec<&str> = node.function.args.iter().copied().map(type_name).collect();
            json!({
                "type": "call", "args": args,
                "func": {
                    "name": node.function.name, "argTypes": types,
                    "variadic": node.function.variadic,
                    "returnType": type_name(node.function.returns),
                },
            })
        }
    }
}

fn selector(kind: &str, node: &VectorSelector) -> Value {
    let (offset, timestamp, start_or_end) = modifiers(&node.modifiers);
    let matchers: Vec<Value> = node.matchers.iter().map(matcher).collect();
    json!({
        "type": kind, "name": node.name, "offset": offset, "matchers": matchers,
        "timestamp": timestamp, "startOrEnd": start_or_end,
        "anchored": node.extension == Extension::Anchored,
        "smoothed": node.extension == Extension::Smoothed,
    })
}

fn matcher(matcher: &Matcher) -> Value {
    json!({
        "name": matcher.name(), "value": matcher.value(), "type": matcher.op().as_str(),
    })
}

/// Offset, fixed time, and `start` or `end`.
fn modifiers(modifiers: &Modifiers) -> (i64, Option<i64>, Option<&'static str>) {
    let (timestamp, start_or_end) = match modifiers.at {
        Some(At::Time(time)) => (Some(time), None),
        Some(At::Start) => (None, Some("start")),
        Some(At::End) => (None, Some("end")),
        None => (None, None),
    };
    (millis(modifiers.offset.as_ref()), timestamp, start_or_end)
}

fn matching(matching: &Matching) -> Value {
    let cardinality = match matching.cardinality {
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
        Cardinality::ManyToMany => "many-to-many",
    };
    json!({
        "card": cardinality, "labels": matching.labels, "on": matching.on,
        "include": matching.include,
        "fillValues": {"lhs": matching.fill.left, "rhs": matching.fill.right},
    })
}

fn millis(duration: Option<&DurationExpr>) -> i64 {
    duration.and_then(DurationExpr::literal_millis).unwrap_or(0)
}

/// Without an exponent, as Go's `FormatFloat(…, 'f', -1, 64)`.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}

/// The name by which Prometheus' interfaces know a type.
fn type_name(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Scalar => "scalar",
        ValueType::Vector => "vector",
        ValueType::Matrix => "matrix",
        ValueType::String => "string",
    }
}

#[cfg(test)]
mod tests;
