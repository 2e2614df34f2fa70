//! Series as they flow through an evaluation.

use std::collections::HashMap;

use model::labels::{Labels, METRIC_NAME};

use super::column::Column;
use crate::error::{EvalError, execution};

/// Labels that say what a metric is. They go when a value no longer is that metric.
const DESCRIBING: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

/// A series over the steps of a grid.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// The name is to be removed once the whole expression is evaluated.
    pub(crate) drop_name: bool,
    pub(crate) column: Column,
}

/// The labels without name, type and unit.
pub(crate) fn without_name(labels: &Labels) -> Labels {
    if DESCRIBING.iter().all(|name| labels.get(name).is_none()) {
        return labels.clone();
    }
    labels.filter(|name| !DESCRIBING.contains(&name))
}

/// Joins series that have the same labels. It is an error when they have values at the same step.
pub(crate) fn merge_same_labels(series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    let mut merged = Assembler::with_capacity(series.len());
    for one in series {
        merged.add(one)?;
    }
    Ok(merged.finish())
}

/// Collects series by their labels, in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    series: Vec<Series>,
    places: HashMap<Labels, usize>,
}

impl Assembler {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { series: Vec::with_capacity(count), places: HashMap::with_capacity(count) }
    }

    pub(crate) fn add(&mut self, series: Series) -> Result<(), EvalError> {
        let Some(place) = self.places.get(&series.labels) else {
            self.places.insert(series.labels.clone(), self.series.len());
            self.series.push(series);
            return Ok(());
        };
        let Some(known) = self.series.get_mut(*place) else { return Ok(()) };
        match known.column.union(&series.column) {
            Some(joined) => {
                known.column = joined;
                Ok(())
            }
            None => same_labels(),
        }
    }

    pub(crate) fn finish(self) -> Vec<Series> {
        self.series
    }
}

pub(crate) fn same_labels<T>() -> Result<T, EvalError> {
    execution("vector cannot contain metrics with the same labelset")
}

impl Series {
    /// Takes the name away: at once, or at the end of the evaluation.
    pub(crate) fn drop_name(&mut self, delayed: bool) {
        self.drop_name = true;
        if !delayed {
            self.labels = without_name(&self.labels);
        }
    }

    /// The value of the first step at `count` steps.
    pub(crate) fn repeated(&self, count: usize) -> Option<Self> {
        let sample = self.column.get(0)?.to_sample();
        let column = Column::repeated(&sample, count);
        Some(Self { labels: self.labels.clone(), drop_name: self.drop_name, column })
    }
}
