//! Aggregations: fold series into groups as they come.

mod count_values;
mod fold;
mod histogram_fold;
mod rank;
mod ratio;

use std::collections::HashMap;

use model::labels::{Labels, METRIC_NAME};

use super::{Exec, budget::Charge, grid::Grid, scalar::Scalar, series::Series};
use crate::{
    annotations::{Note, Notes},
    ast::AggregateOp,
    error::EvalError,
    plan::{AggregateNode, Node, durations::extremum},
    span::Span,
};
use fold::Fold;

/// By which labels elements are grouped.
struct Grouping<'a> {
    /// Sorted.
    names: &'a [String],
    without: bool,
}

impl Grouping<'_> {
    /// The labels of the group that an element belongs to.
    fn labels(&self, labels: &Labels) -> Labels {
        let named =
            |name: &str| self.names.binary_search_by(|other| other.as_str().cmp(name)).is_ok();
        if self.without {
            return labels.filter(|name| name != METRIC_NAME && !named(name));
        }
        if self.names.is_empty() {
            return Labels::default();
        }
        labels.filter(named)
    }
}

/// Groups in order of their first element.
struct Groups<T> {
    places: HashMap<Labels, usize>,
    groups: Vec<(Labels, T)>,
}

impl<T> Groups<T> {
    fn new() -> Self {
        Self { places: HashMap::new(), groups: Vec::new() }
    }

    /// The group with these labels; `None` when it is new.
    fn find(&self, labels: &Labels) -> Option<usize> {
        self.places.get(labels).copied()
    }

    fn insert(&mut self, labels: Labels, group: T) -> usize {
        let place = self.groups.len();
        self.places.insert(labels.clone(), place);
        self.groups.push((labels, group));
        place
    }

    fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.groups.get_mut(place).map(|(_, group)| group)
    }
}

impl Exec<'_> {
    pub(super) fn aggregate(
        &self,
        aggregate: &AggregateNode,
        span: Span,
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let grouping = Grouping { names: &aggregate.grouping, without: aggregate.without };
        let node = &aggregate.node;
        let param = match &aggregate.param {
            Some(param) if aggregate.op != AggregateOp::CountValues => {
                Some((self.scalar(param, grid)?, param.span))
            }
            _ => None,
        };
        match (aggregate.op, param) {
            (AggregateOp::CountValues, _) => {
                let label = aggregate.param.as_ref().map_or("", Node::text);
                self.count_values(node, grid, &grouping, label)
            }
            (op @ (AggregateOp::Topk | AggregateOp::Bottomk), Some((count, _))) => {
                self.rank(node, span, grid, &grouping, &count, op)
            }
            (AggregateOp::Limitk, Some((count, _))) => self.limit(node, grid, &grouping, &count),
            (AggregateOp::LimitRatio, Some((ratio, span))) => {
                self.limit_ratio(node, grid, &ratio, span)
            }
            (op, param) => {
                if let Some((fraction, span)) = &param {
                    self.check_quantile(fraction, *span);
                }
                let fraction = param.as_ref().map(|(fraction, _)| fraction);
                self.fold(op, node, grid, &grouping, fraction)
            }
        }
    }

    /// Evaluates an expression for its errors and notes only.
    fn discard(&self, node: &Node, grid: Grid) -> Result<(), EvalError> {
        self.stream(node, grid, &[], &mut |_| Ok(()))
    }

    fn check_quantile(&self, fraction: &Scalar, span: Span) {
        let Extremes { min, max, any_nan } = Extremes::of(fraction);
        let off = [
            any_nan.then_some(f64::NAN),
            Some(max).filter(|m| *m > 1.0),
            Some(min).filter(|m| *m < 0.0),
        ];
        for fraction in off.into_iter().flatten() {
            self.note(Note::InvalidQuantile(fraction), span);
        }
    }

    /// Aggregations that give one value per group and step.
    fn fold(
        &self,
        op: AggregateOp,
        node: &Node,
        grid: Grid,
        grouping: &Grouping<'_>,
        param: Option<&Scalar>,
    ) -> Result<Vec<Series>, EvalError> {
        let mut groups: Groups<(Fold, bool)> = Groups::new();
        let mut charge = self.budget.charge(0)?;
        let mut notes = Notes::default();
        self.stream(node, grid, &[], &mut |series| {
            let labels = grouping.labels(&series.labels);
            let place = match groups.find(&labels) {
                Some(place) => place,
                None => {
                    charge.grow(grid.count as u64)?;
                    groups.insert(labels, (Fold::new(op, grid.count), false))
                }
            };
            if let Some((fold, drop_name)) = groups.get_mut(place) {
                *drop_name |= series.drop_name;
                let mut cx = FoldCx { notes: &mut notes, span: node.span, charge: &mut charge };
                fold.add(&series, &mut cx)?;
            }
            Ok(())
        })?;
        let mut result = Vec::with_capacity(groups.groups.len());
        for (labels, (fold, drop_name)) in groups.groups {
            self.check()?;
            let column = fold.finish(param, &mut notes, node.span);
            if !column.is_empty() {
                result.push(Series { labels, drop_name, column });
            }
        }
        self.merge_notes(notes);
        Ok(result)
    }
}

/// What a fold can use besides the series.
struct FoldCx<'a, 'b> {
    notes: &'a mut Notes,
    /// The aggregated expression, where notes point to.
    span: Span,
    charge: &'a mut Charge<'b>,
}

/// The least and the greatest value of a parameter; NaN where it is NaN at any step.
struct Extremes {
    min: f64,
    max: f64,
    any_nan: bool,
}

impl Extremes {
    fn of(scalar: &Scalar) -> Self {
        let mut extremes = Self { min: f64::MAX, max: f64::MIN, any_nan: false };
        for value in scalar.values() {
            extremes.min = extremum(false, extremes.min, *value);
            extremes.max = extremum(true, extremes.max, *value);
            extremes.any_nan |= value.is_nan();
        }
        extremes
    }
}
