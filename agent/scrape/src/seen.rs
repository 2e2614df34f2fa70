//! What was seen of a target before: from the bytes of a series as exposed to its labels after
//! relabelling, so that a steady scrape does no work on labels.
//!
//! An exposition mostly repeats the one before, line by line. So each row remembers which row
//! followed it, and only where the guess is wrong the bytes are hashed, with a keyed hash, because
//! they are the target's to choose.
//!
//! Two rows can mean the same set of labels. Staleness is a matter of sets.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use model::labels::Labels;

/// No row, set or group.
pub(crate) const NONE: u32 = u32::MAX;

/// Rows that are kept beyond those of the last good scrape, before rows that did not come again
/// are forgotten.
const SPARE_ROWS: usize = 1000;

/// What a series as exposed means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The number of a set.
    Set(u32),
    /// Relabelling dropped it.
    Dropped,
    /// It says since when a group counts.
    Created,
}

#[derive(Debug)]
struct Row {
    key: Box<[u8]>,
    meaning: Meaning,
    /// Series that start together; [`NONE`] while unknown.
    group: u32,
    /// The scrape in which it was last seen.
    seen: u64,
    /// The row that followed then.
    next: u32,
}

#[derive(Debug)]
struct Set {
    labels: Labels,
    /// The last scrape in which it had a sample at the scrape's own time.
    sampled: u64,
    /// The last scrape after which it is to be marked stale if it does not come again.
    tracked: u64,
    /// `tracked` before that.
    tracked_before: u64,
}

/// The memory of one target. Scrapes count from 1.
#[derive(Debug)]
pub(crate) struct Seen {
    hasher: RandomState,
    rows: Vec<Row>,
    by_key: HashTable<u32>,
    sets: Vec<Set>,
    by_labels: HashTable<u32>,
    scrape: u64,
    last_good: u64,
    /// Rows seen in the scrape at hand, and in the last good one.
    rows_seen: usize,
    rows_good: usize,
    previous: u32,
}

/// A row that was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) row: u32,
    pub(crate) meaning: Meaning,
    /// Whether it was there in the last good scrape.
    pub(crate) known: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            rows: Vec::new(),
            by_key: HashTable::new(),
            sets: Vec::new(),
            by_labels: HashTable::new(),
            scrape: 0,
            last_good: 0,
            rows_seen: 0,
            rows_good: 0,
            previous: NONE,
        }
    }
}

impl Seen {
    /// A scrape begins.
    pub(crate) fn begin(&mut self) {
        self.scrape += 1;
        self.rows_seen = 0;
        self.previous = NONE;
    }

    /// Finds a series by its bytes.
    pub(crate) fn find(&mut self, key: &[u8]) -> Option<Found> {
        let number = self.guess(key).or_else(|| {
            let hash = self.hasher.hash_one(key);
            self.by_key.find(hash, |number| &*self.rows[*number as usize].key == key).copied()
        })?;
        self.pass(number);
        let row = self.rows.get_mut(number as usize)?;
        let known = row.seen >= self.last_good && row.seen > 0;
        if row.seen != self.scrape {
            row.seen = self.scrape;
            self.rows_seen += 1;
        }
        Some(Found { row: number, meaning: row.meaning, known })
    }

    fn guess(&self, key: &[u8]) -> Option<u32> {
        let next = match self.rows.get(self.previous as usize) {
            Some(row) => row.next,
            None => 0,
        };
        self.rows.get(next as usize).filter(|row| &*row.key == key).map(|_| next)
    }

    /// Remembers that `number` came after the row before.
    fn pass(&mut self, number: u32) {
        if let Some(row) = self.rows.get_mut(self.previous as usize) {
            row.next = number;
        }
        self.previous = number;
    }

    /// Remembers what a series means that [`Self::find`] did not find.
    pub(crate) fn insert(&mut self, key: &[u8], meaning: Meaning) -> u32 {
        let Ok(number) = u32::try_from(self.rows.len()) else { return NONE };
        let hash = self.hasher.hash_one(key);
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.by_key
            .insert_unique(hash, number, |other| hasher.hash_one(&*rows[*other as usize].key));
        let (seen, next) = (self.scrape, number.saturating_add(1));
        self.rows.push(Row { key: key.into(), meaning, group: NONE, seen, next });
        self.rows_seen += 1;
        self.pass(number);
        number
    }

    /// The number of a set of labels.
    pub(crate) fn intern(&mut self, labels: &Labels) -> u32 {
        let hash = self.hasher.hash_one(labels.as_bytes());
        let (sets, hasher) = (&self.sets, &self.hasher);
        if let Some(found) = self.by_labels.find(hash, |set| sets[*set as usize].labels == *labels)
        {
            return *found;
        }
        let number = u32::try_from(sets.len()).unwrap_or(NONE);
        self.by_labels.insert_unique(hash, number, |other| {
            hasher.hash_one(sets[*other as usize].labels.as_bytes())
        });
        let labels = labels.clone();
        self.sets.push(Set { labels, sampled: 0, tracked: 0, tracked_before: 0 });
        number
    }

    pub(crate) fn labels(&self, set: u32) -> Option<&Labels> {
        self.sets.get(set as usize).map(|set| &set.labels)
    }

    /// Notes a sample at the scrape's own time. `false` when the set had one in this scrape.
    pub(crate) fn sample(&mut self, set: u32) -> bool {
        let scrape = self.scrape;
        let Some(set) = self.sets.get_mut(set as usize) else { return false };
        std::mem::replace(&mut set.sampled, scrape) != scrape
    }

    /// The set is to be marked stale if the next scrape does not have it.
    pub(crate) fn track(&mut self, set: u32) {
        let scrape = self.scrape;
        if let Some(set) = self.sets.get_mut(set as usize)
            && set.tracked != scrape
        {
            set.tracked_before = set.tracked;
            set.tracked = scrape;
        }
    }

    pub(crate) fn group(&self, row: u32) -> u32 {
        self.rows.get(row as usize).map_or(NONE, |row| row.group)
    }

    pub(crate) fn set_group(&mut self, row: u32, group: u32) {
        if let Some(row) = self.rows.get_mut(row as usize) {
            row.group = group;
        }
    }

    /// The scrape was good: calls `stale` for the sets of the scrape before that are gone, and
    /// forgets what did not come again, if that is much.
    pub(crate) fn end_good(&mut self, mut stale: impl FnMut(&Labels)) {
        let (scrape, before) = (self.scrape, self.scrape - 1);
        for set in &self.sets {
            if set.tracked == before && before > 0 {
                stale(&set.labels);
            }
        }
        self.last_good = scrape;
        self.rows_good = self.rows_seen;
        let spare = self.rows_seen / 8 + SPARE_ROWS / 10;
        if self.rows.len() > self.rows_seen + spare || self.has_spare_sets() {
            self.forget();
        }
    }

    /// The scrape failed, so everything is gone: calls `stale` for all sets of the scrape before,
    /// those among them that this scrape had before it failed.
    pub(crate) fn end_failed(&mut self, mut stale: impl FnMut(&Labels)) {
        let (scrape, before) = (self.scrape, self.scrape - 1);
        for set in &mut self.sets {
            let was_there =
                set.tracked == before || set.tracked == scrape && set.tracked_before == before;
            if was_there && before > 0 {
                stale(&set.labels);
            }
            if set.tracked == scrape {
                set.tracked = 0;
            }
        }
        // A target whose series change while its scrapes fail must not fill the memory.
        if self.rows.len() > self.rows_good * 2 + SPARE_ROWS || self.has_spare_sets() {
            self.forget();
        }
    }

    /// Whether there are many sets that no row means.
    fn has_spare_sets(&self) -> bool {
        self.sets.len() > self.rows.len() * 2 + SPARE_ROWS
    }

    /// Sets that are to be marked stale when the target ends.
    pub(crate) fn tracked(&self) -> impl Iterator<Item = &Labels> {
        let current = self.scrape;
        let open = self.sets.iter().filter(move |set| set.tracked == current && current > 0);
        open.map(|set| &set.labels)
    }

    /// Drops rows that this scrape did not have, and sets that nothing refers to.
    fn forget(&mut self) {
        let scrape = self.scrape;
        let rows = std::mem::take(&mut self.rows);
        let sets = std::mem::take(&mut self.sets);
        let (previous, rows_seen) = (self.previous, self.rows_seen);
        self.by_key.clear();
        self.by_labels.clear();
        for set in &sets {
            if set.tracked == scrape {
                let number = self.intern(&set.labels) as usize;
                if let Some(kept) = self.sets.get_mut(number) {
                    (kept.sampled, kept.tracked) = (set.sampled, set.tracked);
                    kept.tracked_before = set.tracked_before;
                }
            }
        }
        for row in rows {
            if row.seen != scrape {
                continue;
            }
            let meaning = match row.meaning {
                Meaning::Set(old) => match sets.get(old as usize) {
                    Some(set) => Meaning::Set(self.intern(&set.labels)),
                    None => continue,
                },
                other => other,
            };
            let number = self.insert(&row.key, meaning);
            self.set_group(number, row.group);
        }
        (self.previous, self.rows_seen) = (previous, rows_seen);
    }

    pub(crate) fn row_count(&self) -> usize {
        self.rows.len()
    }

    #[cfg(test)]
    pub(crate) fn set_count(&self) -> usize {
        self.sets.len()
    }

    /// Forgets all rows, but not what is to be marked stale.
    pub(crate) fn forget_rows(&mut self) {
        self.rows.clear();
        self.by_key.clear();
    }
}
