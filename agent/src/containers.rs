//! Whose containers run here, and what becomes of them, told on the timeline at once.

mod event;

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering};

use collector::{
    kernel::{DescriptorBudget, Kernel},
    usage::Usage,
};
use containers::{
    container::{Container, Phase},
    early::{Early, Told},
    follow,
    handle::Containers,
    registry::Registry,
};
use daemon::{clock, metrics::Metrics, stop::Stop};
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use tokio::task::JoinHandle;

use crate::{config::Settings, containers::event::event, outbox::Outbox};

/// Short lives that wait for the next tick; more are left out and logged.
const BRIEF_MAX: usize = 1_024;

/// A container that ended young: what it used in all.
#[derive(Debug)]
pub(crate) struct Brief {
    pub(crate) container: Container,
    pub(crate) usage: Usage,
}

/// What the collectors know containers by. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) containers: Containers,
    brief: Arc<Mutex<Vec<Brief>>>,
    counts: Counts,
}

/// What went wrong, as the agent's own metrics tell it.
#[derive(Clone, Debug, Default)]
struct Counts {
    known: Gauge,
    contradictions: Counter,
    dropped: Counter,
    news_dropped: Counter,
}

impl Counts {
    fn register(&self, metrics: &Metrics) {
        metrics.register(|registry| {
            let known = "Containers remembered, ended ones included";
            registry.register("agent_containers", known, self.known.clone());
            for (name, help, counter) in [
                (
                    "agent_container_contradictions",
                    "Times that sources said different things of a container",
                    &self.contradictions,
                ),
                (
                    "agent_containers_dropped",
                    "Containers and pods left out because there were too many",
                    &self.dropped,
                ),
                (
                    "agent_container_news_dropped",
                    "Starts and ends of containers that were not told because too many waited",
                    &self.news_dropped,
                ),
            ] {
                registry.register(name, help, counter.clone());
            }
        });
    }

    fn set(&self, containers: &Containers) {
        let (known, stats) = {
            let registry = containers.lock();
            (registry.len(), registry.stats())
        };
        self.known.set(i64::try_from(known).unwrap_or(i64::MAX));
        self.contradictions.inner().store(stats.contradictions, Ordering::Relaxed);
        self.dropped.inner().store(stats.dropped, Ordering::Relaxed);
        self.news_dropped.inner().store(containers.dropped(), Ordering::Relaxed);
    }
}

impl Known {
    pub(crate) fn new(containers: Containers) -> Self {
        Self { containers, brief: Arc::default(), counts: Counts::default() }
    }

    /// Those that have ended since this was asked last, which is each tick.
    pub(crate) fn brief(&self) -> Vec<Brief> {
        self.counts.set(&self.containers);
        std::mem::take(&mut *self.brief.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn remember(&self, brief: Brief) {
        let mut waiting = self.brief.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < BRIEF_MAX {
            waiting.push(brief);
        } else {
            tracing::warn!(id = brief.container.id, "use of a short-lived container left out");
        }
    }
}

/// Follows the runtimes until `stop`. `None` when that is switched off.
pub(crate) fn start(
    settings: &Settings,
    budget: &DescriptorBudget,
    outbox: &Outbox,
    metrics: &Metrics,
    tasks: &mut Vec<JoinHandle<()>>,
    stop: &Stop,
) -> Option<Known> {
    let own = &settings.containers;
    if !own.enabled {
        return None;
    }
    let registry = Registry::new(own.owner.clone(), clock::now());
    let (containers, news) = Containers::new(registry);
    let known = Known::new(containers.clone());
    known.counts.register(metrics);
    if let Some(kubernetes) = &own.kubernetes {
        let mut kubernetes = kubernetes.clone();
        if kubernetes.node.is_empty() {
            kubernetes.node = settings.node_name();
        }
        let (containers, stop) = (containers.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            if let Err(error) = discovery::follow_pods(&kubernetes, containers, stop).await {
                tracing::error!(%error, "labels of pods are those that the runtime knows");
            }
        }));
    }
    tasks.push(tokio::spawn(follow::run(own.sockets.clone(), containers, stop.clone())));
    let tell = {
        let (known, outbox, node) = (known.clone(), outbox.clone(), settings.node_name());
        let tenant = settings.tenant().ok();
        move |told: Told| {
            if let Some(event) = event(&told, tenant.as_ref(), &node, clock::now()) {
                outbox.push(event);
            }
            let Told { news, usage } = told;
            if let (Phase::Exited, Some(usage)) = (news.phase, usage) {
                known.remember(Brief { container: news.container, usage });
            }
        }
    };
    tasks.push(tokio::spawn(Early::new(Kernel::new(budget.clone())).run(news, tell, stop.clone())));
    Some(known)
}
