//! What is let in: token buckets, and checks of label sets.

use crate::limits::Limits;

/// Seconds' worth of tokens that a bucket holds.
const BURST_SECONDS: f64 = 10.0;

/// A token bucket.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    used: f64,
    last: i64,
}

impl Bucket {
    /// Takes up to `wanted` tokens and says how many there were. `now` in milliseconds; a clock
    /// that goes back gives nothing and takes nothing.
    pub(crate) fn take(&mut self, wanted: u64, per_second: f64, now: i64) -> u64 {
        let elapsed = now.saturating_sub(self.last).max(0) as f64 / 1000.0;
        self.last = self.last.max(now);
        self.used = (self.used - elapsed * per_second).max(0.0);
        let free = (per_second * BURST_SECONDS - self.used).max(0.0);
        let taken = (free as u64).min(wanted);
        self.used += taken as f64;
        taken
    }

    /// Takes all that is wanted if there are any tokens, as a debt if there are too few.
    pub(crate) fn take_whole(&mut self, wanted: u64, per_second: f64, now: i64) -> bool {
        let is_free = self.take(1, per_second, now) == 1;
        if is_free {
            self.used += wanted.saturating_sub(1) as f64;
        }
        is_free || wanted == 0
    }

    /// Puts tokens back that were not needed.
    pub(crate) fn give_back(&mut self, tokens: u64) {
        self.used = (self.used - tokens as f64).max(0.0);
    }
}

/// What is wrong with a packed label set, if anything.
pub(crate) fn check_labels(packed: &[u8], limits: &Limits) -> Option<&'static str> {
    if packed.is_empty() {
        return Some("no labels");
    }
    if packed.len() > limits.label_bytes_per_series {
        return Some("labels too long");
    }
    match model::labels::Labels::from_bytes(packed) {
        None => Some("labels out of order"),
        Some(labels) if labels.len() > limits.labels_per_series => Some("too many labels"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
