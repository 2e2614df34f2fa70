//! Counts the samples a query holds, and refuses more than it may.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::EvalError;

#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    held: AtomicU64,
    peak: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, held: AtomicU64::new(0), peak: AtomicU64::new(0) }
    }

    /// Takes room for samples, until the charge is dropped.
    pub(crate) fn charge(&self, samples: u64) -> Result<Charge<'_>, EvalError> {
        let held = self.held.fetch_add(samples, Ordering::Relaxed) + samples;
        self.peak.fetch_max(held, Ordering::Relaxed);
        let charge = Charge { budget: self, samples };
        if held > self.limit { Err(EvalError::TooManySamples) } else { Ok(charge) }
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// Room taken in a budget.
#[derive(Debug)]
pub(crate) struct Charge<'a> {
    budget: &'a Budget,
    samples: u64,
}

impl Charge<'_> {
    /// Takes room for more.
    pub(crate) fn grow(&mut self, samples: u64) -> Result<(), EvalError> {
        let more = self.budget.charge(samples)?;
        self.samples += more.samples;
        std::mem::forget(more);
        Ok(())
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.samples, Ordering::Relaxed);
    }
}
