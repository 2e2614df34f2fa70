//! `topk`, `bottomk` and `limitk`: elements that are kept as they are.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap},
};

use model::labels::Labels;

use super::{
    super::{
        Exec, column::Column, grid::Grid, scalar::Scalar, series::Series, sort::compare_values,
    },
    Extremes, Grouping, Groups,
};
use crate::{
    annotations::Note,
    ast::AggregateOp,
    error::{EvalError, execution},
    plan::Node,
    span::Span,
    text::float::General,
};

/// A candidate; the greatest is the one to go first.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    value: f64,
    /// Place of its series among all.
    series: usize,
    descending: bool,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_values(self.value, other.value, self.descending)
            .then_with(|| self.series.cmp(&other.series))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

/// How many to keep at each step; `None` when it is none at any.
fn checked_counts(count: &Scalar) -> Result<Option<&Scalar>, EvalError> {
    let Extremes { min, max, any_nan } = Extremes::of(count);
    if max < 1.0 {
        return Ok(None);
    }
    if any_nan {
        return execution("Parameter value is NaN");
    }
    if min <= i64::MIN as f64 {
        return execution(format!("Scalar value {} underflows int64", General(min)));
    }
    if max >= i64::MAX as f64 {
        return execution(format!("Scalar value {} overflows int64", General(max)));
    }
    Ok(Some(count))
}

fn keep(counts: &Scalar, step: usize) -> usize {
    let count = counts.at(step);
    if count < 1.0 { 0 } else { count as usize }
}

impl Exec<'_> {
    /// How many to keep at each step. Where that is none, or wrong, errors and notes of the
    /// aggregated expression still count, errors first.
    fn checked_counts<'c>(
        &self,
        count: &'c Scalar,
        node: &Node,
        grid: Grid,
    ) -> Result<Option<&'c Scalar>, EvalError> {
        let counts = checked_counts(count);
        if !matches!(counts, Ok(Some(_))) {
            self.discard(node, grid)?;
        }
        counts
    }

    pub(super) fn rank(
        &self,
        node: &Node,
        span: Span,
        grid: Grid,
        grouping: &Grouping<'_>,
        count: &Scalar,
        op: AggregateOp,
    ) -> Result<Vec<Series>, EvalError> {
        let Some(counts) = self.checked_counts(count, node, grid)? else { return Ok(Vec::new()) };
        let descending = op == AggregateOp::Topk;
        let mut groups: Groups<Vec<BinaryHeap<Candidate>>> = Groups::new();
        let mut known: Vec<(Labels, bool)> = Vec::new();
        let mut charge = self.budget.charge(0)?;
        self.stream(node, grid, &[], &mut |series| {
            if series.column.has_histograms() {
                self.note(Note::HistogramIgnoredInAggregation(op.as_str()), span);
            }
            let labels = grouping.labels(&series.labels);
            let place = match groups.find(&labels) {
                Some(place) => place,
                None => groups.insert(labels, vec![BinaryHeap::new(); grid.count]),
            };
            let Some(heaps) = groups.get_mut(place) else { return Ok(()) };
            let mut added = 0;
            for (step, value) in series.column.floats() {
                let Some(heap) = heaps.get_mut(step) else { continue };
                let candidate = Candidate { value, series: known.len(), descending };
                if heap.len() < keep(counts, step) {
                    heap.push(candidate);
                    added += 1;
                } else if let Some(mut worst) = heap.peek_mut()
                    && compare_values(value, worst.value, descending).is_lt()
                {
                    *worst = candidate;
                }
            }
            known.push((series.labels, series.drop_name));
            charge.grow(added)
        })?;
        Ok(ranked_series(groups, &known))
    }

    /// The first so many elements of each group.
    pub(super) fn limit(
        &self,
        node: &Node,
        grid: Grid,
        grouping: &Grouping<'_>,
        count: &Scalar,
    ) -> Result<Vec<Series>, EvalError> {
        let Some(counts) = self.checked_counts(count, node, grid)? else { return Ok(Vec::new()) };
        let mut groups: Groups<Vec<usize>> = Groups::new();
        let mut kept = Vec::new();
        let mut charge = self.budget.charge(0)?;
        self.stream(node, grid, &[], &mut |mut series| {
            let labels = grouping.labels(&series.labels);
            let place = match groups.find(&labels) {
                Some(place) => place,
                None => groups.insert(labels, vec![0; grid.count]),
            };
            let Some(seen) = groups.get_mut(place) else { return Ok(()) };
            series.column = series.column.filter_map(|step, cell| {
                let seen = seen.get_mut(step)?;
                *seen += 1;
                (*seen <= keep(counts, step)).then(|| cell.to_sample())
            });
            if !series.column.is_empty() {
                charge.grow(series.column.weight())?;
                kept.push(series);
            }
            Ok(())
        })?;
        Ok(kept)
    }
}

/// The candidates that remained, best first within each group.
fn ranked_series(
    groups: Groups<Vec<BinaryHeap<Candidate>>>,
    known: &[(Labels, bool)],
) -> Vec<Series> {
    let mut ranked = Vec::new();
    for (_, heaps) in groups.groups {
        // Series of a group in order of their first appearance in the ranking.
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let mut columns: Vec<(usize, Column)> = Vec::new();
        for (step, heap) in heaps.into_iter().enumerate() {
            for candidate in heap.into_sorted_vec() {
                let place = *places.entry(candidate.series).or_insert_with(|| {
                    columns.push((candidate.series, Column::default()));
                    columns.len() - 1
                });
                if let Some((_, column)) = columns.get_mut(place) {
                    column.push_float(step, candidate.value);
                }
            }
        }
        ranked.extend(columns.into_iter().filter_map(|(series, column)| {
            let (labels, drop_name) = known.get(series)?.clone();
            Some(Series { labels, drop_name, column })
        }));
    }
    ranked
}
