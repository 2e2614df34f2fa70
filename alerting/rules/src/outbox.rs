//! What waits to be told to one receiver of alerts.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
};

/// Most alerts that wait.
pub const OUTBOX_MAX: usize = 10_000;
/// Most bytes of the alerts that wait.
pub const OUTBOX_BYTES_MAX: usize = 32 << 20;
/// Most alerts in one request.
pub const BATCH_MAX: usize = 256;
/// Most bytes in one request, unless a single alert has more.
pub const BATCH_BYTES_MAX: usize = 1 << 20;

/// A bounded queue of alerts of many owners. Each has a line of its own; they take turns, and where
/// there are too many the oldest of whoever has most are dropped. Those that are dropped are told of
/// again by their rule, if they last.
#[derive(Debug)]
pub struct Outbox<K, T> {
    lines: BTreeMap<K, Line<T>>,
    /// Whose turn was the last.
    last: Option<K>,
    alerts: usize,
    bytes: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Line<T> {
    waiting: VecDeque<(usize, T)>,
    bytes: usize,
}

impl<K, T> Default for Outbox<K, T> {
    fn default() -> Self {
        Self { lines: BTreeMap::new(), last: None, alerts: 0, bytes: 0, dropped: 0 }
    }
}

impl<K: Ord + Clone, T> Outbox<K, T> {
    /// Adds an alert of so many bytes.
    pub fn push(&mut self, owner: &K, bytes: usize, alert: T) {
        let line = match self.lines.get_mut(owner) {
            Some(line) => line,
            None => {
                let new = Line { waiting: VecDeque::new(), bytes: 0 };
                self.lines.entry(owner.clone()).or_insert(new)
            }
        };
        line.waiting.push_back((bytes, alert));
        line.bytes += bytes;
        self.alerts += 1;
        self.bytes += bytes;
        while self.alerts > OUTBOX_MAX {
            self.drop_from_most(|line| line.waiting.len());
        }
        while self.bytes > OUTBOX_BYTES_MAX {
            self.drop_from_most(|line| line.bytes);
        }
    }

    fn drop_from_most(&mut self, much: impl Fn(&Line<T>) -> usize) {
        let most = self.lines.iter().max_by_key(|(_, line)| much(line));
        let Some(owner) = most.map(|(owner, _)| owner.clone()) else { return };
        drop(self.pop(&owner));
        self.dropped += 1;
    }

    fn pop(&mut self, owner: &K) -> Option<(usize, T)> {
        let line = self.lines.get_mut(owner)?;
        let (bytes, alert) = line.waiting.pop_front()?;
        line.bytes -= bytes;
        if line.waiting.is_empty() {
            self.lines.remove(owner);
        }
        self.alerts -= 1;
        self.bytes -= bytes;
        Some((bytes, alert))
    }

    /// As many as go into one request: of each owner in turn the oldest.
    pub fn batch(&mut self) -> Vec<T> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
            let Some(owner) = self.next() else { break };
            let Some((size, alert)) = self.pop(&owner) else { break };
            batch.push(alert);
            bytes += size;
            self.last = Some(owner);
        }
        batch
    }

    /// Whose turn it is.
    fn next(&self) -> Option<K> {
        let after = self
            .last
            .as_ref()
            .and_then(|last| self.lines.range((Bound::Excluded(last), Bound::Unbounded)).next());
        after.or_else(|| self.lines.iter().next()).map(|(owner, _)| owner.clone())
    }

    /// How many were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests;
