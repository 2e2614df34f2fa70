//! What is known of targets right now, and the JSON of Prometheus' API about it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
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
    jobs: Arc<Mutex<BTreeMap<String, JobStatus>>>,
}

#[derive(Clone, Debug, Default)]
struct JobStatus {
    targets: BTreeMap<LabelSet, TargetStatus>,
    dropped: Dropped,
}

/// Which targets to show.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct TargetsQuery {
    /// `active`, `dropped`, or anything else for both.
    pub state: String,
    #[serde(rename = "scrapePool")]
    pub scrape_pool: String,
}

/// Which descriptions to show.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct MetadataQuery {
    pub metric: String,
    pub limit: Option<usize>,
}

impl Status {
    /// Announces a job, so that it is shown before it has targets.
    pub fn add_job(&self, job: &str) {
        self.with(|jobs| {
            jobs.entry(job.to_owned()).or_default();
        });
    }

    pub fn start(&self, job: &str, target: &Arc<Target>) {
        let status = TargetStatus { target: Arc::clone(target), last: None, metadata: Vec::new() };
        self.with(|jobs| {
            let targets = &mut jobs.entry(job.to_owned()).or_default().targets;
            targets.insert(target.identity.clone(), status);
        });
    }

    pub fn end(&self, job: &str, target: &Target) {
        self.with(|jobs| {
            if let Some(job) = jobs.get_mut(job) {
                job.targets.remove(&target.identity);
            }
        });
    }

    pub fn set_dropped(&self, job: &str, dropped: &Dropped) {
        self.with(|jobs| jobs.entry(job.to_owned()).or_default().dropped = dropped.clone());
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
        self.with(|jobs| {
            let status = jobs.get_mut(job).and_then(|job| job.targets.get_mut(&target.identity));
            let Some(status) = status else { return };
            status.last = Some(last);
            let metadata: Vec<_> = metadata.take(FAMILIES_SHOWN_MAX).collect();
            if metadata.len() != status.metadata.len() {
                let owned = metadata.into_iter();
                status.metadata =
                    owned.map(|(name, said)| (name.to_owned(), said.clone())).collect();
            }
        });
    }

    /// How many targets are up, down, and not yet scraped.
    pub fn counts(&self) -> [usize; 3] {
        self.with(|jobs| {
            let mut counts = [0; 3];
            for status in jobs.values().flat_map(|job| job.targets.values()) {
                let [up, down, unknown] = &mut counts;
                *match &status.last {
                    None => unknown,
                    Some(last) if last.error.is_empty() => up,
                    Some(_) => down,
                } += 1;
            }
            counts
        })
    }

    /// The answer of `GET /api/v1/targets`.
    pub fn targets_json(&self, query: &TargetsQuery) -> Value {
        let chosen = |name: &str| query.scrape_pool.is_empty() || query.scrape_pool == name;
        self.with(|jobs| {
            let (mut active, mut dropped) = (Vec::new(), Vec::new());
            let mut counts = BTreeMap::new();
            for (name, job) in jobs.iter().filter(|(name, _)| chosen(name)) {
                if query.state != "dropped" {
                    active.extend(job.targets.values().map(|status| target_json(name, status)));
                }
                if query.state != "active" {
                    let shown = job.dropped.shown.iter();
                    dropped.extend(shown.map(|labels| {
                        json!({ "discoveredLabels": labels_json(labels), "scrapePool": name })
                    }));
                    counts.insert(name.clone(), job.dropped.count);
                }
            }
            success(&json!({
                "activeTargets": active,
                "droppedTargets": dropped,
                "droppedTargetCounts": counts,
            }))
        })
    }

    /// The answer of `GET /api/v1/scrape_pools`.
    pub fn pools_json(&self) -> Value {
        self.with(|jobs| success(&json!({ "scrapePools": jobs.keys().collect::<Vec<_>>() })))
    }

    /// The answer of `GET /api/v1/targets/metadata`, without selection by target.
    pub fn metadata_json(&self, query: &MetadataQuery) -> Value {
        let limit = query.limit.unwrap_or(usize::MAX);
        self.with(|jobs| {
            let targets = jobs.values().flat_map(|job| job.targets.values());
            let said = targets.flat_map(|status| {
                status.metadata.iter().map(move |(name, metadata)| (status, name, metadata))
            });
            let chosen =
                said.filter(|(_, name, _)| query.metric.is_empty() || **name == query.metric);
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
        })
    }

    fn with<T>(&self, use_jobs: impl FnOnce(&mut BTreeMap<String, JobStatus>) -> T) -> T {
        use_jobs(&mut self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
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
    let (health, error) = match last {
        None => ("unknown", ""),
        Some(last) if last.error.is_empty() => ("up", ""),
        Some(last) => ("down", last.error.as_str()),
    };
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
