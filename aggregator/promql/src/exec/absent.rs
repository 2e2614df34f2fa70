//! `absent` and `absent_over_time`.

use std::collections::HashSet;

use model::{
    labels::{Labels, METRIC_NAME},
    matcher::{MatchOp, Matcher},
};

use super::{Exec, column::Column, grid::Grid, series::Series};
use crate::{
    error::EvalError,
    plan::{CallNode, Node, NodeKind},
};

impl Exec<'_> {
    /// One where the vector is empty.
    pub(super) fn absent(&self, vector: &Node, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let mut present = vec![false; grid.count];
        self.stream(vector, grid, &[], &mut |series| {
            mark(&mut present, &series.column);
            Ok(())
        })?;
        Ok(absent_series(&present, unwrap_once(vector).matchers(), false))
    }

    /// One where no series has a sample in the range.
    pub(super) fn absent_over_time(
        &self,
        call: &CallNode,
        range: &Node,
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let mut present = vec![false; grid.count];
        self.stream_range_call(call, grid, &[], &mut |series| {
            mark(&mut present, &series.column);
            Ok(())
        })?;
        Ok(absent_series(&present, range.matchers(), true))
    }
}

fn unwrap_once(node: &Node) -> &Node {
    match &node.kind {
        NodeKind::Once(inner) => unwrap_once(inner),
        _ => node,
    }
}

fn mark(present: &mut [bool], column: &Column) {
    for (step, _) in column.cells() {
        if let Some(slot) = present.get_mut(step) {
            *slot = true;
        }
    }
}

fn absent_series(present: &[bool], matchers: &[Matcher], drop_name: bool) -> Vec<Series> {
    let mut column = Column::default();
    for (step, _) in present.iter().enumerate().filter(|(_, present)| !**present) {
        column.push_float(step, 1.0);
    }
    if column.is_empty() {
        return Vec::new();
    }
    vec![Series { labels: labels_of(matchers), drop_name, column }]
}

/// The labels that matchers fix to one value.
fn labels_of(matchers: &[Matcher]) -> Labels {
    let mut labels = Labels::default();
    let mut seen = HashSet::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name() != METRIC_NAME) {
        // A label that is matched twice is not fixed.
        labels = if matcher.op() == MatchOp::Equal && seen.insert(matcher.name()) {
            labels.with(matcher.name(), matcher.value())
        } else {
            labels.without(matcher.name())
        };
    }
    labels
}
