//! What a series of answers means: thresholds as in Kubernetes, with memory for flapping.
//!
//! A judge knows one process run. After a restart it starts afresh ([`Judge::new_run`]), so what
//! it says is never about a run that is over.

use std::{collections::VecDeque, time::Duration};

use model::time::Timestamp;

use crate::outcome::Verdict;

/// This many changes of mind within [`FLAP_WINDOW`] are flapping.
pub const FLAPS: usize = 6;
pub const FLAP_WINDOW: Duration = Duration::from_mins(10);
/// While flapping, a recovery takes this many times the usual successes.
pub const FLAP_CAUTION: u32 = 3;

/// What the judge holds of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing yet in this run.
    Unknown,
    Healthy,
    Failing,
}

/// A change of mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Failed {
        failures: u32,
        first: Timestamp,
    },
    Recovered {
        successes: u32,
        /// Since the first of the failures that it recovered from; `None` right after a restart.
        failing_since: Option<Timestamp>,
    },
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub change: Option<Change>,
    /// It is worth asking again before the period is over.
    pub recheck: bool,
    pub flapping: bool,
}

#[derive(Clone, Debug)]
pub struct Judge {
    failure_threshold: u32,
    success_threshold: u32,
    health: Health,
    /// The first success is news: the run before was ended or failing.
    announce: bool,
    successes: u32,
    failures: u32,
    first_failure: Option<Timestamp>,
    changes: VecDeque<Timestamp>,
}

impl Judge {
    /// Thresholds of zero count as one. `failing` continues what an earlier judge held.
    pub fn new(failure_threshold: u32, success_threshold: u32, failing: bool) -> Self {
        Self {
            failure_threshold: failure_threshold.max(1),
            success_threshold: success_threshold.max(1),
            health: if failing { Health::Failing } else { Health::Unknown },
            announce: false,
            successes: 0,
            failures: 0,
            first_failure: None,
            changes: VecDeque::new(),
        }
    }

    pub fn health(&self) -> Health {
        self.health
    }

    /// Forgets the run before. The first success of the new one is announced as a recovery.
    pub fn new_run(&mut self) {
        *self = Self {
            announce: true,
            ..Self::new(self.failure_threshold, self.success_threshold, false)
        };
    }

    /// Changed thresholds apply from the next answer on.
    pub fn set_thresholds(&mut self, failure_threshold: u32, success_threshold: u32) {
        self.failure_threshold = failure_threshold.max(1);
        self.success_threshold = success_threshold.max(1);
    }

    /// Hears an answer. `on_grid` tells the probes of the period from rechecks: before the first
    /// success of a run only the former count as failures, so that asking often does not shorten
    /// the time that a process has to start.
    pub fn hear(&mut self, verdict: Verdict, on_grid: bool, now: Timestamp) -> Judgement {
        let change = match verdict {
            Verdict::Success => self.hear_success(now),
            Verdict::Failure(_) if on_grid || self.health != Health::Unknown => {
                self.hear_failure(now)
            }
            Verdict::Failure(_) | Verdict::Unknown => None,
        };
        if change.is_some() {
            self.remember_change(now);
        }
        let undecided = match self.health {
            Health::Unknown => true,
            Health::Healthy => self.failures > 0,
            Health::Failing => self.successes > 0,
        };
        let recheck = undecided && verdict != Verdict::Unknown;
        Judgement { change, recheck, flapping: self.is_flapping(now) }
    }

    fn hear_success(&mut self, now: Timestamp) -> Option<Change> {
        self.failures = 0;
        self.successes = self.successes.saturating_add(1);
        let caution = if self.is_flapping(now) { FLAP_CAUTION } else { 1 };
        let needed = self.success_threshold.saturating_mul(caution);
        match self.health {
            Health::Healthy => {
                self.first_failure = None;
                None
            }
            _ if self.successes < needed => None,
            before => {
                self.health = Health::Healthy;
                let failing_since = self.first_failure.take();
                let announce = std::mem::take(&mut self.announce);
                (announce || before == Health::Failing)
                    .then_some(Change::Recovered { successes: self.successes, failing_since })
            }
        }
    }

    fn hear_failure(&mut self, now: Timestamp) -> Option<Change> {
        self.successes = 0;
        if self.health == Health::Failing {
            return None;
        }
        if self.failures == 0 {
            self.first_failure = Some(now);
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.failure_threshold {
            return None;
        }
        self.health = Health::Failing;
        self.announce = false;
        let failures = std::mem::take(&mut self.failures);
        Some(Change::Failed { failures, first: self.first_failure.unwrap_or(now) })
    }

    fn remember_change(&mut self, now: Timestamp) {
        if self.changes.len() == FLAPS {
            self.changes.pop_front();
        }
        self.changes.push_back(now);
    }

    fn is_flapping(&self, now: Timestamp) -> bool {
        let oldest = now.saturating_sub(FLAP_WINDOW);
        self.changes.len() == FLAPS && self.changes.front().is_some_and(|first| *first > oldest)
    }
}

#[cfg(test)]
mod tests;
