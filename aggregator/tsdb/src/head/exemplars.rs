//! A tenant's newest exemplars, in a ring.

use std::collections::VecDeque;

use hashbrown::HashMap;
use model::exemplar::Exemplar;

/// Longest label set of an exemplar, in bytes. OpenMetrics allows 128 characters.
const LABEL_BYTES_MAX: usize = 512;

/// The ring. The oldest exemplar makes room for the next.
#[derive(Debug, Default)]
pub(crate) struct Exemplars {
    ring: VecDeque<(u32, Exemplar)>,
    /// How many have left the ring.
    gone: u64,
    /// Where the newest exemplar of each series is, counted from the first ever.
    newest: HashMap<u32, u64, std::hash::BuildHasherDefault<std::hash::DefaultHasher>>,
}

/// What became of an exemplar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    Stored,
    Same,
    Refused,
}

impl Exemplars {
    /// Adds an exemplar of a series unless it is older than the one before. Sending the newest
    /// again is no error: scrapes do it all the time.
    pub(crate) fn add(&mut self, series: u32, exemplar: &Exemplar, limit: usize) -> Added {
        if limit == 0 || exemplar.labels.as_bytes().len() > LABEL_BYTES_MAX {
            return Added::Refused;
        }
        if let Some(newest) = self.newest_of(series) {
            if exemplar.time < newest.time {
                return Added::Refused;
            }
            if exemplar.labels == newest.labels
                && exemplar.value.to_bits() == newest.value.to_bits()
            {
                return Added::Same;
            }
        }
        while self.ring.len() >= limit {
            self.drop_oldest();
        }
        self.newest.insert(series, self.gone + self.ring.len() as u64);
        self.ring.push_back((series, exemplar.clone()));
        Added::Stored
    }

    fn newest_of(&self, series: u32) -> Option<&Exemplar> {
        let at = self.newest.get(&series)?.checked_sub(self.gone)?;
        self.ring.get(usize::try_from(at).ok()?).map(|(_, exemplar)| exemplar)
    }

    fn drop_oldest(&mut self) {
        if let Some((series, _)) = self.ring.pop_front() {
            if self.newest.get(&series) == Some(&self.gone) {
                self.newest.remove(&series);
            }
            self.gone += 1;
        }
    }

    /// Forgets the exemplars of series that are gone.
    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        let ring = std::mem::take(&mut self.ring);
        *self = Self::default();
        for (series, exemplar) in ring.into_iter().filter(|(series, _)| keep(*series)) {
            self.newest.insert(series, self.ring.len() as u64);
            self.ring.push_back((series, exemplar));
        }
    }

    /// The oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u32, Exemplar)> {
        self.ring.iter()
    }
}

#[cfg(test)]
mod tests;
