//! Finds what gives the same result at every step.

use super::{Node, NodeKind, RangeSource};
use crate::functions::FunctionId;

/// Marks the highest invariant parts of a tree.
pub(super) fn mark(node: Node) -> Node {
    if is_invariant(&node) {
        return if is_worth_it(&node) { once(node) } else { node };
    }
    let Node { kind, span } = node;
    let marked = |node: Box<Node>| Box::new(mark(*node));
    let kind = match kind {
        NodeKind::Negate(node) => NodeKind::Negate(marked(node)),
        NodeKind::Binary(mut binary) => {
            binary.lhs = mark(binary.lhs);
            binary.rhs = mark(binary.rhs);
            NodeKind::Binary(binary)
        }
        NodeKind::Aggregate(mut aggregate) => {
            aggregate.node = mark(aggregate.node);
            aggregate.param = aggregate.param.map(mark);
            NodeKind::Aggregate(aggregate)
        }
        NodeKind::Call(mut call) => {
            call.args = call.args.into_iter().map(mark).collect();
            NodeKind::Call(call)
        }
        NodeKind::Range(mut range) => {
            if let RangeSource::Subquery(subquery) = range.source {
                range.source = RangeSource::Subquery(super::Subquery {
                    node: marked(subquery.node),
                    ..subquery
                });
            }
            NodeKind::Range(range)
        }
        other => other,
    };
    Node { kind, span }
}

fn once(node: Node) -> Node {
    let span = node.span;
    // What stands below is evaluated at one step anyway, except within subqueries.
    let node = mark_below_subqueries(node);
    Node { kind: NodeKind::Once(Box::new(node)), span }
}

fn mark_below_subqueries(mut node: Node) -> Node {
    match &mut node.kind {
        NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Selector(_) | NodeKind::Once(_) => {}
        NodeKind::Negate(inner) => replace(inner, mark_below_subqueries),
        NodeKind::Binary(binary) => {
            replace(&mut binary.lhs, mark_below_subqueries);
            replace(&mut binary.rhs, mark_below_subqueries);
        }
        NodeKind::Aggregate(aggregate) => {
            replace(&mut aggregate.node, mark_below_subqueries);
            if let Some(param) = &mut aggregate.param {
                replace(param, mark_below_subqueries);
            }
        }
        NodeKind::Call(call) => {
            call.args.iter_mut().for_each(|arg| replace(arg, mark_below_subqueries));
        }
        NodeKind::Range(range) => {
            if let RangeSource::Subquery(subquery) = &mut range.source {
                replace(&mut subquery.node, mark);
            }
        }
    }
    node
}

fn replace(slot: &mut Node, change: impl FnOnce(Node) -> Node) {
    let placeholder = Node { kind: NodeKind::Number(0.0), span: slot.span };
    *slot = change(std::mem::replace(slot, placeholder));
}

fn is_worth_it(node: &Node) -> bool {
    // A range vector is evaluated by the function around it.
    !matches!(node.kind, NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Range(_))
}

fn is_invariant(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Number(_) | NodeKind::String(_) | NodeKind::Once(_) => true,
        NodeKind::Selector(selector) => selector.at.is_some(),
        NodeKind::Range(range) => match &range.source {
            RangeSource::Selector(selector) => selector.at.is_some(),
            RangeSource::Subquery(subquery) => subquery.at.is_some(),
        },
        NodeKind::Negate(node) => is_invariant(node),
        NodeKind::Binary(binary) => is_invariant(&binary.lhs) && is_invariant(&binary.rhs),
        NodeKind::Aggregate(aggregate) => {
            is_invariant(&aggregate.node) && aggregate.param.as_ref().is_none_or(is_invariant)
        }
        NodeKind::Call(call) => {
            let args_are = call.args.iter().all(is_invariant);
            if call.function == FunctionId::Timestamp {
                // The time of a sample is fixed; that of an expression is its step's.
                let selector = call.args.iter().all(|a| matches!(a.kind, NodeKind::Selector(_)));
                return args_are && selector;
            }
            args_are && !call.function.depends_on_step()
        }
    }
}
