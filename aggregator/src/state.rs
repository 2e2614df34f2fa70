//! What every handler shares.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use daemon::stop::Stop;
use model::{event::Event, time::Timestamp};
use promql::Engine;
use tenancy::{
    access::{Access, Tenants},
    token::Tokens,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tsdb::{
    store::Store,
    view::{TenantSet, View},
};

use crate::{
    api::answer::ApiError, commands::Commands, config::Settings, ingest::Sessions,
    metrics::AggregatorMetrics, timeline::Timeline,
};

/// Shared by all handlers; a clone is the same.
#[derive(Clone)]
pub(crate) struct State(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// When it began to serve.
    pub(crate) started: Timestamp,
    /// Replaced whole on reload.
    tokens: RwLock<Arc<Tokens>>,
    tokens_replaced: watch::Sender<()>,
    pub(crate) store: Store,
    /// What senders of frames have registered.
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) timeline: Timeline,
    pub(crate) commands: Commands,
    pub(crate) engine: Engine,
    pub(crate) metrics: AggregatorMetrics,
    pub(crate) stop: Stop,
    queries: Arc<Semaphore>,
    queries_of: PerCaller,
    writes: Arc<Semaphore>,
    writes_of: PerCaller,
    streams_of: PerCaller,
}

/// Permits by the token's name. Names come from configuration, so their number is bounded.
struct PerCaller {
    limit: usize,
    permits: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl PerCaller {
    fn new(limit: usize) -> Self {
        Self { limit, permits: Mutex::default() }
    }

    fn of(&self, caller: &Access) -> Arc<Semaphore> {
        let mut all = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        let own =
            all.entry(caller.name.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.limit)));
        Arc::clone(own)
    }
}

async fn acquire(
    of_caller: &PerCaller,
    of_all: &Arc<Semaphore>,
    caller: &Access,
) -> Result<Permit, ApiError> {
    let closed = |_closed| ApiError::Unavailable("the aggregator is stopping".to_owned());
    let of_caller = of_caller.of(caller).acquire_owned().await.map_err(closed)?;
    let of_all = Arc::clone(of_all).acquire_owned().await.map_err(closed)?;
    Ok(Permit { _of_caller: of_caller, _of_all: of_all })
}

/// Writes decoded at once, over all callers and for one; a decoded body can be large.
const WRITES_MAX: usize = 32;
const WRITES_PER_CALLER_MAX: usize = 8;
/// Live streams that one caller may have open.
pub(crate) const STREAMS_PER_CALLER_MAX: usize = 100;

impl Deref for State {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Room for one query or one write, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _of_caller: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl State {
    pub(crate) fn new(
        settings: Settings,
        tokens: Tokens,
        store: Store,
        timeline: Timeline,
        metrics: AggregatorMetrics,
        stop: Stop,
    ) -> Self {
        let engine = Engine::new(promql::EngineOptions {
            lookback: settings.query.lookback.0,
            max_samples: settings.query.samples_max,
            parallelism: std::thread::available_parallelism().map_or(1, usize::from),
            ..promql::EngineOptions::default()
        });
        let queries = Arc::new(Semaphore::new(settings.query.concurrency));
        let queries_of = PerCaller::new(settings.query.concurrency_per_caller);
        Self(Arc::new(Shared {
            settings,
            started: daemon::clock::now(),
            tokens: RwLock::new(Arc::new(tokens)),
            sessions: Arc::new(Sessions::new(store.clone())),
            store,
            timeline,
            commands: Commands::new(daemon::clock::now()),
            engine,
            metrics,
            stop,
            queries,
            queries_of,
            writes: Arc::new(Semaphore::new(WRITES_MAX)),
            writes_of: PerCaller::new(WRITES_PER_CALLER_MAX),
            tokens_replaced: watch::Sender::new(()),
            streams_of: PerCaller::new(STREAMS_PER_CALLER_MAX),
        }))
    }

    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_tokens(&self, tokens: Tokens) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tokens);
        // Groups were registered by what tokens permitted then.
        self.sessions.clear();
        self.tokens_replaced.send_replace(());
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

    /// What a caller can query: its own tenants and nothing else.
    pub(crate) fn view(&self, access: &Access) -> View {
        self.store.view(Self::tenants(access))
    }

    /// The tenants that a caller sees.
    pub(crate) fn tenants(access: &Access) -> TenantSet {
        match &access.tenants {
            Tenants::One(tenant) => TenantSet::One(tenant.clone()),
            Tenants::Some(tenants) => TenantSet::Many(tenants.clone()),
            Tenants::All => TenantSet::All,
        }
    }

    /// Waits for room to evaluate a query. A caller waits for its own queries first, so that many
    /// queries of one do not fill the line that all stand in.
    pub(crate) async fn query_permit(&self, caller: &Access) -> Result<Permit, ApiError> {
        acquire(&self.queries_of, &self.queries, caller).await
    }

    /// Waits for room to take a write, in the same two lines.
    pub(crate) async fn write_permit(&self, caller: &Access) -> Result<Permit, ApiError> {
        acquire(&self.writes_of, &self.writes, caller).await
    }

    /// Room for one live stream, given back when dropped.
    pub(crate) fn stream_permit(&self, caller: &Access) -> Result<OwnedSemaphorePermit, ApiError> {
        self.streams_of.of(caller).try_acquire_owned().map_err(|_full| {
            let message =
                format!("this token has {STREAMS_PER_CALLER_MAX} live streams open already");
            ApiError::TooManyRequests(message)
        })
    }

    /// Makes events durable and visible.
    pub(crate) async fn append_events(&self, events: Vec<Event>) -> Result<Vec<Event>, ApiError> {
        let timeline = self.timeline.clone();
        let count = events.len() as u64;
        let stored = tokio::task::spawn_blocking(move || timeline.append(events))
            .await
            .map_err(|error| ApiError::Internal(error.to_string()))?
            .map_err(|error| ApiError::Unavailable(daemon::telemetry::chain(&error)))?;
        self.metrics.events.inc_by(count);
        Ok(stored)
    }
}
