//! Functions of series that have the same times: what depends on the times is found once.
//!
//! Of 10,000 counters that are scraped together, finding the windows of each anew took a sixth of
//! the time of their rates, and looking at the times in them another.

use std::ops::Range;

use super::{
    extremes::Extreme,
    rate::{Kind, Resets, Shape},
    window::{Edges, Extent},
};

/// What series with the same times can be asked for together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Rate(Kind),
    Extreme(Extreme),
    /// How many samples there are.
    Count,
}

/// The windows of all steps over one column of times.
#[derive(Debug)]
pub(crate) struct Repeated {
    asked: Asked,
    seconds: f64,
    /// Those with enough samples.
    windows: Vec<Range<usize>>,
    /// How the samples of each lie in it, for rates.
    shapes: Vec<Shape>,
    /// The steps that the windows belong to.
    steps: Vec<usize>,
    seen: u64,
}

impl Repeated {
    /// `ends` are the ends of the ranges, step by step.
    pub(super) fn new(
        asked: Asked,
        times: &[i64],
        extent: Extent,
        ends: impl Iterator<Item = i64>,
    ) -> Self {
        let (mut edges, mut seen) = (Edges::default(), 0);
        let (mut windows, mut shapes, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for (step, end) in ends.enumerate() {
            let (start, _) = extent.window(end);
            let samples = edges.slide(times, start, end);
            seen += samples.len() as u64;
            if let Asked::Rate(kind) = asked {
                let within = times.get(samples.clone()).unwrap_or_default();
                let Some(shape) = Shape::new(within, 0, kind, (start, end)) else { continue };
                shapes.push(shape);
            } else if samples.is_empty() {
                continue;
            }
            windows.push(samples);
            steps.push(step);
        }
        Self { asked, seconds: extent.seconds(), windows, shapes, steps, seen }
    }

    /// The steps that have values.
    pub(crate) fn steps(&self) -> &[usize] {
        &self.steps
    }

    /// How many samples all windows have.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// What is asked for of a series without staleness markers and start times, one for each of the
    /// steps.
    pub(crate) fn values(&self, values: &[f64]) -> Vec<f64> {
        match self.asked {
            Asked::Rate(kind) => self.rates(kind, values),
            Asked::Extreme(extreme) => extreme.of_windows(values, self.windows.iter()),
            Asked::Count => self.windows.iter().map(|window| window.len() as f64).collect(),
        }
    }

    fn rates(&self, kind: Kind, values: &[f64]) -> Vec<f64> {
        let resets = if kind.counter { Resets::of_values(values) } else { Resets::default() };
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let rates = self.windows.iter().zip(&self.shapes).map(|(samples, shape)| {
            let (first, last) = (at(samples.start), at(samples.end - 1));
            let change = resets.add_hidden(last - first, samples.clone(), values);
            change * shape.factor(kind, first, change, self.seconds)
        });
        rates.collect()
    }
}

#[cfg(test)]
mod tests;
