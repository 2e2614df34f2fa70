//! When to probe: a fixed grid per probe, spread by its name.
//!
//! A probe with period `p` is due whenever `time mod p` equals its phase, a hash of its name. So
//! probes spread evenly, keep their places when the prober restarts, and do not drift however late
//! a tick is served. Ticks that were missed are skipped and counted, not caught up.

use std::{collections::BTreeSet, time::Duration};

use model::time::{Timestamp, millis_of};
use rustc_hash::FxHashMap;

/// A probe that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    pub key: u64,
    /// When it was due.
    pub at: Timestamp,
    pub late: Duration,
    /// Ticks of the grid that passed unserved before this one.
    pub skipped: u64,
    /// Not on the grid: asked for by [`Schedule::recheck`].
    pub extra: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    period: i64,
    /// The next tick of the grid.
    grid: i64,
    /// A tick between those of the grid.
    extra: Option<i64>,
}

impl Entry {
    fn next(&self) -> i64 {
        self.extra.map_or(self.grid, |extra| extra.min(self.grid))
    }
}

/// Ticks of many probes. Time is the caller's, in milliseconds, and must not go back.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: FxHashMap<u64, Entry>,
    order: BTreeSet<(i64, u64)>,
}

impl Schedule {
    /// Adds a probe, or moves it: its first tick is the first on its grid at or after `not_before`.
    /// Periods below a millisecond count as one.
    pub fn insert(&mut self, key: u64, name_hash: u64, period: Duration, not_before: Timestamp) {
        self.remove(key);
        let period = millis_of(period).max(1);
        let phase = phase(name_hash, period);
        let offset = phase.wrapping_sub(not_before.millis()).rem_euclid(period);
        let grid = not_before.millis().saturating_add(offset);
        self.entries.insert(key, Entry { period, grid, extra: None });
        self.order.insert((grid, key));
    }

    pub fn remove(&mut self, key: u64) {
        if let Some(entry) = self.entries.remove(&key) {
            self.order.remove(&(entry.next(), key));
        }
    }

    /// Asks for one more tick, unless there is one by then.
    pub fn recheck(&mut self, key: u64, at: Timestamp) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let before = entry.next();
        if at.millis() < before {
            entry.extra = Some(at.millis());
        }
        if entry.next() != before {
            self.order.remove(&(before, key));
            self.order.insert((entry.next(), key));
        }
    }

    /// The next probe that is due at `now`, and puts off its next tick.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<Tick> {
        let (at, key) = self.order.first().copied()?;
        if at > now.millis() {
            return None;
        }
        self.order.remove(&(at, key));
        let entry = self.entries.get_mut(&key)?;
        let grid_is_due = entry.grid <= now.millis();
        entry.extra = None;
        let mut skipped = 0;
        let mut served = at;
        if grid_is_due {
            let missed = now.millis().saturating_sub(entry.grid) / entry.period;
            served = entry.grid + missed * entry.period;
            entry.grid = served.saturating_add(entry.period);
            skipped = u64::try_from(missed).unwrap_or(0);
        }
        self.order.insert((entry.grid, key));
        let late = now.since(Timestamp(served));
        Some(Tick { key, at: Timestamp(served), late, skipped, extra: !grid_is_due })
    }

    /// When the next probe is due.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| Timestamp(*at))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Where in its period a probe is due, in milliseconds.
pub fn phase(name_hash: u64, period_ms: i64) -> i64 {
    let period = u64::try_from(period_ms).unwrap_or(1).max(1);
    // The high half of the product is an even spread without the bias of a remainder.
    let spread = (u128::from(name_hash) * u128::from(period)) >> 64;
    i64::try_from(spread).unwrap_or(0)
}

/// A hash that is the same in every process: FNV-1a, mixed so that similar names lie apart.
pub fn name_hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests;
