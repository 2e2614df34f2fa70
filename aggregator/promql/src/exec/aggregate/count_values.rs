//! `count_values`: how often each value occurs.

use std::collections::BTreeMap;

use super::{
    super::{
        Exec,
        column::{Cell, Column},
        grid::Grid,
        series::Series,
    },
    Grouping, Groups,
};
use crate::{
    error::{EvalError, execution},
    histogram::text::Text,
    plan::Node,
    text::{float::Plain, quote::Quoted},
};

impl Exec<'_> {
    pub(super) fn count_values(
        &self,
        node: &Node,
        grid: Grid,
        grouping: &Grouping<'_>,
        label: &str,
    ) -> Result<Vec<Series>, EvalError> {
        if label.is_empty() {
            return execution(format!("invalid label name {}", Quoted(label)));
        }
        let mut names = grouping.names.to_vec();
        if !grouping.without {
            names.push(label.to_owned());
            names.sort_unstable();
            names.dedup();
        }
        let grouping = Grouping { names: &names, without: grouping.without };
        // Counts by step for each value of each group.
        let mut groups: Groups<BTreeMap<usize, f64>> = Groups::new();
        let mut charge = self.budget.charge(0)?;
        self.stream(node, grid, &[], &mut |series| {
            // Neighbouring values are often the same.
            let mut last: Option<(u64, usize)> = None;
            for (step, cell) in series.column.cells() {
                let bits = match cell {
                    Cell::Float(value) => Some(value.to_bits()),
                    Cell::Histogram(_) => None,
                };
                let place = match last {
                    Some((known, place)) if Some(known) == bits => place,
                    _ => {
                        let text = match cell {
                            Cell::Float(value) => Plain(value).to_string(),
                            Cell::Histogram(histogram) => Text(histogram).to_string(),
                        };
                        let labels = grouping.labels(&series.labels.with(label, &text));
                        match groups.find(&labels) {
                            Some(place) => place,
                            None => groups.insert(labels, BTreeMap::new()),
                        }
                    }
                };
                last = bits.map(|bits| (bits, place));
                let Some(counts) = groups.get_mut(place) else { continue };
                let before = counts.len();
                *counts.entry(step).or_insert(0.0) += 1.0;
                charge.grow((counts.len() - before) as u64)?;
            }
            Ok(())
        })?;
        // In an order that does not depend on which value came first.
        groups.groups.sort_by(|a, b| a.0.cmp(&b.0));
        let counted = groups.groups.into_iter().map(|(labels, counts)| {
            let mut column = Column::with_capacity(counts.len());
            for (step, count) in counts {
                column.push_float(step, count);
            }
            Series { labels, drop_name: false, column }
        });
        Ok(counted.collect())
    }
}
