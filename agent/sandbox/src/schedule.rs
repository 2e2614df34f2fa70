//! When it is worth asking a sandbox.
//!
//! A question wakes a sentry that may have slept, which costs the node about a millisecond of processor
//! time. So a sandbox is asked every ten to fifteen seconds, each at a moment of its own, and not at all
//! while it has hardly run since the last answer.

use std::time::Duration;

use model::time::Timestamp;

/// The shortest and the longest time between two questions.
pub const PERIOD: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(15));
/// Processor time since the last question below which there is nothing to ask, in nanoseconds. Twice
/// the sentry's own resolution, and well above what answering costs it.
pub const IDLE_NANOS: u64 = 20_000_000;
/// The longest wait after a sandbox failed to answer again and again.
pub const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// One sandbox's schedule.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Distinguishes sandboxes, and rounds of one.
    seed: u64,
    due: Timestamp,
    failures: u32,
    /// The pod's counter when it was last asked; `None` when the answer would be new in any case.
    asked_at: Option<u64>,
}

impl Schedule {
    /// The first question is due at once.
    pub fn new(id: &str, now: Timestamp) -> Self {
        let seed = id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { seed, due: now, failures: 0, asked_at: None }
    }

    /// Whether to ask now; `pod` is the pod's processor time in nanoseconds.
    pub fn asks(&mut self, now: Timestamp, pod: u64) -> bool {
        let idle = self.asked_at.is_some_and(|before| pod.abs_diff(before) < IDLE_NANOS);
        if now < self.due || idle {
            return false;
        }
        self.asked_at = Some(pod);
        self.due = now.saturating_add(self.wait());
        true
    }

    /// Makes the next question due at once, unless the sandbox has not answered lately: something
    /// happened that an answer would tell about.
    pub fn hasten(&mut self, now: Timestamp) {
        self.asked_at = None;
        if self.failures == 0 {
            self.due = self.due.min(now);
        }
    }

    /// Takes whether the last question was answered. Returns how often in a row it was not.
    pub fn answered(&mut self, now: Timestamp, well: bool) -> u32 {
        self.failures = if well { 0 } else { self.failures.saturating_add(1) };
        if !well {
            self.asked_at = None;
            self.due = now.saturating_add(self.wait());
        }
        self.failures
    }

    fn wait(&mut self) -> Duration {
        // A linear congruential generator (Knuth's MMIX constants): neighbours need only differ.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let span = (PERIOD.1 - PERIOD.0).as_secs_f64();
        let part = (self.seed >> 40) as f64 / f64::from(1 << 24);
        let period = PERIOD.0 + Duration::from_secs_f64(span * part);
        period.saturating_mul(1 << self.failures.min(8)).min(BACKOFF_MAX)
    }
}

#[cfg(test)]
mod tests;
