//! Asks the runtime about one container after an event about it.

use std::{sync::Arc, time::Duration};

use crate::{
    container::{Facts, Phase, Source, State},
    cri::Runtime,
    grpc::CallError,
    handle::Containers,
};

/// CRI hears of a change by the same event as we do, and may answer before it has.
const TRIES: u32 = 12;
const PAUSE: Duration = Duration::from_millis(20);

pub(super) struct Lookup {
    pub(super) runtime: Arc<Runtime>,
    pub(super) containers: Containers,
    pub(super) id: String,
    /// How far it must have come.
    pub(super) phase: Phase,
    /// What the event itself told; empty where it told nothing but that something changed.
    pub(super) event: State,
}

impl Lookup {
    pub(super) async fn run(self) {
        let mut best = None;
        for attempt in 1..=TRIES {
            match self.ask().await {
                Ok(Some(facts)) => {
                    let there = facts.state.phase >= self.phase;
                    best = Some(facts);
                    if there {
                        break;
                    }
                    // A start is told at once: what the runtime says of it later adds nothing.
                    if self.phase == Phase::Running && self.event.started.is_some() {
                        break;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(id = self.id, %error, "a container cannot be asked about");
                    break;
                }
            }
            tokio::time::sleep(PAUSE * attempt.min(5)).await;
        }
        self.tell(best);
    }

    /// `None` when the runtime does not know it (yet).
    async fn ask(&self) -> Result<Option<Facts>, CallError> {
        match self.runtime.status(&self.id).await {
            Ok(status) => return Ok(Some(status.facts)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        let found = self.runtime.pods(Some(&self.id)).await?;
        let Some((_, facts, pod)) = found.into_iter().find(|(id, ..)| *id == self.id) else {
            return Ok(None);
        };
        self.containers.lock().tell_pod(Source::Cri, pod);
        Ok(Some(facts))
    }

    fn tell(self, facts: Option<Facts>) {
        let Self { containers, id, event, .. } = self;
        containers.change(|registry| {
            let mut news = Vec::new();
            // The runtime's words come first, so that news are told with names.
            if let Some(mut facts) = facts {
                if facts.state.started.is_none() {
                    facts.state.started = event.started;
                }
                news.extend(registry.tell(Source::Cri, &id, facts));
            }
            if event != State::default() {
                let facts = Facts { state: event, ..Facts::default() };
                news.extend(registry.tell(Source::Containerd, &id, facts));
            }
            news
        });
    }
}
