//! A query made ready for one range of times.
//!
//! Planning resolves what the syntax leaves open: durations become milliseconds, `start()` and
//! `end()` become times, parentheses go, and whatever gives the same at every step is marked to be
//! evaluated once.

mod build;
pub(crate) mod durations;
mod invariant;

use model::matcher::Matcher;

use crate::{
    ast::{AggregateOp, BinaryOp, Extension, Matching, ValueType},
    functions::FunctionId,
    span::Span,
};

pub(crate) use build::build;
pub(crate) use durations::extremum;

/// The times of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Zero for an instant query.
    pub(crate) step: i64,
}

/// A planned expression.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// Without enclosing parentheses.
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Number(f64),
    String(String),
    Selector(Selector),
    Range(Range),
    Negate(Box<Node>),
    Binary(Box<BinaryNode>),
    Aggregate(Box<AggregateNode>),
    Call(CallNode),
    /// The same at every step: evaluated at the first and repeated.
    Once(Box<Node>),
}

#[derive(Debug)]
pub(crate) struct Selector {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) offset: i64,
    /// A fixed time instead of the step's.
    pub(crate) at: Option<i64>,
    pub(crate) extension: Extension,
    /// Of histograms only count and sum are needed.
    pub(crate) stats_only: bool,
    pub(crate) context: Context,
}

/// What encloses a selector, as hints for the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) function: Option<String>,
    pub(crate) grouping: Vec<String>,
    pub(crate) by: bool,
}

/// A range vector.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) source: RangeSource,
    pub(crate) millis: i64,
}

#[derive(Debug)]
pub(crate) enum RangeSource {
    Selector(Selector),
    Subquery(Subquery),
}

#[derive(Debug)]
pub(crate) struct Subquery {
    pub(crate) node: Box<Node>,
    /// `None` for the engine's default.
    pub(crate) step: Option<i64>,
    pub(crate) offset: i64,
    pub(crate) at: Option<i64>,
}

impl Range {
    /// The reference time of a step: its own or the fixed one, less the offset.
    pub(crate) fn reference(&self, time: i64) -> i64 {
        let (at, offset) = match &self.source {
            RangeSource::Selector(selector) => (selector.at, selector.offset),
            RangeSource::Subquery(subquery) => (subquery.at, subquery.offset),
        };
        at.unwrap_or(time).saturating_sub(offset)
    }

    pub(crate) fn extension(&self) -> Extension {
        match &self.source {
            RangeSource::Selector(selector) => selector.extension,
            RangeSource::Subquery(_) => Extension::None,
        }
    }
}

impl Selector {
    /// The reference time of a step.
    pub(crate) fn reference(&self, time: i64) -> i64 {
        self.at.unwrap_or(time).saturating_sub(self.offset)
    }
}

#[derive(Debug)]
pub(crate) struct BinaryNode {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: Node,
    pub(crate) rhs: Node,
    pub(crate) return_bool: bool,
    pub(crate) matching: Matching,
}

#[derive(Debug)]
pub(crate) struct AggregateNode {
    pub(crate) op: AggregateOp,
    pub(crate) node: Node,
    pub(crate) param: Option<Node>,
    /// Sorted, without repetitions.
    pub(crate) grouping: Vec<String>,
    pub(crate) without: bool,
}

#[derive(Debug)]
pub(crate) struct CallNode {
    pub(crate) function: FunctionId,
    pub(crate) returns: ValueType,
    pub(crate) args: Vec<Node>,
}

impl Node {
    pub(crate) fn value_type(&self) -> ValueType {
        match &self.kind {
            NodeKind::Number(_) => ValueType::Scalar,
            NodeKind::String(_) => ValueType::String,
            NodeKind::Selector(_) | NodeKind::Aggregate(_) => ValueType::Vector,
            NodeKind::Range(_) => ValueType::Matrix,
            NodeKind::Negate(node) | NodeKind::Once(node) => node.value_type(),
            NodeKind::Binary(binary) => match (binary.lhs.value_type(), binary.rhs.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            NodeKind::Call(call) => call.returns,
        }
    }

    /// The text of a string literal.
    pub(crate) fn text(&self) -> &str {
        match &self.kind {
            NodeKind::String(text) => text,
            _ => "",
        }
    }

    /// The matchers of a selector or range selector, for `absent`.
    pub(crate) fn matchers(&self) -> &[Matcher] {
        match &self.kind {
            NodeKind::Selector(selector)
            | NodeKind::Range(Range { source: RangeSource::Selector(selector), .. }) => {
                &selector.matchers
            }
            _ => &[],
        }
    }
}
