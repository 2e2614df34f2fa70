//! What rulers have told of their rules. Nothing of it is kept over a restart: rulers tell again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{
    ruler::{ALERTMANAGERS_MAX, REPORT_EXPIRES_SECONDS, REPORT_MEMORY_MAX, RulerReport},
    time::Timestamp,
};
use tenancy::access::{Access, Forbidden, Tenants};

/// Rulers of one token.
const RULERS_PER_TOKEN_MAX: usize = 64;
/// What the reports of one token may take in memory.
const BYTES_PER_TOKEN_MAX: usize = REPORT_MEMORY_MAX;
/// What all reports may take in memory.
const BYTES_MAX: usize = 4 * BYTES_PER_TOKEN_MAX;
/// Longest name of a ruler, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Why a report was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("a ruler's name has {NAME_BYTES_MAX} bytes at most")]
    Name,
    #[error("a report of {0} Alertmanagers, allowed are {ALERTMANAGERS_MAX}")]
    Alertmanagers(usize),
    #[error("this token reports on {RULERS_PER_TOKEN_MAX} rulers already")]
    Rulers,
    #[error("the reports of this token would take more than {BYTES_PER_TOKEN_MAX} bytes")]
    Bytes,
    #[error("the reports of all rulers would take more than {BYTES_MAX} bytes")]
    BytesOfAll,
}

/// The newest report of each ruler. Each token has its own share of the memory.
#[derive(Debug, Default)]
pub(crate) struct Rulers {
    /// By the name of the caller's token and the ruler's own, so that no caller replaces what another
    /// has told.
    reports: Mutex<BTreeMap<(String, String), Told>>,
}

#[derive(Debug)]
struct Told {
    at: Timestamp,
    bytes: usize,
    report: Arc<RulerReport>,
}

impl Rulers {
    /// Takes a report, which replaces the ruler's last. A caller tells of its own tenants only, and
    /// of operators' rules only if it reaches all tenants. `bytes` is what the report takes in
    /// memory.
    pub(crate) fn put(
        &self,
        caller: &Access,
        ruler: &str,
        report: RulerReport,
        bytes: usize,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if ruler.len() > NAME_BYTES_MAX {
            return Err(Refused::Name);
        }
        if report.alertmanagers.len() > ALERTMANAGERS_MAX {
            return Err(Refused::Alertmanagers(report.alertmanagers.len()));
        }
        for group in &report.groups {
            match &group.tenant {
                Some(tenant) => caller.require_tenant(tenant)?,
                None if caller.tenants == Tenants::All => {}
                None => return Err(Forbidden::Tenant.into()),
            }
        }
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let over: Vec<Told> =
            reports.extract_if(.., |_, told| told.is_over(now)).map(|(_, told)| told).collect();
        let key = (caller.name.clone(), ruler.to_owned());
        let (mut own, mut own_bytes, mut all_bytes) = (0, bytes, bytes);
        for ((token, _), told) in reports.iter().filter(|(other, _)| **other != key) {
            all_bytes += told.bytes;
            if *token == caller.name {
                own += 1;
                own_bytes += told.bytes;
            }
        }
        if own >= RULERS_PER_TOKEN_MAX {
            return Err(Refused::Rulers);
        }
        if own_bytes > BYTES_PER_TOKEN_MAX {
            return Err(Refused::Bytes);
        }
        if all_bytes > BYTES_MAX {
            return Err(Refused::BytesOfAll);
        }
        let before = reports.insert(key, Told { at: now, bytes, report: Arc::new(report) });
        // What may be large is given back without the lock.
        drop(reports);
        drop((before, over));
        Ok(())
    }

    /// Addresses of the Alertmanagers of all rulers, for a caller that reaches all tenants; for others
    /// none.
    pub(crate) fn alertmanagers(&self, caller: &Access, now: Timestamp) -> BTreeSet<String> {
        if caller.tenants != Tenants::All {
            return BTreeSet::new();
        }
        self.reports(now).iter().flat_map(|report| report.alertmanagers.iter().cloned()).collect()
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
