//! Where Prometheus 2.42 answers differently from Prometheus 3, which is the one we follow, and why.

use promql::{Expr, ParseOptions, ast::AggregateOp, parse};
use serde_json::Value;

/// A difference that is as it should be.
struct Intended {
    reason: &'static str,
    /// Whether a part of the query can be the cause.
    cause: fn(&Expr) -> bool,
    /// Whether the answers, ours first, differ in this way.
    effect: fn(&Value, &Value) -> bool,
}

const ALL: [Intended; 3] = [
    Intended {
        reason: "before version 3 a limit below one was an error where it does not fit 64 bits",
        cause: |expr| aggregates(expr, &[AggregateOp::Topk, AggregateOp::Bottomk]),
        effect: |ours, theirs| is_success(ours) && has_error(theirs, "overflows int64"),
    },
    Intended {
        reason: "before version 3 the spread of one value was 0, whatever the value",
        cause: |expr| aggregates(expr, &[AggregateOp::Stddev, AggregateOp::Stdvar]),
        effect: |ours, theirs| is_success(ours) && is_success(theirs),
    },
    Intended {
        reason: "before version 3 two matches were an error only where both passed the comparison",
        cause: |expr| matches!(expr, Expr::Binary(node) if node.op.is_comparison()),
        effect: |ours, theirs| is_success(theirs) && has_error(ours, "multiple matches for labels"),
    },
];

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
