//! Rates of series that have the same times: what depends on the times is found once.
//!
//! Of 10,000 counters that are scraped together, finding the windows of each anew took a sixth of
//! the time of their rates, and looking at the times in them another.

use std::ops::Range;

use super::{
    rate::{Kind, Resets, Shape},
    window::{Edges, Extent},
};

/// The windows of all steps over one column of times.
#[derive(Debug)]
pub(crate) struct Repeated {
    kind: Kind,
    seconds: f64,
    windows: Vec<Sampled>,
    /// The steps that the windows belong to.
    steps: Vec<usize>,
    seen: u64,
}

/// A window with enough samples.
#[derive(Debug)]
struct Sampled {
    samples: Range<usize>,
    shape: Shape,
}

impl Repeated {
    /// `ends` are the ends of the ranges, step by step.
    pub(super) fn new(
        kind: Kind,
        times: &[i64],
        extent: Extent,
        ends: impl Iterator<Item = i64>,
    ) -> Self {
        let (mut edges, mut seen) = (Edges::default(), 0);
        let (mut windows, mut steps) = (Vec::new(), Vec::new());
        for (step, end) in ends.enumerate() {
            let (start, _) = extent.window(end);
            let samples = edges.slide(times, start, end);
            seen += samples.len() as u64;
            let within = times.get(samples.clone()).unwrap_or_default();
            if let Some(shape) = Shape::new(within, 0, kind, (start, end)) {
                windows.push(Sampled { samples, shape });
                steps.push(step);
            }
        }
        Self { kind, seconds: extent.seconds(), windows, steps, seen }
    }

    /// The steps that have values.
    pub(crate) fn steps(&self) -> &[usize] {
        &self.steps
    }

    /// How many samples all windows have.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// The rates of a series without staleness markers and start times, one for each of the steps.
    pub(crate) fn rates(&self, values: &[f64]) -> Vec<f64> {
        let kind = self.kind;
        let resets = if kind.counter { Resets::of_values(values) } else { Resets::default() };
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        let rates = self.windows.iter().map(|Sampled { samples, shape }| {
            let (first, last) = (at(samples.start), at(samples.end - 1));
            let change = resets.add_hidden(last - first, samples.clone(), values);
            change * shape.factor(kind, first, change, self.seconds)
        });
        rates.collect()
    }
}

#[cfg(test)]
mod tests;
