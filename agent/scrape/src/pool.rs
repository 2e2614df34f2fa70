//! Which targets a job has: what discovery found, after relabelling, without duplicates.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use model::tenant::TenantId;

use crate::{
    config::{Job, TARGETS_MAX},
    group::{Group, Update},
    labels::LabelSet,
    target::{InvalidTarget, Populated, Target, dropped_of, populate},
};

/// Dropped targets that are kept to be shown, whatever a job says; further ones are only counted.
const DROPPED_SHOWN_MAX: usize = 1000;
/// Faults that are kept to be logged.
const FAULTS_MAX: usize = 10;

/// The targets of one job.
#[derive(Debug)]
pub struct Pool {
    job: Arc<Job>,
    sources: BTreeMap<String, Vec<Group>>,
    active: BTreeMap<LabelSet, Arc<Target>>,
    dropped: Dropped,
}

/// What relabelling dropped.
#[derive(Clone, Debug, Default)]
pub struct Dropped {
    /// How many, by whose they are.
    pub counts: BTreeMap<TenantId, u64>,
    /// Labels before relabelling of the first ones, and whose they are.
    pub shown: Vec<(TenantId, LabelSet)>,
}

/// What an update changed.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub started: Vec<Arc<Target>>,
    pub ended: Vec<Arc<Target>>,
    /// Found but not usable.
    pub invalid: usize,
    pub faults: Vec<InvalidTarget>,
    /// Beyond [`TARGETS_MAX`], so not scraped.
    pub beyond_limit: usize,
}

impl Dropped {
    fn add(&mut self, job: &Job, labels: LabelSet) {
        let tenant = dropped_of(job, &labels);
        *self.counts.entry(tenant.clone()).or_default() += 1;
        let own =
            job.keep_dropped_targets.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if self.shown.len() < own.unwrap_or(DROPPED_SHOWN_MAX).min(DROPPED_SHOWN_MAX) {
            self.shown.push((tenant, labels));
        }
    }
}

impl Pool {
    pub fn new(job: Arc<Job>) -> Self {
        let (sources, active) = (BTreeMap::new(), BTreeMap::new());
        Self { job, sources, active, dropped: Dropped::default() }
    }

    /// Takes in what one source of discovery found.
    pub fn handle_update(&mut self, update: Update) -> Change {
        if update.groups.is_empty() {
            self.sources.remove(&update.source);
        } else {
            self.sources.insert(update.source, update.groups);
        }
        self.refresh()
    }

    /// Takes over what discovery found for the same job as it was before.
    pub fn take_over(&mut self, before: Self) -> Change {
        self.sources = before.sources;
        self.refresh()
    }

    fn refresh(&mut self) -> Change {
        let mut change = Change::default();
        let mut found = BTreeMap::new();
        self.dropped = Dropped::default();
        for group in self.sources.values().flatten() {
            for own in &group.targets {
                match populate(&self.job, group, own) {
                    Ok(Populated::Target(target)) => {
                        if found.len() >= TARGETS_MAX {
                            change.beyond_limit += 1;
                        } else {
                            found.entry(target.identity.clone()).or_insert(target);
                        }
                    }
                    Ok(Populated::Dropped(labels)) => self.dropped.add(&self.job, labels),
                    Err(fault) => {
                        change.invalid += 1;
                        if change.faults.len() < FAULTS_MAX {
                            change.faults.push(fault);
                        }
                    }
                }
            }
        }
        self.active.retain(|identity, target| {
            let stays = found.contains_key(identity);
            if !stays {
                change.ended.push(Arc::clone(target));
            }
            stays
        });
        for (identity, target) in found {
            if let Entry::Vacant(vacant) = self.active.entry(identity) {
                let target: Arc<Target> = Arc::from(target);
                change.started.push(Arc::clone(vacant.insert(target)));
            }
        }
        change
    }

    /// More targets than the job allows: none of them is scraped then, and all count as down.
    pub fn exceeds_limit(&self) -> Option<String> {
        let limit = self.job.target_limit?;
        let count = self.active.len() as u64;
        (count > limit)
            .then(|| format!("target_limit exceeded (number of targets: {count}, limit: {limit})"))
    }

    pub fn job(&self) -> &Arc<Job> {
        &self.job
    }

    pub fn active(&self) -> impl ExactSizeIterator<Item = &Arc<Target>> {
        self.active.values()
    }

    /// Whether this very target is there.
    pub fn contains(&self, identity: &LabelSet) -> bool {
        self.active.contains_key(identity)
    }

    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }
}

#[cfg(test)]
mod tests;
