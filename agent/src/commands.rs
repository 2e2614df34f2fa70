//! Commands from the aggregator, carried out and answered with an event.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use daemon::{
    clock,
    control::{ControlClient, WAIT},
    stop::Stop,
};
use model::{
    event::{Action, Command, Event, EventKind, RUN},
    time::Timestamp,
};
use supervisor::{RestartError, Restarted, Stopped, Supervisor};

use crate::{metrics::AgentMetrics, outbox::Outbox, probes::Probes};

const RETRY: Duration = Duration::from_millis(500);

/// What carrying out a command needs.
#[derive(Clone)]
pub(crate) struct Executor {
    pub(crate) node: String,
    pub(crate) client: ControlClient,
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) probes: Probes,
    pub(crate) outbox: Outbox,
    pub(crate) metrics: AgentMetrics,
    /// How long a process has to end by itself.
    pub(crate) grace: Duration,
}

impl Executor {
    /// Fetches and carries out commands until `stop`.
    pub(crate) async fn run(self, stop: Stop) {
        tokio::select! {
            () = self.follow() => {}
            () = stop.stopped() => {}
        }
    }

    async fn follow(&self) {
        let mut after = 0;
        loop {
            match self.client.commands_after(&self.node, after, WAIT).await {
                Ok(commands) => {
                    for command in commands {
                        after = after.max(command.id);
                        // Each on its own: one process that takes its time delays no other.
                        let executor = self.clone();
                        tokio::spawn(async move { executor.carry_out(&command).await });
                    }
                }
                Err(error) => {
                    let error_text = daemon::telemetry::chain(&error);
                    if error.is_temporary() {
                        tracing::debug!(error = error_text, "no commands");
                    } else {
                        tracing::error!(error = error_text, "the aggregator refuses commands");
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    #[tracing::instrument(
        name = "command",
        skip_all,
        fields(instance = command.target.instance, incident = command.incident)
    )]
    async fn carry_out(&self, command: &Command) {
        let now = clock::now();
        let Action::Restart = command.action;
        if command.expires <= now {
            self.metrics.commands_refused.inc();
            return self.fail(command, now, "the command arrived after it had expired".to_owned());
        }
        let result = self.restart(command).await;
        let now = clock::now();
        match result {
            Ok(restarted) => {
                self.metrics.restarts.inc();
                self.probes.new_run(&command.target, restarted.new_run);
                self.outbox.push(done(command, &restarted, now));
            }
            // An earlier delivery of the same command did it, or the process ended meanwhile and
            // that is on the timeline already: nothing went wrong.
            Err(RestartError::StaleRun { current, .. }) => {
                self.metrics.commands_refused.inc();
                tracing::info!(run = command.run, current, "command is about an earlier run");
            }
            Err(error) => {
                self.metrics.commands_refused.inc();
                self.fail(command, now, daemon::telemetry::chain(&error));
            }
        }
    }

    async fn restart(&self, command: &Command) -> Result<Restarted, RestartError> {
        self.supervisor.restart(&command.target, command.run, self.grace).await
    }

    fn fail(&self, command: &Command, now: Timestamp, reason: String) {
        let details = BTreeMap::from([(RUN.to_owned(), command.run.to_string())]);
        self.outbox.push(Event {
            id: 0,
            time: now,
            kind: EventKind::RestartFailed,
            target: command.target.clone(),
            reason,
            incident: command.incident.clone(),
            details,
        });
    }
}

fn done(command: &Command, restarted: &Restarted, now: Timestamp) -> Event {
    let took = restarted.took.as_millis();
    let how = match restarted.stopped {
        Stopped::Terminated => "the old process ended on SIGTERM",
        Stopped::Killed => "the old process had to be killed",
        Stopped::AlreadyExited => "the old process had ended",
    };
    let details = BTreeMap::from([
        (RUN.to_owned(), restarted.new_run.to_string()),
        ("previous_run".to_owned(), restarted.old_run.to_string()),
        ("pid".to_owned(), restarted.pid.to_string()),
        ("took_ms".to_owned(), took.to_string()),
    ]);
    Event {
        id: 0,
        time: now,
        kind: EventKind::Restarted,
        target: command.target.clone(),
        reason: format!("restarted in {took} ms: {how}"),
        incident: command.incident.clone(),
        details,
    }
}
