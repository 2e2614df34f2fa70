//! Finished requests, counted between ticks and written as series at each.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use access::{counting::Counting, kept::Kept, sources};
use daemon::stop::Stop;
use disk::{Disk, os::OsDisk};
use model::{event::Target, tenant::TenantId, time::Timestamp, write::WriteBatch};
use requests::{
    entry::Entry,
    recorder::{Options, Recorder},
};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{config::Settings, metrics::AgentMetrics, sources::NodeLabels};

/// One finished request, from a proxy.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who served it.
    pub target: Arc<Target>,
    /// The path with identifiers replaced.
    pub route: String,
    pub method: String,
    /// The response's status.
    pub code: u16,
    pub duration: Duration,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// Counts what proxies and access logs report.
pub(crate) struct Requests {
    accesses: Option<mpsc::Receiver<Access>>,
    /// `None` when there is nothing to count.
    counting: Option<Counting>,
    /// Where totals are kept over a restart; empty for nowhere.
    dir: PathBuf,
    /// What is kept there now, if known.
    kept: Option<Kept>,
    batches: BTreeMap<TenantId, WriteBatch>,
    metrics: AgentMetrics,
}

/// Why requests cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum TrafficStartError {
    #[error(transparent)]
    Labels(#[from] requests::recorder::InvalidOptions),
    #[error("agent.requests.dir {}: {source}", dir.display())]
    Dir { dir: PathBuf, source: std::io::Error },
    #[error("agent.access_logs: {0}")]
    Sources(#[from] sources::StartError),
}

impl Requests {
    /// Begins to hear of requests. The tasks end after `stop`.
    pub(crate) async fn start(
        settings: &Settings,
        accesses: Option<mpsc::Receiver<Access>>,
        labels: &NodeLabels,
        metrics: &AgentMetrics,
        stop: &Stop,
    ) -> Result<(Self, Vec<JoinHandle<()>>), TrafficStartError> {
        let dir = settings.requests.dir.clone();
        let mut requests = Self {
            accesses,
            counting: None,
            dir,
            kept: None,
            batches: BTreeMap::new(),
            metrics: metrics.clone(),
        };
        if requests.accesses.is_none() && settings.access_logs.is_empty() {
            return Ok((requests, Vec::new()));
        }
        let common = labels.pairs().into_iter().filter(|(_, value)| !value.is_empty());
        let common = common
            .chain([("reporter", "destination")])
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kinds_max = settings.requests.kinds_max;
        let mut recorder =
            Recorder::new(Options { common: common.collect(), kinds_max, ..Options::default() })?;
        let mut kept = Kept::default();
        if !requests.dir.as_os_str().is_empty() {
            let dir = requests.dir.clone();
            let read = tokio::task::spawn_blocking(move || read_kept(&dir)).await;
            kept = read
                .map_err(std::io::Error::other)
                .flatten()
                .map_err(|source| TrafficStartError::Dir { dir: requests.dir.clone(), source })?;
        }
        if let Err(error) = recorder.restore(kept.totals) {
            tracing::error!(%error, "counters of requests begin at zero, files are read from their end");
            kept.files.clear();
        }
        let counting = Counting::new(recorder);
        let tasks = sources::start(&settings.access_logs, &counting, kept.files, stop).await?;
        requests.counting = Some(counting);
        Ok((requests, tasks))
    }

    /// Appends the totals as of `now`, once they are kept. Blocks on the disk.
    pub(crate) fn write(&mut self, now: Timestamp, batch: &mut WriteBatch) {
        let Some(counting) = &self.counting else { return };
        if let Some(accesses) = &mut self.accesses {
            let mut reported = Vec::with_capacity(accesses.len());
            reported.extend(std::iter::from_fn(|| accesses.try_recv().ok()).take(ACCESSES_MAX));
            counting.record(reported.iter().map(Access::entry));
        }
        let keep = !self.dir.as_os_str().is_empty();
        if let Some(kept) = counting.flush(now, &mut self.batches, keep)
            && !self.kept.as_ref().is_some_and(|last| last.is_same(&kept))
        {
            let written = kept.write(&OsDisk, &self.dir).inspect_err(|error| {
                self.metrics.requests_keep_failures.inc();
                tracing::error!(%error, "a restart would count requests twice");
            });
            self.kept = written.ok().map(|()| kept);
        }
        for (source, stats) in counting.stats() {
            for (result, count) in stats.pairs() {
                let labels = [("source", source.clone()), ("result", result.to_owned())];
                let counter = self.metrics.access_log_entries.get_or_create(&labels);
                counter.inner().store(count, Ordering::Relaxed);
            }
        }
        for (tenant, own) in &mut self.batches {
            batch.append_labelled(own, "tenant", tenant.as_str());
            own.clear();
        }
    }
}

/// Reports of a proxy counted in one tick; more wait for the next.
const ACCESSES_MAX: usize = 1 << 20;

/// What an earlier run kept. What is damaged is put aside, for a start must not depend on it.
fn read_kept(dir: &Path) -> std::io::Result<Kept> {
    OsDisk.create_dir_all(dir)?;
    Ok(Kept::read(&OsDisk, dir).unwrap_or_else(|error| {
        tracing::error!(%error, "counters of requests begin at zero, files are read from their end");
        None
    }).unwrap_or_default())
}

impl Access {
    fn entry(&self) -> Entry<'_> {
        Entry {
            tenant: self.target.tenant.as_str(),
            app: &self.target.app,
            component: &self.target.component,
            instance: &self.target.instance,
            route: &self.route,
            method: &self.method,
            code: self.code,
            duration_micros: Some(u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX)),
            request_bytes: Some(self.request_bytes),
            response_bytes: Some(self.response_bytes),
            connection: false,
        }
    }
}
