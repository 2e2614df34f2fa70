//! How much the alerts of one rule, and those of all rules of a tenant, may take.
//!
//! A rule file is a tenant's own, and so are its `limit`s: without bounds of ours one file could fill
//! the memory of a process that others depend on.

use std::sync::{Arc, Mutex, PoisonError};

use model::labels::Labels;

/// An amount of alerts, and the bytes of their labels and texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    pub alerts: usize,
    pub bytes: usize,
}

/// The most of one rule: room for 20,000 alerts of the usual size, and for as many that have ended.
pub const RULE_BUDGET: Budget = Budget { alerts: 40_000, bytes: 32 << 20 };
/// The most of all rules of one tenant.
pub const TENANT_BUDGET: Budget = Budget { alerts: 100_000, bytes: 64 << 20 };

/// An alert's state, its places in maps, and what surrounds its texts.
const ALERT_BYTES: usize = 256;
/// An alert's labels are held by itself, and by each of its two series.
const LABEL_COPIES: usize = 3;
/// What surrounds one text.
const TEXT_BYTES: usize = 48;

/// A budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("alerts of {whose} are more than {most} {what}, those that ended lately included")]
pub struct OverBudget {
    pub whose: &'static str,
    pub most: usize,
    pub what: &'static str,
}

impl Budget {
    /// What an alert takes.
    pub(crate) fn of_alert(labels: &Labels, annotations: &[(String, String)]) -> Self {
        let labels: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        let texts = annotations.iter().map(|(name, text)| name.len() + text.len() + TEXT_BYTES);
        let bytes = ALERT_BYTES + LABEL_COPIES * labels + texts.sum::<usize>();
        Self { alerts: 1, bytes }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            alerts: self.alerts.saturating_add(other.alerts),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            alerts: self.alerts.saturating_sub(other.alerts),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    fn within(self, most: Self, whose: &'static str) -> Result<(), OverBudget> {
        if self.alerts > most.alerts {
            return Err(OverBudget { whose, most: most.alerts, what: "alerts" });
        }
        if self.bytes > most.bytes {
            return Err(OverBudget { whose, most: most.bytes, what: "bytes" });
        }
        Ok(())
    }
}

/// What one evaluation has made so far.
pub(crate) struct Tally {
    most: Budget,
    made: Budget,
}

impl Tally {
    pub(crate) fn new(most: Budget) -> Self {
        Self { most, made: Budget::default() }
    }

    pub(crate) fn alert(&mut self) -> Result<(), OverBudget> {
        self.add(Budget { alerts: 1, bytes: ALERT_BYTES })
    }

    /// A text that was expanded, with its name.
    pub(crate) fn text(&mut self, name: &str, text: &str) -> Result<(), OverBudget> {
        self.add(Budget { alerts: 0, bytes: name.len() + text.len() + TEXT_BYTES })
    }

    fn add(&mut self, more: Budget) -> Result<(), OverBudget> {
        self.made = self.made.plus(more);
        self.made.within(self.most, "the rule")
    }
}

/// What the rules of one tenant hold together.
#[derive(Debug)]
pub(crate) struct Account {
    rule: Budget,
    tenant: Budget,
    held: Mutex<Budget>,
}

impl Account {
    pub(crate) fn new(rule: Budget, tenant: Budget) -> Self {
        Self { rule, tenant, held: Mutex::default() }
    }
}

/// For groups of their own.
impl Default for Account {
    fn default() -> Self {
        Self::new(RULE_BUDGET, TENANT_BUDGET)
    }
}

/// What one rule holds of its tenant's account, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    account: Arc<Account>,
    amount: Budget,
}

impl Held {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self { account, amount: Budget::default() }
    }

    /// The most that one evaluation may make.
    pub(crate) fn tally(&self) -> Tally {
        Tally::new(self.account.rule)
    }

    /// Most bytes of one rule.
    pub(crate) fn bytes_max(&self) -> usize {
        self.account.rule.bytes
    }

    /// Holds this much instead of what it held before, which stays after an error.
    pub(crate) fn set(&mut self, amount: Budget) -> Result<(), OverBudget> {
        amount.within(self.account.rule, "the rule")?;
        let mut held = self.account.held.lock().unwrap_or_else(PoisonError::into_inner);
        let after = held.minus(self.amount).plus(amount);
        // Whoever takes less than before may always do so.
        if amount.alerts > self.amount.alerts || amount.bytes > self.amount.bytes {
            after.within(self.account.tenant, "all rules of the tenant")?;
        }
        (*held, self.amount) = (after, amount);
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        let mut held = self.account.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.minus(std::mem::take(&mut self.amount));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests;
