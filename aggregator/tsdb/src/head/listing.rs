//! A copy of an index' labels, to put series in order while writers go on.

/// Labels of many series as numbers of pairs.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(super) names: Vec<Box<str>>,
    /// Number of the name, and value.
    pub(super) pairs: Vec<(u32, Box<str>)>,
    pub(super) series: Vec<u32>,
    pub(super) labels: Vec<u32>,
    /// Where the labels of each series end.
    pub(super) ends: Vec<usize>,
}

impl Listing {
    pub(super) fn push(&mut self, series: u32, pairs: impl Iterator<Item = u32>) {
        self.series.push(series);
        self.labels.extend(pairs);
        self.ends.push(self.labels.len());
    }

    /// The series in order of labels.
    pub(crate) fn in_order(mut self) -> Vec<u32> {
        // Pairs are ranked first, so that series are compared by numbers.
        let text = |pair: u32| {
            let (name, value) = &self.pairs[pair as usize];
            (self.names.get(*name as usize).map_or("", |name| name), &**value)
        };
        let mut pairs: Vec<u32> = (0..self.pairs.len() as u32).collect();
        pairs.sort_unstable_by(|a, b| text(*a).cmp(&text(*b)));
        let mut ranks = vec![0u32; pairs.len()];
        for (rank, pair) in (0u32..).zip(pairs) {
            ranks[pair as usize] = rank;
        }
        self.labels.iter_mut().for_each(|pair| *pair = ranks[*pair as usize]);
        let ranks_of = |at: usize| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.labels[start..self.ends[at]]
        };
        let mut order: Vec<usize> = (0..self.series.len()).collect();
        order.sort_unstable_by(|a, b| ranks_of(*a).cmp(ranks_of(*b)));
        order.into_iter().map(|at| self.series[at]).collect()
    }
}
