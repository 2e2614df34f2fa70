//! The values of one series over the steps of a grid.

use std::sync::Arc;

use model::histogram::Histogram;

use crate::{histogram::weight, value::Sample};

/// Values by step; a step holds a float, a histogram, or nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    steps: Steps,
    floats: Vec<f64>,
    histograms: Vec<(u32, Arc<Histogram>)>,
}

/// The steps that have floats.
#[derive(Clone, Debug)]
enum Steps {
    /// All from the first on, without a gap: as most series are.
    Run(u32),
    List(Vec<u32>),
}

impl Default for Steps {
    fn default() -> Self {
        Self::Run(0)
    }
}

/// A value that a column lends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
}

impl Cell<'_> {
    pub(crate) fn to_sample(self) -> Sample {
        match self {
            Self::Float(value) => Sample::Float(value),
            Self::Histogram(histogram) => Sample::Histogram(Arc::clone(histogram)),
        }
    }
}

fn narrow(step: usize) -> u32 {
    u32::try_from(step).unwrap_or(u32::MAX)
}

impl Column {
    /// The same value at `count` steps.
    pub(crate) fn repeated(sample: &Sample, count: usize) -> Self {
        let mut column = Self::default();
        match sample {
            Sample::Float(value) => column.floats = vec![*value; count],
            Sample::Histogram(histogram) => {
                column.histograms =
                    (0..count).map(|step| (narrow(step), Arc::clone(histogram))).collect();
            }
        }
        column
    }

    /// Values at every step from the first on.
    pub(crate) fn from_floats(floats: Vec<f64>) -> Self {
        Self { floats, ..Self::default() }
    }

    /// Values at some of the steps, in order.
    pub(crate) fn of_steps(steps: &[usize], floats: Vec<f64>) -> Self {
        let first = steps.first().copied().unwrap_or(0);
        let gapless = steps.last().is_none_or(|last| last - first + 1 == steps.len());
        let steps = if gapless {
            Steps::Run(narrow(first))
        } else {
            Steps::List(steps.iter().map(|step| narrow(*step)).collect())
        };
        Self { steps, floats, ..Self::default() }
    }

    /// The first step and the values from there on, if there is one at each.
    pub(crate) fn run(&self) -> Option<(usize, &[f64])> {
        match &self.steps {
            Steps::Run(first) if self.histograms.is_empty() => {
                Some((*first as usize, &self.floats))
            }
            _ => None,
        }
    }

    /// Room for one float per step.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { floats: Vec::with_capacity(count), ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    /// Size in memory, counted in floats.
    pub(crate) fn weight(&self) -> u64 {
        let histograms: u64 = self.histograms.iter().map(|(_, h)| weight(h)).sum();
        self.floats.len() as u64 + histograms
    }

    pub(crate) fn has_floats(&self) -> bool {
        !self.floats.is_empty()
    }

    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// Adds a float at a later step than all floats before.
    pub(crate) fn push_float(&mut self, step: usize, value: f64) {
        let step = narrow(step);
        match &mut self.steps {
            Steps::Run(first) if self.floats.is_empty() => *first = step,
            Steps::Run(first) if step == *first + narrow(self.floats.len()) => {}
            Steps::Run(first) => {
                let mut list: Vec<u32> = (*first..*first + narrow(self.floats.len())).collect();
                list.push(step);
                self.steps = Steps::List(list);
            }
            Steps::List(list) => list.push(step),
        }
        self.floats.push(value);
    }

    /// Adds a histogram at a later step than all histograms before.
    pub(crate) fn push_histogram(&mut self, step: usize, histogram: Arc<Histogram>) {
        self.histograms.push((narrow(step), histogram));
    }

    pub(crate) fn push(&mut self, step: usize, sample: Sample) {
        match sample {
            Sample::Float(value) => self.push_float(step, value),
            Sample::Histogram(histogram) => self.push_histogram(step, histogram),
        }
    }

    /// Floats with their steps.
    pub(crate) fn floats(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let (first, list) = match &self.steps {
            Steps::Run(first) => (*first, None),
            Steps::List(list) => (0, Some(list)),
        };
        self.floats.iter().enumerate().map(move |(at, value)| {
            let step = match list {
                None => first as usize + at,
                Some(list) => list.get(at).map_or(0, |step| *step as usize),
            };
            (step, *value)
        })
    }

    /// Histograms with their steps.
    pub(crate) fn histograms(&self) -> impl Iterator<Item = (usize, &Arc<Histogram>)> {
        self.histograms.iter().map(|(step, histogram)| (*step as usize, histogram))
    }

    /// All values in order of steps.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (usize, Cell<'_>)> {
        let mut floats = self.floats().peekable();
        let mut histograms = self.histograms().peekable();
        std::iter::from_fn(move || match (floats.peek(), histograms.peek()) {
            (Some((float_step, _)), Some((step, _))) if step < float_step => {
                histograms.next().map(|(step, histogram)| (step, Cell::Histogram(histogram)))
            }
            (None, Some(_)) => {
                histograms.next().map(|(step, histogram)| (step, Cell::Histogram(histogram)))
            }
            _ => floats.next().map(|(step, value)| (step, Cell::Float(value))),
        })
    }

    /// The value at a step.
    pub(crate) fn get(&self, step: usize) -> Option<Cell<'_>> {
        let step = narrow(step);
        let at = match &self.steps {
            Steps::Run(first) => step.checked_sub(*first).map(|at| at as usize),
            Steps::List(list) => list.binary_search(&step).ok(),
        };
        if let Some(value) = at.and_then(|at| self.floats.get(at)) {
            return Some(Cell::Float(*value));
        }
        let at = self.histograms.binary_search_by_key(&step, |(step, _)| *step).ok()?;
        self.histograms.get(at).map(|(_, histogram)| Cell::Histogram(histogram))
    }

    /// Replaces every float, and drops histograms.
    pub(crate) fn map_floats(&mut self, map: impl Fn(f64) -> f64) {
        self.histograms.clear();
        for value in &mut self.floats {
            *value = map(*value);
        }
    }

    /// Drops histograms.
    pub(crate) fn keep_floats(&mut self) {
        self.histograms.clear();
    }

    /// A column of the cells that `map` gives.
    pub(crate) fn filter_map(
        &self,
        mut map: impl FnMut(usize, Cell<'_>) -> Option<Sample>,
    ) -> Self {
        let mut mapped = Self::with_capacity(self.floats.len());
        for (step, cell) in self.cells() {
            if let Some(sample) = map(step, cell) {
                mapped.push(step, sample);
            }
        }
        mapped
    }

    /// Joins two columns; `None` when a step is in both.
    pub(crate) fn union(&self, other: &Self) -> Option<Self> {
        let mut joined = Self::with_capacity(self.floats.len() + other.floats.len());
        let (mut left, mut right) = (self.cells().peekable(), other.cells().peekable());
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some((left_step, _)), Some((right_step, _))) => match left_step.cmp(right_step) {
                    std::cmp::Ordering::Less => left.next(),
                    std::cmp::Ordering::Greater => right.next(),
                    std::cmp::Ordering::Equal => return None,
                },
                (Some(_), None) => left.next(),
                _ => right.next(),
            };
            match next {
                Some((step, cell)) => joined.push(step, cell.to_sample()),
                None => return Some(joined),
            }
        }
    }
}

#[cfg(test)]
mod tests;
