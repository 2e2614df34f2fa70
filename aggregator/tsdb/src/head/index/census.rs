//! Counting how many series have which labels.

use std::ops::Range;

use model::labels::METRIC_NAME;

use super::{Index, Pair};
use crate::cardinality::Census;

impl Index {
    /// How many numbers pairs have, in use or not.
    pub(crate) fn pair_numbers(&self) -> usize {
        self.pairs.len()
    }

    /// Counts some of the pairs.
    pub(crate) fn count_pairs(&self, numbers: Range<usize>, census: &mut Census) {
        if census.names.len() < self.names.len() {
            census.names.resize(self.names.len(), (0, 0));
        }
        for pair in self.pairs.iter().take(numbers.end).skip(numbers.start) {
            let series = pair.postings.len();
            if series == 0 {
                continue;
            }
            let (name, value) = (self.text_of(pair.name), self.texts.get(pair.value));
            let bytes = size_of::<Pair>() + value.len() + pair.postings.heap_bytes();
            if let Some((values, total)) = census.names.get_mut(pair.name as usize) {
                *values += 1;
                *total += bytes as u64;
            }
            census.label_pairs += 1;
            census.pairs.offer(series, || format!("{name}={value}"));
            if name == METRIC_NAME {
                census.metrics.offer(series, || value.to_owned());
            }
        }
    }

    /// Counts the names, once the pairs have been.
    pub(crate) fn count_names(&self, census: &mut Census) {
        census.series = self.all.len();
        for (name, (values, bytes)) in self.names.iter().zip(std::mem::take(&mut census.names)) {
            if values > 0 {
                let text = || self.texts.get(name.text).to_owned();
                census.values.offer(values, text);
                census.bytes.offer(bytes, text);
            }
        }
    }
}
