//! Adding series as the log tells them: one after the other, with what each shares with the one
//! before. That is neither parsed nor looked up again, and goes to the postings in runs.

use model::labels::take_pair;

use super::{Index, LABELS_MAX};
use crate::wal::record::Shared;

/// Series being added, by [`Index::bulk`].
#[derive(Debug)]
pub(crate) struct Bulk<'a> {
    index: &'a mut Index,
    /// The labels of the series that was added last; none if they were no valid set.
    labels: Vec<Label>,
    /// Their length when packed, in bytes.
    length: usize,
    /// What the next labels share with them.
    shared: Shared,
    news: Vec<Label>,
}

#[derive(Clone, Copy, Debug)]
struct Label {
    /// Where it ends in the packed set.
    end: usize,
    pair: u32,
    /// The first series of those in a row that have it. They are not in the postings yet.
    since: u32,
}

impl<'a> Bulk<'a> {
    pub(super) fn new(index: &'a mut Index) -> Self {
        let (labels, news) = (Vec::new(), Vec::new());
        Self { index, labels, length: 0, shared: Shared::ALL, news }
    }

    /// Passes over a series that is not to be added.
    pub(crate) fn pass(&mut self, shared: Shared) {
        self.shared = self.shared.and(shared);
    }

    /// Adds a series with the next number. Returns the number, and whether the labels are a valid set
    /// for which there is room; if not, the series has none and is not found.
    pub(crate) fn add(&mut self, packed: &[u8], shared: Shared) -> (u32, bool) {
        let shared = std::mem::replace(&mut self.shared, Shared::ALL).and(shared);
        let series = self.index.next;
        self.index.begin_series();
        let is_valid = self.change(packed, shared, series).is_some();
        if is_valid {
            self.length = packed.len();
            self.index.all.push(series);
        } else {
            self.close_all(series);
        }
        if let Some(Some(page)) = self.index.pages.last_mut() {
            self.labels.iter().for_each(|label| page.push(label.pair));
            page.end_series();
        }
        (series, is_valid)
    }

    /// Makes `labels` those of a series. `None`, with nothing changed, when they cannot be.
    fn change(&mut self, packed: &[u8], shared: Shared, series: u32) -> Option<()> {
        let kept = self.labels.iter().take_while(|label| label.end <= shared.prefix).count();
        let shared_from = self.length.saturating_sub(shared.suffix);
        let mut tail = self.labels.len();
        while tail > kept && self.start_of(tail - 1) >= shared_from {
            tail -= 1;
        }
        let first = self.start_of(kept);
        let end = packed.len().checked_sub(self.length - self.start_of(tail))?;
        let middle = packed.get(first..end)?;
        let (count, bytes) = self.check(middle, kept, tail)?;
        if self.labels.len() - (tail - kept) + count > LABELS_MAX
            || !self.index.texts.has_room(bytes)
        {
            return None;
        }
        for at in kept..tail {
            self.close(at, series);
        }
        self.look_up(middle, kept..tail, first, series);
        for label in self.labels.get_mut(tail..)? {
            label.end = label.end + packed.len() - self.length;
        }
        self.labels.splice(kept..tail, self.news.drain(..));
        Some(())
    }

    /// Counts the labels that are not shared and the bytes of their texts. `None` when with the others
    /// they are no valid set.
    fn check(&self, mut middle: &[u8], kept: usize, tail: usize) -> Option<(usize, usize)> {
        let mut last = kept.checked_sub(1).map_or("", |at| self.name_at(at));
        let (mut count, mut bytes) = (0, 0);
        while !middle.is_empty() {
            let (name, value) = take_pair(&mut middle)?;
            if name <= last || value.is_empty() {
                return None;
            }
            count += 1;
            bytes += name.len() + value.len();
            last = name;
        }
        (tail == self.labels.len() || last < self.name_at(tail)).then_some((count, bytes))
    }

    /// Finds the labels that are not shared, or adds them to the index.
    fn look_up(
        &mut self,
        mut middle: &[u8],
        replaced: std::ops::Range<usize>,
        first: usize,
        since: u32,
    ) {
        let end = first + middle.len();
        let mut likely = replaced;
        while let Some((name, value)) = take_pair(&mut middle) {
            // Mostly only values change.
            let like = likely.next().filter(|at| self.name_at(*at) == name);
            let name = match like.and_then(|at| self.labels.get(at)) {
                Some(label) => self.index.pairs[label.pair as usize].name,
                None => self.index.name(name),
            };
            let pair = self.index.pair(name, value);
            self.news.push(Label { end: end - middle.len(), pair, since });
        }
    }

    fn start_of(&self, at: usize) -> usize {
        at.checked_sub(1).and_then(|before| self.labels.get(before)).map_or(0, |label| label.end)
    }

    fn name_at(&self, at: usize) -> &str {
        let pair = self.labels.get(at).and_then(|label| self.index.pairs.get(label.pair as usize));
        pair.map_or("", |pair| self.index.text_of(pair.name))
    }

    /// Tells the postings which series had a label, up to the one before `next`.
    fn close(&mut self, at: usize, next: u32) {
        let Some(Label { pair, since, .. }) = self.labels.get(at).copied() else { return };
        let pair = &mut self.index.pairs[pair as usize];
        pair.postings.push_run(since..next);
        self.index.names[pair.name as usize].present.push_run(since..next);
    }

    /// Tells the postings all that they do not know yet.
    pub(super) fn finish(mut self) {
        self.close_all(self.index.next);
    }

    fn close_all(&mut self, next: u32) {
        for at in 0..self.labels.len() {
            self.close(at, next);
        }
        self.labels.clear();
        self.length = 0;
    }
}

#[cfg(test)]
mod tests;
