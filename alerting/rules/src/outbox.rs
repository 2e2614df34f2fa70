//! What waits to be told to one receiver of alerts.

use std::collections::VecDeque;

/// Most alerts that wait; beyond that the oldest are dropped.
pub const OUTBOX_MAX: usize = 10_000;
/// Most alerts in one request.
pub const BATCH_MAX: usize = 256;

/// A bounded queue of alerts. Those that are dropped are told of again by their rule, if they last.
#[derive(Debug)]
pub struct Outbox<T> {
    waiting: VecDeque<T>,
    dropped: u64,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), dropped: 0 }
    }
}

impl<T> Outbox<T> {
    pub fn push(&mut self, alert: T) {
        if self.waiting.len() >= OUTBOX_MAX {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back(alert);
    }

    /// The oldest that wait, as many as go into one request.
    pub fn batch(&mut self) -> Vec<T> {
        self.waiting.drain(..self.waiting.len().min(BATCH_MAX)).collect()
    }

    /// How many were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests;
