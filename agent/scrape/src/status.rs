//! What is known of targets right now, to be told and shown.

mod report;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{
    metadata::Metadata,
    target::{Family, Health},
    time::Timestamp,
};
use tokio::sync::watch;

use crate::{config::Job, labels::LabelSet, pool::Dropped, target::Target};

/// Families per target that are shown.
const FAMILIES_SHOWN_MAX: usize = 5_000;

/// The state of one target.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    pub target: Arc<Target>,
    /// `None` before the first scrape.
    pub last: Option<LastScrape>,
    /// What it says of its metrics; one list for all targets of the job that say the same.
    pub families: Arc<Vec<Family>>,
}

/// The scrape before now.
#[derive(Clone, Debug)]
pub struct LastScrape {
    pub at: Timestamp,
    pub duration: Duration,
    /// Empty when the target is up.
    pub error: String,
}

/// The state of all jobs. Clones are the same.
#[derive(Clone, Debug)]
pub struct Status {
    inner: Arc<Mutex<Inner>>,
    changes: watch::Sender<()>,
}

impl Default for Status {
    fn default() -> Self {
        Self { inner: Arc::default(), changes: watch::Sender::new(()) }
    }
}

#[derive(Debug, Default)]
struct Inner {
    jobs: BTreeMap<String, JobStatus>,
    /// Targets in each [`Health`].
    counts: [usize; 3],
}

impl TargetStatus {
    fn health(&self) -> Health {
        match &self.last {
            None => Health::Unknown,
            Some(last) if last.error.is_empty() => Health::Up,
            Some(_) => Health::Down,
        }
    }
}

impl Inner {
    fn count(&mut self, before: Option<Health>, after: Option<Health>) {
        if let Some(place) = before.and_then(|health| self.counts.get_mut(health as usize)) {
            *place = place.saturating_sub(1);
        }
        if let Some(place) = after.and_then(|health| self.counts.get_mut(health as usize)) {
            *place += 1;
        }
    }
}

#[derive(Debug)]
struct JobStatus {
    job: Arc<Job>,
    targets: BTreeMap<LabelSet, TargetStatus>,
    dropped: Arc<Dropped>,
    /// All lists of families that targets have.
    families: HashSet<Arc<Vec<Family>>>,
}

impl JobStatus {
    fn new(job: &Arc<Job>) -> Self {
        let (targets, dropped, families) = (BTreeMap::new(), Arc::default(), HashSet::new());
        Self { job: Arc::clone(job), targets, dropped, families }
    }

    /// The list that says the same, or else this one.
    fn share(&mut self, families: Vec<Family>) -> Arc<Vec<Family>> {
        if let Some(known) = self.families.get(&families) {
            return Arc::clone(known);
        }
        if self.families.len() > self.targets.len() * 2 {
            self.families.retain(|list| Arc::strong_count(list) > 1);
        }
        let families = Arc::new(families);
        self.families.insert(Arc::clone(&families));
        families
    }
}

impl Status {
    /// Announces a job, so that it is shown before it has targets. One of that name that is there
    /// already keeps its targets.
    pub fn add_job(&self, job: &Arc<Job>) {
        let name = job.settings.job_name.clone();
        let mut inner = self.lock();
        let known = inner.jobs.entry(name).or_insert_with(|| JobStatus::new(job));
        known.job = Arc::clone(job);
        drop(inner);
        self.tell();
    }

    /// The job is no more, and none of its targets.
    pub fn remove_job(&self, job: &str) {
        let mut inner = self.lock();
        let gone = inner.jobs.remove(job);
        for status in gone.iter().flat_map(|job| job.targets.values()) {
            inner.count(Some(status.health()), None);
        }
        drop(inner);
        self.tell();
    }

    /// Whether there is no job.
    pub fn is_empty(&self) -> bool {
        self.lock().jobs.is_empty()
    }

    /// Changes whenever a target comes, goes, or is in another state than before.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn tell(&self) {
        self.changes.send_replace(());
    }

    /// A target of a job that was added.
    pub fn start(&self, job: &str, target: &Arc<Target>) {
        let (target, families) = (Arc::clone(target), Arc::default());
        let mut status = TargetStatus { target, last: None, families };
        let mut inner = self.lock();
        let Some(job) = inner.jobs.get_mut(job) else { return };
        let before = job.targets.get(&status.target.identity).cloned();
        if let Some(before) = &before {
            // Its job was changed, and it was scraped all along.
            status.last.clone_from(&before.last);
            status.families = Arc::clone(&before.families);
        }
        let after = status.health();
        job.targets.insert(status.target.identity.clone(), status);
        inner.count(before.map(|before| before.health()), Some(after));
        drop(inner);
        self.tell();
    }

    pub fn end(&self, job: &str, target: &Target) {
        let mut inner = self.lock();
        let job = inner.jobs.get_mut(job);
        let before = job.and_then(|job| job.targets.remove(&target.identity));
        inner.count(before.map(|before| before.health()), None);
        drop(inner);
        self.tell();
    }

    pub fn set_dropped(&self, job: &str, dropped: &Dropped) {
        let dropped = Arc::new(dropped.clone());
        if let Some(job) = self.lock().jobs.get_mut(job) {
            job.dropped = dropped;
        }
        self.tell();
    }

    /// Notes a scrape; what the target says of its metrics is kept when it differs in number, which
    /// is how it mostly changes.
    pub fn scraped<'m>(
        &self,
        job: &str,
        target: &Target,
        last: LastScrape,
        metadata: impl Iterator<Item = (&'m str, &'m Metadata)>,
    ) {
        let mut inner = self.lock();
        let Some(job) = inner.jobs.get_mut(job) else { return };
        let Some(status) = job.targets.get_mut(&target.identity) else { return };
        let before = status.health();
        let same = status.last.as_ref().is_some_and(|before| before.error == last.error);
        status.last = Some(last);
        let after = status.health();
        let metadata: Vec<_> = metadata.take(FAMILIES_SHOWN_MAX).collect();
        if metadata.len() != status.families.len() {
            let owned = metadata
                .into_iter()
                .map(|(metric, said)| Family { metric: metric.to_owned(), metadata: said.clone() });
            let families = job.share(owned.collect());
            if let Some(status) = job.targets.get_mut(&target.identity) {
                status.families = families;
            }
        }
        inner.count(Some(before), Some(after));
        drop(inner);
        if !same {
            self.tell();
        }
    }

    /// How many targets are up, down, and not yet scraped.
    pub fn counts(&self) -> [usize; 3] {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
