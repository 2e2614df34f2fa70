//! What is known of targets right now, and the JSON of Prometheus' API about it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{metadata::Metadata, time::Timestamp};
use serde_json::{Value, json};

use crate::{labels::LabelSet, pool::Dropped, target::Target};

/// Families per target that are shown.
const FAMILIES_SHOWN_MAX: usize = 5_000;

/// The state of one target.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    pub target: Arc<Target>,
    /// `None` before the first scrape.
    pub last: Option<LastScrape>,
    pub metadata: Vec<(String, Metadata)>,
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
#[derive(Clone, Debug, Default)]
pub struct Status {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: BTreeMap<String, JobStatus>,
    /// Targets in each [`Health`].
    counts: [usize; 3],
}

/// What is known of a target's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Up,
    Down,
    /// Not scraped yet.
    Unknown,
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

#[derive(Clone, Debug, Default)]
struct JobStatus {
    targets: BTreeMap<LabelSet, TargetStatus>,
    dropped: Dropped,
}

/// Which targets to show.
#[derive(Clone, Debug, Default)]
pub struct TargetsQuery {
    /// `active`, `dropped`, or anything else for both.
    pub state: String,
    /// Only this job; all when empty.
    pub scrape_pool: String,
}

/// Which descriptions to show.
#[derive(Clone, Debug, Default)]
pub struct MetadataQuery {
    /// Only this metric; all when empty.
    pub metric: String,
    pub limit: Option<usize>,
}

impl Status {
    /// Announces a job, so that it is shown before it has targets.
    pub fn add_job(&self, job: &str) {
        self.lock().jobs.entry(job.to_owned()).or_default();
    }

    pub fn start(&self, job: &str, target: &Arc<Target>) {
        let status = TargetStatus { target: Arc::clone(target), last: None, metadata: Vec::new() };
        let mut inner = self.lock();
        let targets = &mut inner.jobs.entry(job.to_owned()).or_default().targets;
        let before = targets.insert(target.identity.clone(), status);
        inner.count(before.map(|before| before.health()), Some(Health::Unknown));
    }

    pub fn end(&self, job: &str, target: &Target) {
        let mut inner = self.lock();
        let job = inner.jobs.get_mut(job);
        let before = job.and_then(|job| job.targets.remove(&target.identity));
        inner.count(before.map(|before| before.health()), None);
    }

    pub fn set_dropped(&self, job: &str, dropped: &Dropped) {
        self.lock().jobs.entry(job.to_owned()).or_default().dropped = dropped.clone();
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
        let status = inner.jobs.get_mut(job).and_then(|job| job.targets.get_mut(&target.identity));
        let Some(status) = status else { return };
        let before = status.health();
        status.last = Some(last);
        let after = status.health();
        let metadata: Vec<_> = metadata.take(FAMILIES_SHOWN_MAX).collect();
        if metadata.len() != status.metadata.len() {
            let owned = metadata.into_iter();
            status.metadata = owned.map(|(name, said)| (name.to_owned(), said.clone())).collect();
        }
        inner.count(Some(before), Some(after));
    }

    /// How many targets are up, down, and not yet scraped.
    pub fn counts(&self) -> [usize; 3] {
        self.lock().counts
    }

    /// The answer of `GET /api/v1/targets`.
    pub fn targets_json(&self, query: &TargetsQuery) -> Value {
        let chosen = |name: &str| query.scrape_pool.is_empty() || query.scrape_pool == name;
        let inner = self.lock();
        let (mut active, mut dropped) = (Vec::new(), Vec::new());
        let mut counts = BTreeMap::new();
        for (name, job) in inner.jobs.iter().filter(|(name, _)| chosen(name)) {
            if query.state != "dropped" {
                active.extend(job.targets.values().map(|status| target_json(name, status)));
            }
            if query.state != "active" {
                let shown = job.dropped.shown.iter();
                dropped.extend(shown.map(
                    |labels| json!({ "discoveredLabels": labels_json(labels), "scrapePool": name }),
                ));
                counts.insert(name.clone(), job.dropped.count);
            }
        }
        success(&json!({
            "activeTargets": active,
            "droppedTargets": dropped,
            "droppedTargetCounts": counts,
        }))
    }

    /// The answer of `GET /api/v1/scrape_pools`.
    pub fn pools_json(&self) -> Value {
        success(&json!({ "scrapePools": self.lock().jobs.keys().collect::<Vec<_>>() }))
    }

    /// The answer of `GET /api/v1/targets/metadata`, without selection by target.
    pub fn metadata_json(&self, query: &MetadataQuery) -> Value {
        let limit = query.limit.unwrap_or(usize::MAX);
        let inner = self.lock();
        let targets = inner.jobs.values().flat_map(|job| job.targets.values());
        let said = targets.flat_map(|status| {
            status.metadata.iter().map(move |(name, metadata)| (status, name, metadata))
        });
        let chosen = said.filter(|(_, name, _)| query.metric.is_empty() || **name == query.metric);
        let entries = chosen.take(limit).map(|(status, name, metadata)| {
            json!({
                "target": labels_json(&status.target.labels),
                "metric": name,
                "type": metadata.kind,
                "help": metadata.help,
                "unit": metadata.unit,
            })
        });
        success(&Value::Array(entries.collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn success(data: &Value) -> Value {
    json!({ "status": "success", "data": data })
}

fn labels_json(labels: &LabelSet) -> Value {
    labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

fn target_json(job: &str, status: &TargetStatus) -> Value {
    let TargetStatus { target, last, .. } = status;
    let health = match status.health() {
        Health::Up => "up",
        Health::Down => "down",
        Health::Unknown => "unknown",
    };
    let error = last.as_ref().map_or("", |last| last.error.as_str());
    let at = last.as_ref().map_or_else(
        || "0001-01-01T00:00:00Z".to_owned(),
        |last| {
            jiff::Timestamp::from_millisecond(last.at.millis())
                .map_or_else(|_| String::new(), |at| at.to_string())
        },
    );
    json!({
        "discoveredLabels": labels_json(&target.discovered),
        "labels": labels_json(&target.labels),
        "scrapePool": job,
        "scrapeUrl": target.url.as_str(),
        "globalUrl": target.url.as_str(),
        "lastError": error,
        "lastScrape": at,
        "lastScrapeDuration": last.as_ref().map_or(0.0, |last| last.duration.as_secs_f64()),
        "health": health,
        "scrapeInterval": crate::config::values::Span(target.interval).to_string(),
        "scrapeTimeout": crate::config::values::Span(target.timeout).to_string(),
    })
}

#[cfg(test)]
mod tests;
