//! Commands on their way to nodes: a short queue per node, read by long polling.
//!
//! Commands expire within seconds and carry the run that they are about, so they are not kept on
//! disk: after a restart of the aggregator, whoever decided decides again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use model::{event::Command, time::Timestamp};
use tenancy::access::Tenants;
use tokio::sync::watch;

/// Commands that may wait for one node.
pub(crate) const PER_NODE_MAX: usize = 1000;
/// Nodes that may have commands waiting.
pub(crate) const NODES_MAX: usize = 100_000;

/// All queues. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    queues: Arc<Mutex<Queues>>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Queues {
    last_id: u64,
    by_node: BTreeMap<String, VecDeque<Command>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandRefused {
    #[error("{PER_NODE_MAX} commands wait for node {0:?} already; is its agent running?")]
    Full(String),
    #[error("the command has expired")]
    Expired,
}

impl Commands {
    /// Ids go on from `start`, so that they increase across restarts when `start` is a clock.
    pub(crate) fn new(start: Timestamp) -> Self {
        let last_id = u64::try_from(start.millis()).unwrap_or(0) << 10;
        Self {
            queues: Arc::new(Mutex::new(Queues { last_id, by_node: BTreeMap::new() })),
            changed: watch::Sender::new(0),
        }
    }

    /// Queues a command for its target's node and returns its id.
    pub(crate) fn push(&self, mut command: Command, now: Timestamp) -> Result<u64, CommandRefused> {
        if command.expires <= now {
            return Err(CommandRefused::Expired);
        }
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.drop_expired(now);
        let node = command.target.node.clone();
        let nodes = queues.by_node.len();
        let queue = queues.by_node.entry(node.clone()).or_default();
        if queue.len() >= PER_NODE_MAX || (queue.is_empty() && nodes >= NODES_MAX) {
            return Err(CommandRefused::Full(node));
        }
        queues.last_id += 1;
        let id = queues.last_id;
        command.id = id;
        queues.by_node.entry(node).or_default().push_back(command);
        drop(queues);
        self.changed.send_replace(id);
        Ok(id)
    }

    /// The commands for a node after `after` that concern the tenants given; those up to `after`
    /// are acknowledged and forgotten. What concerns others is neither shown nor forgotten.
    pub(crate) fn take(
        &self,
        node: &str,
        tenants: &Tenants,
        after: u64,
        now: Timestamp,
    ) -> Vec<Command> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.drop_expired(now);
        let Some(queue) = queues.by_node.get_mut(node) else {
            return Vec::new();
        };
        let own = |command: &Command| tenants.contains(&command.target.tenant);
        queue.retain(|command| command.id > after || !own(command));
        queue.iter().filter(|command| own(command)).cloned().collect()
    }

    /// Changes whenever a command is queued.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

impl Queues {
    fn drop_expired(&mut self, now: Timestamp) {
        self.by_node.retain(|_node, queue| {
            queue.retain(|command| now < command.expires);
            !queue.is_empty()
        });
    }
}

#[cfg(test)]
mod tests;
