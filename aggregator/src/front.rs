//! What answers from the first moment on: who may ask, how far the start is, and what to know now.

use std::{
    ops::Deref,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use daemon::stop::Stop;
use model::time::Timestamp;
use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use tenancy::{access::Access, token::Tokens};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tsdb::stats::{Phase, Progress};

use crate::{
    api::answer::ApiError,
    notifications::{Condition, Notifications},
    state::PerCaller,
};

/// Live streams that one caller may have open.
pub(crate) const STREAMS_PER_CALLER_MAX: usize = 100;

/// Shared by all handlers; a clone is the same.
#[derive(Clone)]
pub(crate) struct Front(Arc<Shared>);

pub(crate) struct Shared {
    /// Replaced whole on reload.
    tokens: RwLock<Arc<Tokens>>,
    tokens_replaced: watch::Sender<()>,
    streams_of: PerCaller,
    replay: watch::Sender<Replay>,
    /// When the configuration was last taken, in milliseconds.
    configured: AtomicI64,
    pub(crate) unauthorized: Counter,
    pub(crate) notifications: Notifications,
    pub(crate) stop: Stop,
}

/// How far the log is replayed, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Replay {
    min: u64,
    max: u64,
    current: u64,
    state: ReplayState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
enum ReplayState {
    #[default]
    #[serde(rename = "waiting")]
    Waiting,
    #[serde(rename = "in progress")]
    InProgress,
    #[serde(rename = "done")]
    Done,
}

impl Replay {
    /// The same without telling of how much.
    pub(crate) fn in_hundredths(self) -> Self {
        let share = u128::from(self.current) * 100 / u128::from(self.max.max(1));
        let max = if self.max > 0 { 100 } else { 0 };
        Self { max, current: u64::try_from(share).unwrap_or(max).min(max), ..self }
    }
}

impl Deref for Front {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Front {
    pub(crate) fn new(tokens: Tokens, stop: Stop) -> Self {
        Self(Arc::new(Shared {
            tokens: RwLock::new(Arc::new(tokens)),
            tokens_replaced: watch::Sender::new(()),
            streams_of: PerCaller::new(STREAMS_PER_CALLER_MAX),
            replay: watch::Sender::new(Replay::default()),
            configured: AtomicI64::new(daemon::clock::now().millis()),
            unauthorized: Counter::default(),
            notifications: Notifications::default(),
            stop,
        }))
    }

    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_tokens(&self, tokens: Tokens) {
        self.configured.store(daemon::clock::now().millis(), Ordering::Relaxed);
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tokens);
        self.tokens_replaced.send_replace(());
    }

    /// When the configuration was last taken.
    pub(crate) fn configured(&self) -> Timestamp {
        Timestamp(self.configured.load(Ordering::Relaxed))
    }

    /// Returns when a stream has to end: at a stop, and when tokens are replaced, because the
    /// caller's may be gone. Who still has one connects again.
    pub(crate) fn stream_end(&self) -> impl Future<Output = ()> + Send + use<> {
        let stop = self.stop.clone();
        let mut replaced = self.tokens_replaced.subscribe();
        async move {
            tokio::select! {
                () = stop.stopped() => {}
                _ = replaced.changed() => {}
            }
        }
    }

    /// Room for one live stream, given back when dropped.
    pub(crate) fn stream_permit(&self, caller: &Access) -> Result<OwnedSemaphorePermit, ApiError> {
        self.streams_of.of(caller).try_acquire_owned().map_err(|_full| {
            let message =
                format!("this token has {STREAMS_PER_CALLER_MAX} live streams open already");
            ApiError::TooManyRequests(message)
        })
    }

    /// Says that a stop has begun, if so.
    pub(crate) fn tell_of_stop(&self) {
        let stops = self.stop.is_stopping();
        self.notifications.set(Condition::ShuttingDown, stops, daemon::clock::now());
    }

    pub(crate) fn replay(&self) -> Replay {
        *self.replay.borrow()
    }

    /// Takes note of how far opening the store is.
    pub(crate) fn opening(&self, progress: &Progress) {
        if progress.phase == Phase::Wal {
            let (max, current) = (progress.total, progress.done.min(progress.total));
            let state = ReplayState::InProgress;
            self.replay.send_replace(Replay { min: 0, max, current, state });
        }
    }

    pub(crate) fn opened(&self) {
        self.replay.send_modify(|replay| {
            replay.current = replay.max;
            replay.state = ReplayState::Done;
        });
    }
}
