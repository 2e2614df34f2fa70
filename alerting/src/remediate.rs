//! The loop between the timeline and the policy.

use std::time::Duration;

use daemon::{
    admin::Readiness,
    clock,
    control::{ControlClient, ControlError, EventPage, WAIT},
    metrics::Metrics,
    stop::Stop,
};
use model::event::{Command, Event};
use remediation::{Action, Remediation};

use crate::{
    config::{InvalidSettings, RETRY, Settings},
    metrics::Counts,
    ruler::RulerError,
};

/// Commands that could not be delivered for this long are given up; they have expired by then.
const DELIVERY_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("alerting is refused by the aggregator: {0}")]
    Refused(#[source] ControlError),
    #[error(transparent)]
    Rules(#[from] RulerError),
}

/// Follows the timeline until `stop`. Returns early only when the settings are wrong or the
/// aggregator refuses the token; an aggregator that is away is waited for.
pub(crate) async fn run(
    settings: &Settings,
    metrics: &Metrics,
    readiness: &Readiness,
    stop: &Stop,
) -> Result<(), StartError> {
    let client = settings.client()?;
    let now = clock::now();
    // The seed only spreads waits, so any number that differs between processes will do.
    let seed = u64::try_from(now.millis()).unwrap_or(0) ^ u64::from(std::process::id());
    let mut shell = Shell {
        core: Remediation::new(settings.policy()?, seed),
        client,
        last: 0,
        counts: Counts::register(metrics),
    };
    tokio::select! {
        ended = shell.follow(readiness) => ended,
        () = stop.stopped() => Ok(()),
    }
}

struct Shell {
    core: Remediation,
    client: ControlClient,
    /// The id of the last event that the core has seen.
    last: u64,
    counts: Counts,
}

impl Shell {
    async fn follow(&mut self, readiness: &Readiness) -> Result<(), StartError> {
        readiness.wait("waiting for the aggregator's timeline");
        self.replay().await?;
        readiness.ready();
        loop {
            self.carry_out().await?;
            self.counts.set(self.core.stats());
            let client = self.client.clone();
            let polling = client.events_after(self.last, WAIT);
            tokio::select! {
                polled = polling => self.take(polled).await?,
                () = crate::sleep_until(self.core.poll_timeout()) => self.core.handle_timeout(clock::now()),
            }
        }
    }

    /// Reads the whole timeline that the aggregator remembers, page by page.
    async fn replay(&mut self) -> Result<(), StartError> {
        let mut events = Vec::new();
        loop {
            match self.client.events_after(self.last, Duration::ZERO).await {
                Ok(page) => {
                    self.last = self.last.max(page.last);
                    if page.events.is_empty() {
                        self.core.replay(&events, clock::now());
                        return Ok(());
                    }
                    events.extend(page.events);
                }
                Err(error) if error.is_temporary() => self.wait_for_aggregator(&error).await,
                Err(error) => return Err(StartError::Refused(error)),
            }
        }
    }

    async fn take(&mut self, polled: Result<EventPage, ControlError>) -> Result<(), StartError> {
        match polled {
            Ok(page) => {
                for event in &page.events {
                    self.core.handle_event(event, clock::now());
                }
                self.last = self.last.max(page.last);
                Ok(())
            }
            Err(error) if error.is_temporary() => {
                self.wait_for_aggregator(&error).await;
                Ok(())
            }
            Err(error) => Err(StartError::Refused(error)),
        }
    }

    async fn wait_for_aggregator(&self, error: &ControlError) {
        tracing::warn!(error = daemon::telemetry::chain(error), "waiting for the aggregator");
        tokio::time::sleep(RETRY).await;
    }

    /// Does what the core wants done, in order: an intent is durable before its command is sent.
    async fn carry_out(&mut self) -> Result<(), StartError> {
        while let Some(action) = self.core.poll_action() {
            match action {
                Action::Record { ticket, event } => self.record(ticket, &event).await?,
                Action::Send(command) => self.send(&command).await,
            }
        }
        Ok(())
    }

    #[tracing::instrument(name = "decision", skip_all, fields(incident = event.incident))]
    async fn record(&mut self, ticket: u64, event: &Event) -> Result<(), StartError> {
        match self.client.append_events(std::slice::from_ref(event)).await {
            Ok(_ids) => {
                tracing::info!(
                    kind = ?event.kind, tenant = %event.target.tenant, app = event.target.app,
                    instance = event.target.instance, reason = event.reason, "decided"
                );
                self.core.handle_recorded(ticket, clock::now());
                Ok(())
            }
            // Without its record nothing may be done, and this one will never be taken.
            Err(error) if !error.is_temporary() => Err(StartError::Refused(error)),
            Err(error) => {
                tracing::warn!(error = daemon::telemetry::chain(&error), "decision not recorded");
                self.core.handle_record_failed(ticket, clock::now());
                // The core decides again at once; without a pause this would spin.
                tokio::time::sleep(RETRY).await;
                Ok(())
            }
        }
    }

    /// Delivery is tried again until the command expires; a repeated one does no harm, because it
    /// names the run that is to end.
    async fn send(&self, command: &Command) {
        let give_up = command.expires.min(clock::now().saturating_add(DELIVERY_MAX));
        loop {
            match self.client.push_command(command).await {
                Ok(_id) => return,
                Err(error) if error.is_temporary() && clock::now() < give_up => {
                    self.wait_for_aggregator(&error).await;
                }
                Err(error) => {
                    let error = daemon::telemetry::chain(&error);
                    tracing::error!(error, incident = command.incident, "command not delivered");
                    return;
                }
            }
        }
    }
}
