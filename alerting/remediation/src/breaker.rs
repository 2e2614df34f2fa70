//! A circuit breaker: stops all acting in its scope when too much fails at once, because then the
//! cause is shared and restarts make it worse.
//!
//! ```text
//!            trip                     quiet for long enough
//!  Closed ──────────► Open ──────────────────────────────────► HalfOpen
//!    ▲                  ▲ └─────────── …and all is calm ──┐       │ │
//!    └──────────────────┼─────────────────────────────────┴───────┘ │ calm
//!                       └───────────────────────────────────────────┘ trip, or an action failed
//! ```

use std::time::Duration;

use model::time::Timestamp;

use crate::BreakerState;

mod watch;

/// Doublings of the time that a breaker stays open end at this multiple.
const HOLD_FACTOR_MAX: u32 = 10;

/// What a person should hear about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Opened,
    Closed,
}

/// What a breaker sees of its scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs {
    /// Too much has begun to fail within the window.
    pub(crate) tripped: bool,
    /// What fails, however long already, is below the threshold.
    pub(crate) calm: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    state: BreakerState,
    opened: Timestamp,
    reopened: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: BreakerState::Closed, opened: Timestamp(0), reopened: 0 }
    }
}

impl Breaker {
    pub(crate) fn state(&self) -> BreakerState {
        self.state
    }

    /// When this episode began.
    pub(crate) fn opened(&self) -> Timestamp {
        self.opened
    }

    pub(crate) fn update(
        &mut self,
        signs: Signs,
        quiet: Duration,
        now: Timestamp,
    ) -> Option<Change> {
        match self.state {
            BreakerState::Closed if signs.tripped => {
                self.opened = now;
                self.reopened = 0;
                self.state = BreakerState::Open { until: now.saturating_add(quiet) };
                Some(Change::Opened)
            }
            BreakerState::Closed => None,
            BreakerState::Open { until } => {
                if signs.tripped {
                    let later = now.saturating_add(quiet);
                    self.state = BreakerState::Open { until: until.max(later) };
                    return None;
                }
                if now < until {
                    return None;
                }
                self.state = BreakerState::HalfOpen;
                self.close_if(signs.calm)
            }
            BreakerState::HalfOpen if signs.tripped => {
                self.reopen(quiet, now);
                None
            }
            BreakerState::HalfOpen => self.close_if(signs.calm),
        }
    }

    /// An action in this scope did not help.
    pub(crate) fn action_failed(&mut self, quiet: Duration, now: Timestamp) {
        if self.state == BreakerState::HalfOpen {
            self.reopen(quiet, now);
        }
    }

    /// An action in this scope helped: the next failed trial holds no longer than the first.
    pub(crate) fn action_helped(&mut self) {
        self.reopened = 0;
    }

    /// A person says that acting is right again.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Opens without a sign, as a recorded episode did.
    pub(crate) fn restore(&mut self, opened: Timestamp, quiet: Duration) {
        self.opened = opened;
        self.state = BreakerState::Open { until: opened.saturating_add(quiet) };
    }

    fn close_if(&mut self, calm: bool) -> Option<Change> {
        calm.then(|| {
            self.state = BreakerState::Closed;
            Change::Closed
        })
    }

    fn reopen(&mut self, quiet: Duration, now: Timestamp) {
        self.reopened = self.reopened.saturating_add(1);
        let factor = 1u32.checked_shl(self.reopened).unwrap_or(u32::MAX).min(HOLD_FACTOR_MAX);
        self.state = BreakerState::Open { until: now.saturating_add(quiet.saturating_mul(factor)) };
    }
}

#[cfg(test)]
mod tests;
