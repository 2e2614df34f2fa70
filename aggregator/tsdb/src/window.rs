//! Ranges of time that blocks keep to: 2 hours, 1 day, 31 days, aligned to the epoch.
//!
//! Each length divides the next, so a block never reaches over the edge of a longer range and can
//! be merged with its neighbours.

use std::time::Duration;

use model::time::millis_of;

const HOUR: i64 = 3600 * 1000;

/// Lengths in milliseconds.
const LENGTHS: [i64; 3] = [2 * HOUR, 24 * HOUR, 31 * 24 * HOUR];

/// A range of time, end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Window {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Window {
    /// The window of a class (0, 1 or 2) that a time is in.
    pub(crate) fn of(time: i64, class: usize) -> Self {
        let length = LENGTHS[class.min(LENGTHS.len() - 1)];
        let start = time.div_euclid(length).saturating_mul(length);
        Self { start, end: start.saturating_add(length) }
    }

    pub(crate) fn contains(&self, min: i64, max: i64) -> bool {
        self.start <= min && max < self.end
    }
}

/// The longest class that a store uses: a range that is long against the retention would keep
/// samples far beyond it.
pub(crate) fn longest_class(retention: Duration) -> usize {
    let retention = millis_of(retention);
    (1..LENGTHS.len()).rev().find(|class| LENGTHS[*class] <= retention / 3).unwrap_or(0)
}

/// The window into which a sample is flushed: the older, the longer, so that what comes late does
/// not make many files.
pub(crate) fn flush_window(time: i64, now: i64, longest: usize) -> Window {
    let day = Window::of(now, 1);
    let class = if time >= day.start.saturating_sub(LENGTHS[1]) {
        0
    } else if time >= day.start.saturating_sub(LENGTHS[2]) {
        1
    } else {
        2
    };
    Window::of(time, class.min(longest))
}

/// The shortest class whose window holds both times; `None` when there is none.
pub(crate) fn class_of(min: i64, max: i64) -> Option<usize> {
    (0..LENGTHS.len()).find(|class| Window::of(min, *class).contains(min, max))
}

/// How many classes there are.
pub(crate) const CLASSES: usize = LENGTHS.len();

#[cfg(test)]
mod tests;
