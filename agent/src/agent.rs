//! The agent itself: starts its parts, ticks, and stops them in order.

use std::{sync::Arc, time::Duration};

use collector::kernel::{DescriptorBudget, Kernel, raise_descriptor_limit};
use daemon::{clock, metrics::Metrics, stop::Stop};
use model::write::WriteBatch;
use supervisor::{
    Supervisor,
    exit::Exit,
    spec::{Shim, Spec},
};
use tokio::{sync::mpsc, time::MissedTickBehavior};

use crate::{
    commands::Executor,
    config::{InvalidSettings, Settings},
    containers::{self, Known},
    events,
    metrics::AgentMetrics,
    notify::Notify,
    outbox::Outbox,
    probes::{LocalProbe, Probes},
    push::{self, Queue},
    scraping::{self, Scraping},
    sources::{
        NodeLabels, Source, Tick,
        cgroups::CgroupSource,
        node::NodeSource,
        sandboxes::{self, Claims, SandboxSource},
        supervised::SupervisedSource,
    },
    traffic::{Access, Requests, TrafficStartError},
};

/// What changes slowly is read every so many ticks.
const FULL_EVERY: u64 = 10;

/// What an agent does besides watching the host.
#[derive(Default)]
pub struct Workload {
    /// Processes to run, and how.
    pub supervision: Option<Supervision>,
    pub probes: Vec<LocalProbe>,
    /// Finished requests, from a proxy.
    pub accesses: Option<mpsc::Receiver<Access>>,
    /// Where the state of scraped targets is to be seen.
    pub targets: scrape::status::Status,
    /// Where to read the settings again when a reload is asked for.
    pub reload: scraping::Reload,
    /// The service manager to tell that ticks complete.
    pub notify: Notify,
}

impl std::fmt::Debug for Workload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workload")
            .field("supervision", &self.supervision)
            .field("probes", &self.probes)
            .finish_non_exhaustive()
    }
}

/// Processes that the agent runs.
#[derive(Debug)]
pub struct Supervision {
    pub shim: Shim,
    pub specs: Vec<Spec>,
    /// How long a process has to end by itself when it is restarted.
    pub grace: Duration,
}

/// Why an agent did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("cannot watch cgroups: {0}")]
    Cgroups(String),
    #[error("cannot watch the node: {0}")]
    Node(#[source] collector::series::InvalidTemplate),
    #[error(transparent)]
    Supervisor(#[from] supervisor::SetupError),
    #[error("cannot start {instance}")]
    Process {
        instance: String,
        #[source]
        source: supervisor::StartError,
    },
    #[error(transparent)]
    Push(#[from] push::PushStartError),
    #[error(transparent)]
    Traffic(#[from] TrafficStartError),
    #[error(transparent)]
    Scrape(#[from] scraping::ScrapeStartError),
    #[error("cannot probe {instance}: {source}")]
    Probe { instance: String, source: probe::prober::ProberError },
}

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    supervisor: Option<Arc<Supervisor>>,
    /// What brings in samples, events and commands, until the agent's `stop`.
    sources: Vec<tokio::task::JoinHandle<()>>,
    /// What sends them, until nothing more can come in.
    senders: Vec<tokio::task::JoinHandle<()>>,
    drain: Stop,
    queue: Queue,
    /// Ends once the queue is closed.
    spooler: Option<std::thread::JoinHandle<()>>,
}

impl Agent {
    /// Starts everything. What it does it does until `stop`.
    pub async fn start(
        settings: &Settings,
        workload: Workload,
        metrics: &Metrics,
        stop: &Stop,
    ) -> Result<Self, StartError> {
        settings.validate()?;
        let registry = metrics;
        let metrics = AgentMetrics::register(registry);
        let control = settings.control()?;
        let node = settings.node_name();
        let labels = NodeLabels {
            node: node.clone(),
            cluster: settings.cluster.clone(),
            region: settings.region.clone(),
        };
        let drain = Stop::default();
        let (mut tasks, mut senders) = (Vec::new(), Vec::new());
        let (outbox, emptying) = Outbox::new(control.clone(), metrics.clone(), drain.clone());
        senders.push(tokio::spawn(emptying));

        let push::Pushing { queue, senders: pushers, spooler } = push::start(settings, &metrics)?;
        senders.extend(pushers.into_iter().map(|sender| tokio::spawn(sender.run(drain.clone()))));

        if let Err(error) = raise_descriptor_limit() {
            tracing::warn!(%error, "few descriptors: reading many cgroups will cost more");
        }
        let budget = DescriptorBudget::from_process_limit();
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        let known = containers::start(settings, &budget, &outbox, registry, &mut tasks, stop);
        let probes = Probes::start(outbox.clone(), &metrics);
        let mut supervisor = None;
        if let Some(supervision) = workload.supervision {
            let grace = supervision.grace;
            let running = Arc::new(start_processes(supervision, &outbox, &mut tasks).await?);
            let kernel = Kernel::new(budget.clone());
            sources.push(Box::new(SupervisedSource::new(
                kernel,
                Arc::clone(&running),
                labels.clone(),
            )));
            let executor = Executor {
                node: node.clone(),
                client: control.clone(),
                supervisor: Arc::clone(&running),
                probes: probes.clone(),
                outbox,
                metrics: metrics.clone(),
                grace,
            };
            tasks.push(tokio::spawn(executor.run(stop.clone())));
            supervisor = Some(running);
        }
        assign_probes(workload.probes, &probes, supervisor.as_deref()).await?;
        sources.extend(host_sources(settings, &budget, &labels, known)?);
        let (scrape, reload) = (&settings.scrape, workload.reload);
        let scraping =
            Scraping { settings: scrape, labels: &labels, control: &control, reload, stop };
        tasks.extend(scraping.start(queue.clone(), workload.targets, registry).await?);
        tasks.push(tokio::spawn(workload.notify.clone().watch(settings.interval.0, stop.clone())));
        let (requests, hearing) =
            Requests::start(settings, workload.accesses, &labels, &metrics, stop).await?;
        tasks.extend(hearing);
        let ticker = Ticker {
            interval: settings.interval.0,
            notify: workload.notify,
            sources,
            probes,
            requests,
            labels,
            queue: queue.clone(),
            metrics,
        };
        tasks.push(tokio::spawn(ticker.run(stop.clone())));
        Ok(Self { supervisor, sources: tasks, senders, drain, queue, spooler })
    }

    /// The processes that this agent runs, if any.
    pub fn supervisor(&self) -> Option<&Arc<Supervisor>> {
        self.supervisor.as_ref()
    }

    /// Returns once everything has stopped; `stop` must have been called.
    pub async fn stopped(self) {
        let Self { supervisor, sources, senders, drain, queue, spooler } = self;
        if let Some(supervisor) = supervisor
            && !supervisor.stop(Duration::from_millis(500)).await
        {
            tracing::warn!("some processes or cgroups were left behind");
        }
        // By here the last handle of the supervisor is gone, which ends the task that hears of exits.
        join(sources).await;
        drain.stop();
        join(senders).await;
        queue.close();
        let spooled = tokio::task::spawn_blocking(|| spooler.map(std::thread::JoinHandle::join));
        if !matches!(spooled.await, Ok(None | Some(Ok(())))) {
            tracing::error!("the spool failed");
        }
    }
}

async fn assign_probes(
    assigned: Vec<LocalProbe>,
    probes: &Probes,
    supervisor: Option<&Supervisor>,
) -> Result<(), StartError> {
    for probe in assigned {
        let instance = probe.target.instance.clone();
        let run = supervisor
            .and_then(|supervisor| supervisor.instance(&probe.target))
            .map_or(1, |instance| instance.run);
        probes.assign(probe, run).await.map_err(|source| StartError::Probe { instance, source })?;
    }
    Ok(())
}

/// What is watched of the host itself.
fn host_sources(
    settings: &Settings,
    budget: &DescriptorBudget,
    labels: &NodeLabels,
    known: Option<Known>,
) -> Result<Vec<Box<dyn Source>>, StartError> {
    let tenant = settings.tenant()?;
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    let claims = Claims::default();
    if settings.sandboxes.enabled {
        // Before the cgroups, so that these know in the same tick what is claimed.
        let options = sandboxes::Options {
            roots: settings.sandboxes.roots.clone(),
            metrics: settings.sandboxes.metrics,
            tenant: tenant.clone(),
        };
        let kernel = Kernel::new(budget.clone());
        let runtime = tokio::runtime::Handle::current();
        match SandboxSource::new(kernel, options, labels.clone(), claims.clone(), runtime) {
            Ok(source) => sources.push(Box::new(source)),
            Err(error) => tracing::warn!(error, "sandboxes are not watched"),
        }
    }
    if settings.cgroups.enabled {
        let kernel = Kernel::new(budget.clone());
        let prefix = &settings.cgroups.prefix;
        let source =
            CgroupSource::new(kernel, prefix, tenant.clone(), labels.clone(), claims, known)
                .map_err(StartError::Cgroups)?;
        sources.push(Box::new(source));
    }
    if settings.node_metrics {
        let source = NodeSource::new(Kernel::new(budget.clone()), &tenant, labels)
            .map_err(StartError::Node)?;
        sources.push(Box::new(source));
    }
    Ok(sources)
}

async fn join(tasks: Vec<tokio::task::JoinHandle<()>>) {
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the agent failed");
        }
    }
}

async fn start_processes(
    supervision: Supervision,
    outbox: &Outbox,
    tasks: &mut Vec<tokio::task::JoinHandle<()>>,
) -> Result<Supervisor, StartError> {
    let mut config =
        supervisor::spec::Config::new(supervision.shim, supervisor::spec::Clock::new(clock::now));
    // The timeline remembers the runs of the agent before this one.
    config.runs_before = u64::try_from(clock::now().millis() / 1000).unwrap_or(0);
    let (supervisor, exits) = Supervisor::new(config).await?;
    tasks.push(tokio::spawn(report_exits(exits, outbox.clone())));
    for spec in supervision.specs {
        let target = spec.target.clone();
        let started = supervisor
            .start(spec)
            .await
            .map_err(|source| StartError::Process { instance: target.instance.clone(), source })?;
        outbox.push(events::started(target, &started, clock::now()));
    }
    Ok(supervisor)
}

/// Ends when the supervisor is gone.
async fn report_exits(mut exits: mpsc::Receiver<Exit>, outbox: Outbox) {
    while let Some(exit) = exits.recv().await {
        outbox.push(events::exited(&exit));
    }
}

struct Ticker {
    interval: Duration,
    notify: Notify,
    sources: Vec<Box<dyn Source>>,
    probes: Probes,
    requests: Requests,
    labels: NodeLabels,
    queue: Queue,
    metrics: AgentMetrics,
}

impl Ticker {
    async fn run(mut self, stop: Stop) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut number = 0u64;
        loop {
            let due = tokio::select! {
                due = ticks.tick() => due,
                () = stop.stopped() => return,
            };
            let late = due.elapsed().as_nanos() / self.interval.as_nanos().max(1);
            self.metrics.ticks_missed.inc_by(u64::try_from(late).unwrap_or(u64::MAX));
            let tick = Tick { now: clock::now(), full: number.is_multiple_of(FULL_EVERY) };
            number += 1;
            self = match self.collect(tick).await {
                Ok(ticker) => ticker,
                Err(error) => {
                    // An agent that collects nothing must not go on looking well.
                    tracing::error!(%error, "collecting failed; the agent stops");
                    return stop.stop();
                }
            };
            self.notify.ticked();
        }
    }

    /// Reads everything on a thread that may block, and queues it.
    async fn collect(mut self, tick: Tick) -> Result<Self, tokio::task::JoinError> {
        tokio::task::spawn_blocking(move || {
            let started = tokio::time::Instant::now();
            let mut batch = WriteBatch::default();
            for source in &mut self.sources {
                source.collect(&tick, &mut batch);
            }
            self.probes.write(&self.labels, &mut batch);
            self.requests.write(tick.now, &mut batch);
            self.queue.losses().write(tick.now, &self.labels, &mut batch);
            let watched: usize = self.sources.iter().map(|source| source.watched()).sum();
            self.metrics.groups.set(i64::try_from(watched).unwrap_or(i64::MAX));
            self.metrics.samples_collected.inc_by(batch.sample_count() as u64);
            self.metrics.collect_seconds.observe(started.elapsed().as_secs_f64());
            self.queue.push(batch);
            self
        })
        .await
    }
}
