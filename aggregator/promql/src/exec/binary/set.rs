//! `and`, `or`, `unless`.

use super::{
    super::{
        Exec,
        grid::Grid,
        series::{Assembler, Series},
    },
    matching::{self, MatchGroup},
};
use crate::{ast::BinaryOp, error::EvalError, plan::BinaryNode};

impl Exec<'_> {
    pub(super) fn set_operation(
        &self,
        binary: &BinaryNode,
        grid: Grid,
        mut left: Vec<Series>,
        mut right: Vec<Series>,
    ) -> Result<Vec<Series>, EvalError> {
        let groups = matching::groups(&left, &right, &binary.matching);
        for group in &groups {
            self.check()?;
            match binary.op {
                BinaryOp::And => {
                    keep_where(&mut left, group, &present(&right, &group.right, grid), true);
                }
                BinaryOp::Unless => {
                    keep_where(&mut left, group, &present(&right, &group.right, grid), false);
                }
                _ => {
                    let taken = present(&left, &group.left, grid);
                    for place in &group.right {
                        filter(right.get_mut(*place), &taken, false);
                    }
                }
            }
        }
        let mut result = Assembler::with_capacity(left.len());
        let others = if binary.op == BinaryOp::Or { right } else { Vec::new() };
        for series in left.into_iter().chain(others) {
            if !series.column.is_empty() {
                result.add(series)?;
            }
        }
        Ok(result.finish())
    }
}

/// At which steps any of the series has a value.
fn present(series: &[Series], places: &[usize], grid: Grid) -> Vec<bool> {
    let mut present = vec![false; grid.count];
    for series in places.iter().filter_map(|place| series.get(*place)) {
        for (step, _) in series.column.cells() {
            if let Some(slot) = present.get_mut(step) {
                *slot = true;
            }
        }
    }
    present
}

fn keep_where(left: &mut [Series], group: &MatchGroup, steps: &[bool], wanted: bool) {
    for place in &group.left {
        filter(left.get_mut(*place), steps, wanted);
    }
}

/// Keeps values at steps that are marked as wanted.
fn filter(series: Option<&mut Series>, steps: &[bool], wanted: bool) {
    if let Some(series) = series
        && steps.iter().any(|marked| *marked != wanted)
    {
        series.column = series.column.filter_map(|step, cell| {
            let marked = steps.get(step).copied().unwrap_or(false);
            (marked == wanted).then(|| cell.to_sample())
        });
    }
}
