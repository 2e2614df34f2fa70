//! Follows a container runtime through its socket for as long as the agent lives.
//!
//! A session begins with subscribing, so that nothing happens unseen between the list and the
//! events: CRI's own where the runtime has them, else containerd's, else lists at short intervals.
//! Whatever breaks a session, the next begins anew with the best, so the agent comes forward again
//! by itself when the runtime is back or newer than before.

mod lookup;

use std::{path::PathBuf, sync::Arc, time::Duration};

use daemon::{clock, stop::Stop};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    container::{Facts, Phase, Source, State},
    cri::{
        Runtime,
        message::{self, Change},
        task::{self, Task},
    },
    follow::lookup::Lookup,
    grpc::{CallError, Messages},
    handle::Containers,
};

/// With events, all is listed again so often, in case one was lost.
const RELIST: Duration = Duration::from_secs(60);
/// Without events.
const POLL: Duration = Duration::from_secs(1);
const BACKOFF_MIN: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Containers asked about at once; further events wait in the socket.
const LOOKUPS_MAX: usize = 64;

/// How changes are heard of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    CriEvents,
    TaskEvents,
    Lists,
}

/// Follows the first of these sockets that answers, until `stop`.
pub async fn run(sockets: Vec<PathBuf>, containers: Containers, stop: Stop) {
    let mut backoff = BACKOFF_MIN;
    loop {
        for socket in &sockets {
            let began = Instant::now();
            let session = session(socket, &containers);
            let error = tokio::select! {
                error = session => error,
                () = stop.stopped() => return,
            };
            {
                let mut registry = containers.lock();
                for source in [Source::Cri, Source::Containerd] {
                    registry.lost(source);
                }
            }
            if began.elapsed() > BACKOFF_MAX {
                backoff = BACKOFF_MIN;
            }
            tracing::debug!(socket = %socket.display(), %error, "the runtime is not followed");
        }
        containers.change(|registry| {
            registry.settle();
            registry.sweep(clock::now())
        });
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            () = stop.stopped() => return,
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// One connection, until it breaks.
async fn session(socket: &std::path::Path, containers: &Containers) -> CallError {
    match Runtime::connect(socket).await {
        Ok(runtime) => {
            let session = Session {
                runtime: Arc::new(runtime),
                containers,
                way: Way::CriEvents,
                lookups: JoinSet::new(),
            };
            match session.follow().await {
                Err(error) => error,
                Ok(never) => match never {},
            }
        }
        Err(error) => error,
    }
}

struct Session<'a> {
    runtime: Arc<Runtime>,
    containers: &'a Containers,
    way: Way,
    lookups: JoinSet<()>,
}

impl Session<'_> {
    async fn follow(mut self) -> Result<std::convert::Infallible, CallError> {
        let mut events = Some(self.runtime.cri_events().await?);
        self.list().await?;
        let mut listed = Instant::now();
        loop {
            let every = if self.way == Way::Lists { POLL } else { RELIST };
            let room = self.lookups.len() < LOOKUPS_MAX;
            tokio::select! {
                event = next(&mut events), if room => match event {
                    Ok(Some(message)) => self.hear(&message),
                    Ok(None) => return Err(CallError::Malformed("the events ended")),
                    Err(error) if error.is_unimplemented() => {
                        events = self.fall_back().await?;
                        self.list().await?;
                    }
                    Err(error) => return Err(error),
                },
                _done = self.lookups.join_next(), if !self.lookups.is_empty() => {}
                () = tokio::time::sleep_until(listed + every) => {
                    self.list().await?;
                    listed = Instant::now();
                }
            }
        }
    }

    /// To the next best way of hearing of changes.
    async fn fall_back(&mut self) -> Result<Option<Messages>, CallError> {
        if self.way == Way::CriEvents {
            self.way = Way::TaskEvents;
            tracing::debug!("the runtime has no CRI events; containerd's own are followed");
            return self.runtime.task_events().await.map(Some);
        }
        self.way = Way::Lists;
        tracing::info!("the runtime tells no events; its containers are listed at intervals");
        Ok(None)
    }

    /// Everything there is. Details of what has changed are asked for one by one.
    async fn list(&mut self) -> Result<(), CallError> {
        let (sandboxes, found) = (self.runtime.pods(None).await?, self.runtime.containers().await?);
        let mut pods = Vec::new();
        let mut all = Vec::new();
        for (id, facts, pod) in sandboxes {
            pods.push(pod);
            all.push((id, facts));
        }
        for (id, mut facts) in found {
            let known = self.containers.lock().container(&id).map(|known| known.facts);
            let known = known.filter(|known| {
                known.state.phase >= facts.state.phase && known.state.started.is_some()
            });
            if let Some(known) = &known {
                // Lists and details name images differently; a name that changes would end all series.
                facts.image.clone_from(&known.image);
            }
            if known.is_none() && facts.state.phase > Phase::Created {
                match self.runtime.status(&id).await {
                    Ok(status) => facts = Facts { sandbox: facts.sandbox, ..status.facts },
                    // Removed since.
                    Err(error) if error.is_not_found() => continue,
                    Err(error) => return Err(error),
                }
            }
            all.push((id, facts));
        }
        let now = clock::now();
        self.containers.change(|registry| {
            // What containerd's events told of has no other end if that of its deletion was lost.
            registry.forget_others(Source::Containerd, &all.iter().map(|(id, _)| &**id).collect());
            registry.replace(Source::Cri, all, pods, now)
        });
        Ok(())
    }

    fn hear(&mut self, message: &[u8]) {
        match self.way {
            Way::CriEvents => match message::event(message) {
                Ok((id, change)) => self.changed(id, change),
                Err(corrupt) => tracing::debug!(what = corrupt.what, "an event is malformed"),
            },
            _ => match task::event(message) {
                Ok(Some(task)) => self.task(task),
                Ok(None) => {}
                Err(corrupt) => tracing::debug!(what = corrupt.what, "an event is malformed"),
            },
        }
    }

    fn changed(&mut self, id: String, change: Change) {
        match change {
            Change::Created => self.look_up(id, Phase::Created, State::default()),
            Change::Started => self.look_up(id, Phase::Running, State::default()),
            Change::Stopped => self.look_up(id, Phase::Exited, State::default()),
            Change::Deleted => self.deleted(&id),
        }
    }

    fn task(&mut self, task: Task) {
        match task {
            Task::Started { id, at } => {
                let state = State { phase: Phase::Running, started: at, ..State::default() };
                self.look_up(id, Phase::Running, state);
            }
            Task::Exited { id, code, at } => {
                let state = State {
                    phase: Phase::Exited,
                    finished: at,
                    code: Some(code),
                    ..State::default()
                };
                self.look_up(id, Phase::Exited, state);
            }
            Task::OutOfMemory { id } => {
                let state = State { oom: true, ..State::default() };
                let facts = Facts { state, ..Facts::default() };
                self.containers.change(|registry| registry.tell(Source::Containerd, &id, facts));
            }
            Task::Deleted { id } => self.deleted(&id),
        }
    }

    fn deleted(&self, id: &str) {
        let now = clock::now();
        let mut registry = self.containers.lock();
        registry.forget(Source::Cri, id, now);
        registry.forget(Source::Containerd, id, now);
    }

    /// Asks about a container beside what else happens, until it has come that far.
    fn look_up(&mut self, id: String, phase: Phase, event: State) {
        let lookup = Lookup {
            runtime: Arc::clone(&self.runtime),
            containers: self.containers.clone(),
            id,
            phase,
            event,
        };
        self.lookups.spawn(lookup.run());
    }
}

async fn next(events: &mut Option<Messages>) -> Result<Option<bytes::Bytes>, CallError> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}
