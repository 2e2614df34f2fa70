//! Whose containers run here, and what becomes of them, told on the timeline at once.

mod event;

use std::sync::{Arc, Mutex, PoisonError};

use collector::{kernel::Kernel, usage::Usage};
use containers::{
    container::{Container, Phase},
    early::{Early, Told},
    follow,
    handle::Containers,
    registry::Registry,
};
use daemon::{clock, stop::Stop};
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
}

impl Known {
    pub(crate) fn new(containers: Containers) -> Self {
        Self { containers, brief: Arc::default() }
    }

    /// Those that have ended since this was asked last.
    pub(crate) fn brief(&self) -> Vec<Brief> {
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
    kernel: Kernel,
    outbox: &Outbox,
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
    tasks.push(tokio::spawn(Early::new(kernel).run(news, tell, stop.clone())));
    Some(known)
}
