//! Which jobs run, and how they are exchanged while they do: all of a new configuration, or nothing.

use std::{collections::BTreeMap, sync::Arc};

use daemon::{metrics::Metrics, stop::Stop};
use discovery::Idle;
use prometheus_client::metrics::gauge::Gauge;
use scrape::{
    config::{Job, Settings},
    fetch::Fetcher,
    group::Update,
    runner::{JobChange, JobChanges},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::ScrapeStartError;

/// Where a reload reads the settings from; `None` when there is nothing to read again.
pub type Reload = Option<Box<dyn Fn() -> Result<crate::config::Settings, String> + Send + Sync>>;

/// The jobs that run.
#[derive(Debug)]
pub(super) struct Jobs {
    running: BTreeMap<String, RunningJob>,
    last_number: u64,
    updates: mpsc::Sender<Update>,
    changes: mpsc::Sender<JobChanges>,
    stop: Stop,
}

#[derive(Debug)]
struct RunningJob {
    number: u64,
    job: Arc<Job>,
    /// Held while the job is.
    _sources: Sources,
}

/// Sources of discovery, which end when this is dropped.
#[derive(Debug, Default)]
struct Sources(Vec<JoinHandle<()>>);

impl Drop for Sources {
    fn drop(&mut self) {
        for source in &self.0 {
            source.abort();
        }
    }
}

/// What is ready to take the place of what runs.
#[derive(Default)]
struct Plan {
    changes: Vec<JobChange>,
    /// Jobs whose targets are found as before.
    kept: Vec<(String, Arc<Job>)>,
    begun: Vec<(u64, Arc<Job>, Vec<Idle>)>,
    gone: Vec<String>,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) added: usize,
    pub(super) changed: usize,
    pub(super) removed: usize,
}

impl Jobs {
    pub(super) fn new(
        updates: mpsc::Sender<Update>,
        changes: mpsc::Sender<JobChanges>,
        stop: Stop,
    ) -> Self {
        Self { running: BTreeMap::new(), last_number: 0, updates, changes, stop }
    }

    /// Makes these the jobs that run. After an error all is as before.
    pub(super) async fn apply(&mut self, settings: &Settings) -> Result<Applied, ScrapeStartError> {
        let mut plan = Plan::default();
        let jobs: Vec<Arc<Job>> = settings.jobs()?.into_iter().map(Arc::new).collect();
        let mut applied = Applied::default();
        for name in self.running.keys() {
            if !jobs.iter().any(|job| job.settings.job_name == *name) {
                plan.gone.push(name.clone());
            }
        }
        applied.removed = plan.gone.len();
        for job in jobs {
            match self.running.get(&job.settings.job_name).map(|before| &before.job) {
                Some(before) if before.is_same(&job) => continue,
                Some(_) => applied.changed += 1,
                None => applied.added += 1,
            }
            self.plan(job, &mut plan).await?;
        }
        self.carry_out(plan).await?;
        Ok(applied)
    }

    /// Prepares a job that is new or changed.
    async fn plan(&mut self, job: Arc<Job>, plan: &mut Plan) -> Result<(), ScrapeStartError> {
        let fetcher = Fetcher::for_job(&job)?;
        let name = &job.settings.job_name;
        if let Some(before) = self.running.get(name) {
            if before.job.finds_the_same(&job) {
                plan.kept.push((name.clone(), Arc::clone(&job)));
                plan.changes.push(JobChange::Put { number: before.number, job, fetcher });
                return Ok(());
            }
            plan.gone.push(name.clone());
        }
        // Never the number of another, of whom an update may be on its way.
        self.last_number += 1;
        let number = self.last_number;
        let idle = discovery::prepare(number, &job, &self.updates, &self.stop).await?;
        plan.begun.push((number, Arc::clone(&job), idle));
        plan.changes.push(JobChange::Put { number, job, fetcher });
        Ok(())
    }

    async fn carry_out(&mut self, plan: Plan) -> Result<(), ScrapeStartError> {
        let gone = plan.gone.iter().filter_map(|name| self.running.remove(name));
        let mut changes: Vec<JobChange> = gone.map(|gone| JobChange::Remove(gone.number)).collect();
        changes.extend(plan.changes);
        let (done, made) = oneshot::channel();
        let stopped = |_closed| ScrapeStartError::Stopped;
        self.changes
            .send(JobChanges { changes, done })
            .await
            .map_err(|_closed| ScrapeStartError::Stopped)?;
        made.await.map_err(stopped)?;
        for (name, job) in plan.kept {
            if let Some(running) = self.running.get_mut(&name) {
                running.job = job;
            }
        }
        for (number, job, idle) in plan.begun {
            let sources = Sources(idle.into_iter().map(tokio::spawn).collect());
            let name = job.settings.job_name.clone();
            self.running.insert(name, RunningJob { number, job, _sources: sources });
        }
        Ok(())
    }
}

/// Takes new jobs from the configuration at each reload, until the agent stops. Other settings need
/// a restart.
pub(super) fn follow(
    mut jobs: Jobs,
    read: Reload,
    mut reloads: watch::Receiver<u64>,
    metrics: &Metrics,
) -> impl Future<Output = ()> + Send + 'static {
    let succeeded = Gauge::<i64>::default();
    succeeded.set(1);
    metrics.register(|registry| {
        registry.register(
            "agent_config_last_reload_successful",
            "1 when the last reload was taken, 0 when it was refused",
            succeeded.clone(),
        );
    });
    let stop = jobs.stop.clone();
    async move {
        let read = read.map(Arc::new);
        loop {
            tokio::select! {
                changed = reloads.changed() => if changed.is_err() { return },
                () = stop.stopped() => return,
            }
            let number = *reloads.borrow_and_update();
            let Some(read) = read.clone() else { continue };
            // Reading files may take its time.
            let settings = tokio::task::spawn_blocking(move || read()).await;
            let settings = settings.unwrap_or_else(|error| Err(error.to_string()));
            let result = match settings.and_then(checked) {
                Ok(settings) => {
                    let applied = jobs.apply(&settings.scrape).await;
                    applied.map_err(|error| daemon::telemetry::chain(&error))
                }
                Err(error) => Err(error),
            };
            succeeded.set(i64::from(result.is_ok()));
            match &result {
                Ok(Applied { added, changed, removed }) => tracing::info!(
                    added,
                    changed,
                    removed,
                    "scrape jobs reloaded; other settings take effect after a restart"
                ),
                Err(error) => {
                    tracing::error!(error, "reload refused; the old configuration stays");
                }
            }
            stop.finish_reload(number, result.map(|_applied| ()));
        }
    }
}

fn checked(settings: crate::config::Settings) -> Result<crate::config::Settings, String> {
    settings.validate().map_err(|error| daemon::telemetry::chain(&error))?;
    Ok(settings)
}

#[cfg(test)]
mod tests;
