//! Waits between attempts, with full jitter.
//!
//! Full jitter (a uniform part of the exponential cap) spreads retries best; source: M. Brooker,
//! "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

use std::time::Duration;

use crate::policy::RestartPolicy;

/// SplitMix64 (Steele, Lea, Flood, 2014): small, seedable, the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A uniform duration from zero to `cap`, both included, in milliseconds.
    pub(crate) fn up_to(&mut self, cap: Duration) -> Duration {
        let cap = u64::try_from(cap.as_millis()).unwrap_or(u64::MAX - 1).min(u64::MAX - 1);
        let scaled = (u128::from(self.next()) * (u128::from(cap) + 1)) >> 64;
        Duration::from_millis(u64::try_from(scaled).unwrap_or(cap))
    }
}

fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// The longest wait before an attempt, by how many came before it: 0, 1, 2, 4 … 60 s by default.
pub(crate) fn cap(policy: &RestartPolicy, attempts_before: u32) -> Duration {
    let Some(doublings) = attempts_before.checked_sub(1) else {
        return Duration::ZERO;
    };
    let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
    policy.backoff_first.saturating_mul(factor).min(policy.backoff_max)
}

/// A name for an incident that is the same whoever computes it from the same failure.
pub(crate) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(hash)
}

#[cfg(test)]
mod tests;
