//! Where Prometheus 2.42 answers differently from Prometheus 3, which is the one we follow, and why.

use promql::{
    Expr, ParseOptions,
    ast::{AggregateOp, BinaryOp},
    functions::FunctionId,
    parse,
};
use serde_json::Value;

use super::compare::samples;

/// A difference that is as it should be.
struct Intended {
    reason: &'static str,
    /// Whether a part of the query can be the cause.
    cause: fn(&Expr) -> bool,
    /// Whether the answers, ours first, differ in this way.
    effect: fn(&Value, &Value) -> bool,
}

const ALL: [Intended; 9] = [
    Intended {
        reason: "before version 3 a limit below one was an error where it does not fit 64 bits",
        cause: |expr| aggregates(expr, &RANKING),
        effect: |ours, theirs| is_success(ours) && has_error(theirs, "overflows int64"),
    },
    Intended {
        reason: "which of several elements of one value is left depends on the order in the store",
        cause: |expr| aggregates(expr, &RANKING),
        effect: |ours, theirs| values(ours) == values(theirs),
    },
    Intended {
        reason: "what is computed from such a choice differs as well",
        cause: |expr| {
            let mut chosen = false;
            expr.visit(&mut |part| chosen |= aggregates(part, &RANKING));
            chosen && !aggregates(expr, &RANKING)
        },
        effect: |ours, theirs| is_success(ours) && is_success(theirs),
    },
    Intended {
        reason: "before version 3 the spread of one value was 0, whatever the value",
        cause: |expr| aggregates(expr, &[AggregateOp::Stddev, AggregateOp::Stdvar]),
        effect: |ours, theirs| values(ours).is_some() && values(theirs).is_some(),
    },
    Intended {
        reason: "before version 3 two matches were an error only where both passed the comparison",
        cause: |expr| matches!(expr, Expr::Binary(node) if node.op.is_comparison()),
        effect: |ours, theirs| is_success(theirs) && has_error(ours, "multiple matches for labels"),
    },
    Intended {
        reason: "before version 3 other arguments were of the first step where a range is fixed by @",
        cause: |expr| match expr {
            Expr::Call(call) if TIMELY.contains(&call.function.id) => {
                call.args.iter().any(|arg| match arg {
                    Expr::Matrix(matrix) => matrix.selector.modifiers.at.is_some(),
                    Expr::Subquery(subquery) => subquery.modifiers.at.is_some(),
                    _ => false,
                })
            }
            _ => false,
        },
        effect: |ours, theirs| {
            is_success(ours) && (is_success(theirs) || has_error(theirs, "same labelset"))
        },
    },
    Intended {
        reason: "before version 3 a counter was not extrapolated to its zero in the same way",
        cause: |expr| match expr {
            Expr::Call(call) => matches!(call.function.id, FunctionId::Rate | FunctionId::Increase),
            _ => false,
        },
        effect: |ours, theirs| all(ours, theirs, is_near),
    },
    Intended {
        reason: "before version 3 it was an error that names alone told series of different times apart",
        cause: |expr| matches!(expr, Expr::Unary(unary) if unary.negative),
        effect: |ours, theirs| is_success(ours) && has_error(theirs, "same labelset"),
    },
    Intended {
        reason: "the last digit of a sum or of a mathematical function becomes a label or counts",
        cause: |expr| match expr {
            Expr::Binary(node) => matches!(node.op, BinaryOp::Mod | BinaryOp::Sub | BinaryOp::Add),
            Expr::Call(call) => {
                matches!(call.function.id, FunctionId::AvgOverTime | FunctionId::SumOverTime)
            }
            expr => aggregates(expr, &[AggregateOp::CountValues]),
        },
        effect: |ours, theirs| values(ours) == values(theirs) || all(ours, theirs, is_close),
    },
];

/// Whether all values are at the same places, and equal or alike.
fn all(ours: &Value, theirs: &Value, alike: fn(f64, f64) -> bool) -> bool {
    let (ours, theirs) = (samples(&ours["data"]), samples(&theirs["data"]));
    ours.keys().eq(theirs.keys())
        && ours.values().zip(theirs.values()).all(|(ours, theirs)| {
            let numbers = ours.parse().ok().zip(theirs.parse().ok());
            ours == theirs || numbers.is_some_and(|(ours, theirs)| alike(ours, theirs))
        })
}

/// Whether both are the same but for less than the extrapolation to one side, which is at most half
/// of a result.
fn is_near(ours: f64, theirs: f64) -> bool {
    (0.5..2.0).contains(&(ours / theirs))
}

/// Whether both are the same but for what the subtraction of much the same numbers leaves.
fn is_close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-6 * ours.abs().max(theirs.abs())
}

/// Functions of a range that have further arguments or ask what time it is.
const TIMELY: [FunctionId; 2] = [FunctionId::PredictLinear, FunctionId::QuantileOverTime];

const RANKING: [AggregateOp; 2] = [AggregateOp::Topk, AggregateOp::Bottomk];

/// The values of a successful answer without their labels, in order.
fn values(answer: &Value) -> Option<Vec<String>> {
    let mut values = Vec::new();
    for series in answer["data"]["result"].as_array()? {
        if series["value"].is_array() {
            values.push(series["value"].to_string());
        }
        values.extend(series["values"].as_array().into_iter().flatten().map(Value::to_string));
    }
    values.sort_unstable();
    Some(values)
}

fn aggregates(expr: &Expr, ops: &[AggregateOp]) -> bool {
    matches!(expr, Expr::Aggregate(node) if ops.contains(&node.op))
}

fn is_success(answer: &Value) -> bool {
    answer["status"] == "success"
}

fn has_error(answer: &Value, text: &str) -> bool {
    answer["error"].as_str().is_some_and(|error| error.contains(text))
}

/// Why two answers to a query may differ, if they may.
pub(crate) fn reason(query: &str, ours: &Value, theirs: &Value) -> Option<&'static str> {
    let expr = parse(query, &ParseOptions::default()).ok()?;
    ALL.iter().find_map(|intended| {
        let mut caused = false;
        expr.visit(&mut |part| caused |= (intended.cause)(part));
        (caused && (intended.effect)(ours, theirs)).then_some(intended.reason)
    })
}
