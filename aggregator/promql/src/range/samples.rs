//! The samples of one series, floats and histograms apart, without staleness markers.

use std::sync::Arc;

use model::{
    columns::{Columns, is_stale},
    histogram::Histogram,
};

/// Samples of one kind in order of time.
#[derive(Debug)]
pub(crate) struct Track<T> {
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<T>,
    /// When the counters started, 0 where unknown; as long as `times`, or empty.
    pub(crate) starts: Vec<i64>,
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self { times: Vec::new(), values: Vec::new(), starts: Vec::new() }
    }
}

/// What a range function sees of a series.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) floats: Track<f64>,
    pub(crate) histograms: Track<Arc<Histogram>>,
}

impl Samples {
    /// Takes the samples out of decoded columns. Start timestamps are kept on request.
    pub(crate) fn split(columns: &mut Columns, keep_starts: bool) -> Self {
        let mut samples = Self::default();
        let pure = columns.histograms.is_empty();
        if !keep_starts {
            columns.starts.clear();
        }
        if pure && !has_stale(&columns.values) {
            let floats = &mut samples.floats;
            floats.times = std::mem::take(&mut columns.times);
            floats.values = std::mem::take(&mut columns.values);
            floats.starts = std::mem::take(&mut columns.starts);
            return samples;
        }
        let mut histograms = columns.histograms.drain(..).peekable();
        for (at, (time, value)) in columns.times.iter().zip(&columns.values).enumerate() {
            let histogram = histograms.next_if(|(place, _)| *place as usize == at);
            if is_stale(*value) {
                continue;
            }
            let start = columns.starts.get(at).copied();
            match histogram {
                Some((_, histogram)) => {
                    samples.histograms.times.push(*time);
                    samples.histograms.values.push(histogram);
                    samples.histograms.starts.extend(start);
                }
                None => {
                    samples.floats.times.push(*time);
                    samples.floats.values.push(*value);
                    samples.floats.starts.extend(start);
                }
            }
        }
        samples
    }

    /// Gives memory back for the next series.
    pub(crate) fn recycle(self, columns: &mut Columns) {
        if columns.times.capacity() < self.floats.times.capacity() {
            columns.times = self.floats.times;
            columns.values = self.floats.values;
            columns.starts = self.floats.starts;
        }
    }
}

/// Whether there is a staleness marker.
pub(crate) fn has_stale(values: &[f64]) -> bool {
    /// So many are looked at together, without a branch per value: mostly none of them is NaN.
    const TOGETHER: usize = 64;
    values.chunks(TOGETHER).any(|block| {
        block.iter().fold(false, |any, value| any | value.is_nan())
            && block.iter().any(|value| is_stale(*value))
    })
}
