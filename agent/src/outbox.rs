//! Events on their way to the aggregator: sent at once, and again until they are acknowledged.

use std::time::Duration;

use daemon::{control::ControlClient, stop::Stop};
use model::event::Event;
use tokio::sync::mpsc;

use crate::metrics::AgentMetrics;

/// Events that wait while the aggregator is away.
const WAITING_MAX: usize = 10_000;
/// Events in one request.
const BATCH_MAX: usize = 500;
const RETRY: Duration = Duration::from_millis(250);
/// What is still waiting at a stop gets this long.
const DRAIN: Duration = Duration::from_secs(2);

/// Where parts of the agent hand in events. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Event>,
    metrics: AgentMetrics,
}

impl Outbox {
    /// An outbox, and the task that empties it until `stop`.
    pub(crate) fn new(
        client: ControlClient,
        metrics: AgentMetrics,
        stop: Stop,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { sender, metrics: metrics.clone() }, empty(receiver, client, metrics, stop))
    }

    /// Never waits; an event that finds the outbox full is dropped and counted.
    pub(crate) fn push(&self, event: Event) {
        if let Err(refused) = self.sender.try_send(event) {
            self.metrics.events_dropped.inc();
            let event = match refused {
                mpsc::error::TrySendError::Full(event)
                | mpsc::error::TrySendError::Closed(event) => event,
            };
            tracing::error!(kind = ?event.kind, reason = event.reason, "event dropped");
        }
    }
}

async fn empty(
    mut receiver: mpsc::Receiver<Event>,
    client: ControlClient,
    metrics: AgentMetrics,
    stop: Stop,
) {
    let mut batch = Vec::new();
    let sending = async {
        while receiver.recv_many(&mut batch, BATCH_MAX).await > 0 {
            deliver(&client, &batch, &metrics).await;
            batch.clear();
        }
    };
    let stopping = async {
        stop.stopped().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        () = sending => {}
        () = stopping => {
            let lost = (batch.len() + receiver.len()) as u64;
            metrics.events_dropped.inc_by(lost);
            tracing::warn!(events = lost, "the aggregator did not take the last events");
        }
    }
}

async fn deliver(client: &ControlClient, batch: &[Event], metrics: &AgentMetrics) {
    loop {
        match client.append_events(batch).await {
            Ok(_ids) => {
                metrics.events_sent.inc_by(batch.len() as u64);
                return;
            }
            Err(error) if error.is_temporary() => {
                tracing::debug!(error = daemon::telemetry::chain(&error), "events wait");
                tokio::time::sleep(RETRY).await;
            }
            Err(_) if batch.len() > 1 => {
                // One that is refused costs no other.
                for event in batch {
                    Box::pin(deliver(client, std::slice::from_ref(event), metrics)).await;
                }
                return;
            }
            Err(error) => {
                metrics.events_dropped.inc_by(batch.len() as u64);
                let error = daemon::telemetry::chain(&error);
                tracing::error!(error, events = batch.len(), "the aggregator refused events");
                return;
            }
        }
    }
}
