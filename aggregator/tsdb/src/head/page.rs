//! Labels of a few series that came one after the other, and mostly share them.

/// Series whose labels are kept together, and dropped together.
pub(super) const PAGE_SERIES: usize = 64;

/// Pairs that a narrow page can tell apart.
const DISTINCT_MAX: usize = 256;

/// Room that is made for more, at least: series that have labels, and pairs.
const STEP: usize = 4;

/// Labels of [`PAGE_SERIES`] series as numbers of pairs.
#[derive(Debug, Default)]
pub(super) struct Page {
    labels: Labels,
    /// Where the labels of each series end.
    ends: Vec<u16>,
    /// How many series are left.
    live: u16,
}

#[derive(Debug)]
enum Labels {
    /// The pairs that are used at all, and of each label of each series which of them it is.
    Narrow { distinct: Vec<u32>, places: Vec<u8> },
    /// The pair of each label of each series.
    Wide(Vec<u32>),
}

impl Default for Labels {
    fn default() -> Self {
        Self::Narrow { distinct: Vec::new(), places: Vec::new() }
    }
}

impl Labels {
    fn len(&self) -> usize {
        match self {
            Self::Narrow { places, .. } => places.len(),
            Self::Wide(pairs) => pairs.len(),
        }
    }

    fn get(&self, at: usize) -> Option<u32> {
        match self {
            Self::Narrow { distinct, places } => {
                distinct.get(usize::from(*places.get(at)?)).copied()
            }
            Self::Wide(pairs) => pairs.get(at).copied(),
        }
    }

    /// Adds a label; `likely` is the place of one that probably is the same.
    fn push(&mut self, pair: u32, likely: Option<usize>) {
        let (distinct, places) = match self {
            Self::Narrow { distinct, places } => (distinct, places),
            Self::Wide(pairs) => return pairs.push(pair),
        };
        let is_it = |place: &u8| distinct.get(usize::from(*place)) == Some(&pair);
        let guess = likely.and_then(|at| places.get(at)).copied().filter(is_it);
        let known = || distinct.iter().rposition(|known| *known == pair).map(|at| at as u8);
        let place = match guess.or_else(known) {
            Some(place) => place,
            None if distinct.len() < DISTINCT_MAX => {
                reserve(distinct, STEP);
                distinct.push(pair);
                (distinct.len() - 1) as u8
            }
            None => {
                let pairs = places.iter().filter_map(|at| distinct.get(usize::from(*at)));
                let mut pairs: Vec<u32> = pairs.copied().collect();
                pairs.push(pair);
                *self = Self::Wide(pairs);
                return;
            }
        };
        reserve(places, STEP * STEP);
        places.push(place);
    }
}

/// Makes room for another item, and a few more.
fn reserve<T>(items: &mut Vec<T>, step: usize) {
    if items.len() == items.capacity() {
        items.reserve_exact((items.len() / 4).max(step));
    }
}

impl Page {
    /// Adds a label to the series that is being added.
    pub(super) fn push(&mut self, pair: u32) {
        // Most often the series before has the same label at the same place.
        let (start, before) = (self.start_of(self.ends.len()), self.ends.len().checked_sub(1));
        let place = self.labels.len() - start;
        let likely = before.map(|before| self.start_of(before) + place);
        self.labels.push(pair, likely);
    }

    pub(super) fn end_series(&mut self) {
        reserve(&mut self.ends, STEP * STEP);
        self.ends.push(self.labels.len() as u16);
        self.live += 1;
    }

    /// Makes the page as small as it gets. Nothing should be added afterwards.
    pub(super) fn pack(&mut self) {
        self.ends.shrink_to_fit();
        match &mut self.labels {
            Labels::Narrow { distinct, places } => {
                distinct.shrink_to_fit();
                places.shrink_to_fit();
            }
            Labels::Wide(pairs) => pairs.shrink_to_fit(),
        }
    }

    fn start_of(&self, place: usize) -> usize {
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        usize::from(start.unwrap_or(0))
    }

    /// The pairs of a series, by its place in the page.
    pub(super) fn pairs_of(&self, place: usize) -> impl Iterator<Item = u32> {
        let start = self.start_of(place);
        let end = self.ends.get(place).map_or(start, |end| usize::from(*end));
        (start..end).filter_map(|at| self.labels.get(at))
    }

    /// Appends the pairs of a series, by its place in the page.
    pub(super) fn copy_pairs(&self, place: usize, out: &mut Vec<u32>) {
        let start = self.start_of(place);
        let end = self.ends.get(place).map_or(start, |end| usize::from(*end));
        match &self.labels {
            Labels::Narrow { distinct, places } => {
                let places = places.get(start..end).unwrap_or_default();
                let pair = |place: &u8| distinct.get(usize::from(*place)).copied();
                out.extend(places.iter().map(|place| pair(place).unwrap_or_default()));
            }
            Labels::Wide(pairs) => {
                out.extend_from_slice(pairs.get(start..end).unwrap_or_default());
            }
        }
    }

    /// Notes that a series is gone. Returns whether it was the last of a page that is full.
    pub(super) fn forget_one(&mut self) -> bool {
        self.live -= 1;
        self.live == 0 && self.ends.len() == PAGE_SERIES
    }

    /// Memory in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let labels = match &self.labels {
            Labels::Narrow { distinct, places } => {
                distinct.capacity() * size_of::<u32>() + places.capacity()
            }
            Labels::Wide(pairs) => pairs.capacity() * size_of::<u32>(),
        };
        size_of::<Self>() + labels + self.ends.capacity() * size_of::<u16>()
    }
}

#[cfg(test)]
mod tests;
