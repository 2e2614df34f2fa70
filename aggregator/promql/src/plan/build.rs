//! Builds the plan of an expression.

use super::{
    AggregateNode, BinaryNode, CallNode, Context, Node, NodeKind, Range, RangeSource, Selector,
    Subquery, Times, durations, invariant,
};
use crate::{
    ast::{At, BinaryOp, Expr, Modifiers, VectorSelector},
    error::EvalError,
    functions::FunctionId,
};

/// Plans an expression for the given times.
pub(crate) fn build(expr: &Expr, times: Times) -> Result<Node, EvalError> {
    let mut builder = Builder { times, path: Vec::new() };
    Ok(invariant::mark(builder.node(expr)?))
}

struct Builder<'a> {
    times: Times,
    /// The expressions around the current one, outermost first.
    path: Vec<&'a Expr>,
}

impl<'a> Builder<'a> {
    fn node(&mut self, expr: &'a Expr) -> Result<Node, EvalError> {
        if let Expr::Paren(paren) = expr {
            return self.node(&paren.expr);
        }
        self.path.push(expr);
        let kind = self.kind(expr);
        self.path.pop();
        Ok(Node { kind: kind?, span: expr.span() })
    }

    fn boxed(&mut self, expr: &'a Expr) -> Result<Box<Node>, EvalError> {
        self.node(expr).map(Box::new)
    }

    fn kind(&mut self, expr: &'a Expr) -> Result<NodeKind, EvalError> {
        Ok(match expr {
            Expr::Number(number) => NodeKind::Number(number.value),
            Expr::String(string) => NodeKind::String(string.value.clone()),
            Expr::Selector(selector) => NodeKind::Selector(self.selector(selector)?),
            Expr::Matrix(matrix) => {
                let source = RangeSource::Selector(self.selector(&matrix.selector)?);
                let millis = durations::positive(&matrix.range, &self.times)?;
                NodeKind::Range(Range { source, millis })
            }
            Expr::Subquery(subquery) => {
                let (offset, at) = self.modifiers(&subquery.modifiers)?;
                let step = match &subquery.step {
                    Some(step) => Some(durations::positive(step, &self.times)?.max(1)),
                    None => None,
                };
                let millis = durations::positive(&subquery.range, &self.times)?;
                let node = self.boxed(&subquery.expr)?;
                let source = RangeSource::Subquery(Subquery { node, step, offset, at });
                NodeKind::Range(Range { source, millis })
            }
            Expr::Paren(paren) => self.node(&paren.expr)?.kind,
            Expr::Unary(unary) if unary.negative => NodeKind::Negate(self.boxed(&unary.expr)?),
            Expr::Unary(unary) => self.node(&unary.expr)?.kind,
            Expr::Binary(binary) => NodeKind::Binary(Box::new(BinaryNode {
                op: binary.op,
                lhs: self.node(&binary.lhs)?,
                rhs: self.node(&binary.rhs)?,
                return_bool: binary.return_bool,
                matching: binary.matching.clone(),
            })),
            Expr::Aggregate(aggregate) => {
                let mut grouping = aggregate.grouping.clone();
                grouping.sort_unstable();
                grouping.dedup();
                let param = match &aggregate.param {
                    Some(param) => Some(self.node(param)?),
                    None => None,
                };
                NodeKind::Aggregate(Box::new(AggregateNode {
                    op: aggregate.op,
                    node: self.node(&aggregate.expr)?,
                    param,
                    grouping,
                    without: aggregate.without,
                }))
            }
            Expr::Call(call) => match self.query_constant(call.function.id) {
                Some(value) => NodeKind::Number(value),
                None => NodeKind::Call(CallNode {
                    function: call.function.id,
                    returns: call.function.returns,
                    args: call.args.iter().map(|arg| self.node(arg)).collect::<Result<_, _>>()?,
                }),
            },
        })
    }

    /// Functions that stand for the times of the query, in seconds.
    fn query_constant(&self, function: FunctionId) -> Option<f64> {
        let Times { start, end, step } = self.times;
        let millis = match function {
            FunctionId::Start => start,
            FunctionId::End => end,
            FunctionId::Range => end.saturating_sub(start),
            FunctionId::Step if start == end => 0,
            FunctionId::Step => step,
            FunctionId::Pi => return Some(std::f64::consts::PI),
            _ => return None,
        };
        Some(millis as f64 / 1000.0)
    }

    fn modifiers(&self, modifiers: &Modifiers) -> Result<(i64, Option<i64>), EvalError> {
        let offset = match &modifiers.offset {
            Some(offset) => durations::signed(offset, &self.times)?,
            None => 0,
        };
        let at = modifiers.at.map(|at| match at {
            At::Time(time) => time,
            At::Start => self.times.start,
            At::End => self.times.end,
        });
        Ok((offset, at))
    }

    fn selector(&self, selector: &VectorSelector) -> Result<Selector, EvalError> {
        let (offset, at) = self.modifiers(&selector.modifiers)?;
        Ok(Selector {
            matchers: selector.matchers.clone(),
            offset,
            at,
            extension: selector.extension,
            stats_only: self.needs_stats_only(),
            context: self.context(),
        })
    }

    /// Whether histograms are used for their count and sum alone. Below a subquery buckets are
    /// needed to detect counter resets.
    fn needs_stats_only(&self) -> bool {
        let mut stats_only = false;
        for expr in self.path.iter().rev() {
            match expr {
                Expr::Subquery(_) => return false,
                Expr::Call(call) => match call.function.id {
                    FunctionId::HistogramCount
                    | FunctionId::HistogramSum
                    | FunctionId::HistogramAvg => stats_only = true,
                    FunctionId::HistogramQuantile
                    | FunctionId::HistogramQuantiles
                    | FunctionId::HistogramFraction => return false,
                    _ => {}
                },
                Expr::Binary(binary)
                    if matches!(binary.op, BinaryOp::TrimUpper | BinaryOp::TrimLower) =>
                {
                    return false;
                }
                _ => {}
            }
        }
        stats_only
    }

    /// The function or aggregation next above, and its grouping where it is directly above.
    fn context(&self) -> Context {
        let mut context = Context::default();
        for (distance, expr) in self.path.iter().rev().skip(1).enumerate() {
            match expr {
                Expr::Aggregate(aggregate) => {
                    context.function = Some(aggregate.op.as_str().to_owned());
                    if distance == 0 {
                        context.grouping.clone_from(&aggregate.grouping);
                        context.by = !aggregate.without;
                    }
                    break;
                }
                Expr::Call(call) => {
                    context.function = Some(call.function.name.to_owned());
                    break;
                }
                Expr::Binary(_) => break,
                _ => {}
            }
        }
        context
    }
}
