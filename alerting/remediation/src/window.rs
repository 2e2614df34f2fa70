//! How often something happened lately.

use std::{collections::VecDeque, time::Duration};

use model::time::Timestamp;

/// Entries kept per window. Budgets are far below; beyond this the oldest are forgotten.
const ENTRIES_MAX: usize = 4096;

/// Times of something, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    times: VecDeque<Timestamp>,
}

impl Window {
    /// Adds a time and forgets those more than `keep` before it.
    pub(crate) fn push(&mut self, now: Timestamp, keep: Duration) {
        let oldest = now.saturating_sub(keep);
        while self.times.front().is_some_and(|time| *time <= oldest)
            || self.times.len() >= ENTRIES_MAX
        {
            self.times.pop_front();
        }
        self.times.push_back(now);
    }

    /// Takes back the last one.
    pub(crate) fn pop(&mut self) {
        self.times.pop_back();
    }

    pub(crate) fn clear(&mut self) {
        self.times.clear();
    }

    /// How many lie less than `window` before `now`. Times after `now` (the clock went back) count.
    pub(crate) fn count(&self, now: Timestamp, window: Duration) -> u32 {
        let oldest = now.saturating_sub(window);
        let recent = self.times.iter().rev().take_while(|time| **time > oldest).count();
        u32::try_from(recent).unwrap_or(u32::MAX)
    }

    /// When the count drops below `limit`; `now` when it is below already or `limit` is zero.
    pub(crate) fn free_at(&self, now: Timestamp, window: Duration, limit: u32) -> Timestamp {
        let count = self.count(now, window);
        if count < limit || limit == 0 {
            return now;
        }
        let skip = usize::try_from(limit - 1).unwrap_or(usize::MAX);
        self.times.iter().rev().nth(skip).map_or(now, |time| time.saturating_add(window).max(now))
    }
}

#[cfg(test)]
mod tests;
