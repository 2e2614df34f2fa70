//! What rulers have told of their rules. Nothing of it is kept over a restart: rulers tell again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{
    ruler::{GROUPS_MAX, REPORT_EXPIRES_SECONDS, RulerReport},
    time::Timestamp,
};
use tenancy::access::{Access, Forbidden, Tenants};

/// Most rulers remembered at once, over all callers.
const RULERS_MAX: usize = 64;

/// Why a report was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("a report of {0} groups, allowed are {GROUPS_MAX}")]
    Groups(usize),
    #[error("there are {RULERS_MAX} rulers already")]
    Rulers,
}

/// The newest report of each ruler.
#[derive(Debug, Default)]
pub(crate) struct Rulers {
    /// By the name of the caller's token and the ruler's own, so that no caller replaces what another
    /// has told.
    reports: Mutex<BTreeMap<(String, String), Told>>,
}

#[derive(Debug)]
struct Told {
    at: Timestamp,
    report: Arc<RulerReport>,
}

impl Rulers {
    /// Takes a report, which replaces the ruler's last. A caller tells of its own tenants only, and
    /// of operators' rules only if it reaches all tenants.
    pub(crate) fn put(
        &self,
        caller: &Access,
        ruler: &str,
        report: RulerReport,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if report.groups.len() > GROUPS_MAX {
            return Err(Refused::Groups(report.groups.len()));
        }
        for group in &report.groups {
            match &group.tenant {
                Some(tenant) => caller.require_tenant(tenant)?,
                None if caller.tenants == Tenants::All => {}
                None => return Err(Forbidden::Tenant.into()),
            }
        }
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.retain(|_, told| !told.is_over(now));
        let key = (caller.name.clone(), ruler.to_owned());
        if reports.len() >= RULERS_MAX && !reports.contains_key(&key) {
            return Err(Refused::Rulers);
        }
        reports.insert(key, Told { at: now, report: Arc::new(report) });
        Ok(())
    }

    /// What is known of all rules now.
    pub(crate) fn reports(&self, now: Timestamp) -> Vec<Arc<RulerReport>> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let current = reports.values().filter(|told| !told.is_over(now));
        current.map(|told| Arc::clone(&told.report)).collect()
    }
}

impl Told {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.at) > Duration::from_secs(REPORT_EXPIRES_SECONDS)
    }
}

#[cfg(test)]
mod tests;
