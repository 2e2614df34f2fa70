//! The times at which an expression is evaluated.

/// Evenly spaced times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Milliseconds since the Unix epoch.
    pub(crate) start: i64,
    /// Milliseconds, positive.
    pub(crate) step: i64,
    pub(crate) count: usize,
}

impl Grid {
    /// All times from `start` to `end`, both inclusive.
    pub(crate) fn between(start: i64, end: i64, step: i64) -> Self {
        let step = step.max(1);
        let count = match end.checked_sub(start) {
            Some(length) if length >= 0 => {
                usize::try_from(length / step).unwrap_or(usize::MAX - 1) + 1
            }
            _ => 0,
        };
        Self { start, step, count }
    }

    /// The first time alone.
    pub(crate) fn first(self) -> Self {
        Self { count: self.count.min(1), ..self }
    }

    pub(crate) fn time(self, step: usize) -> i64 {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.start.saturating_add(self.step.saturating_mul(step))
    }

    pub(crate) fn last(self) -> i64 {
        self.time(self.count.saturating_sub(1))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.count == 0
    }

    pub(crate) fn times(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |step| self.time(step))
    }
}
