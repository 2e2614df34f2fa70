//! What every handler shares.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use daemon::stop::Stop;
use model::event::Event;
use promql::Engine;
use tenancy::{
    access::{Access, Tenants},
    token::Tokens,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tsdb::{
    store::Store,
    view::{TenantSet, View},
};

use crate::{
    api::answer::ApiError, commands::Commands, config::Settings, metrics::AggregatorMetrics,
    timeline::Timeline,
};

/// Shared by all handlers; a clone is the same.
#[derive(Clone)]
pub(crate) struct State(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// Replaced whole on reload.
    tokens: RwLock<Arc<Tokens>>,
    pub(crate) store: Store,
    pub(crate) timeline: Timeline,
    pub(crate) commands: Commands,
    pub(crate) engine: Engine,
    pub(crate) metrics: AggregatorMetrics,
    pub(crate) stop: Stop,
    queries: Arc<Semaphore>,
    queries_of: PerCaller,
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

/// Live streams that one caller may have open.
pub(crate) const STREAMS_PER_CALLER_MAX: usize = 100;

impl Deref for State {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Room to evaluate one query, given back when dropped.
#[derive(Debug)]
pub(crate) struct QueryPermit {
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
            tokens: RwLock::new(Arc::new(tokens)),
            store,
            timeline,
            commands: Commands::new(daemon::clock::now()),
            engine,
            metrics,
            stop,
            queries,
            queries_of,
            streams_of: PerCaller::new(STREAMS_PER_CALLER_MAX),
        }))
    }

    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_tokens(&self, tokens: Tokens) {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tokens);
    }

    /// What a caller can query: its own tenants and nothing else.
    pub(crate) fn view(&self, access: &Access) -> View {
        self.store.view(match &access.tenants {
            Tenants::One(tenant) => TenantSet::One(tenant.clone()),
            Tenants::Some(tenants) => TenantSet::Many(tenants.clone()),
            Tenants::All => TenantSet::All,
        })
    }

    /// Waits for room to evaluate a query. A caller waits for its own queries first, so that many
    /// queries of one do not fill the line that all stand in.
    pub(crate) async fn query_permit(&self, caller: &Access) -> Result<QueryPermit, ApiError> {
        let closed = |_closed| ApiError::Unavailable("the aggregator is stopping".to_owned());
        let of_caller = self.queries_of.of(caller).acquire_owned().await.map_err(closed)?;
        let of_all = Arc::clone(&self.queries).acquire_owned().await.map_err(closed)?;
        Ok(QueryPermit { _of_caller: of_caller, _of_all: of_all })
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
