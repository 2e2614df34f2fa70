//! What every handler shares.

use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::FromRef;
use daemon::{metrics::Metrics, stop::Stop};
use model::{event::Event, time::Timestamp};
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
    api::answer::ApiError,
    commands::Commands,
    config::{Delta, Settings},
    front::Front,
    ingest::{Sessions, otlp::DeltaStreams},
    metrics::AggregatorMetrics,
    rulers::Rulers,
    targets::Reports,
    timeline::Timeline,
};

/// Shared by all handlers; a clone is the same.
#[derive(Clone)]
pub(crate) struct State(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// When it began to serve.
    pub(crate) started: Timestamp,
    pub(crate) front: Front,
    pub(crate) store: Store,
    /// What senders of frames have registered.
    pub(crate) sessions: Arc<Sessions>,
    /// Sums of deltas, where the configuration asks for them.
    pub(crate) deltas: Option<Arc<DeltaStreams>>,
    pub(crate) timeline: Timeline,
    pub(crate) commands: Commands,
    /// What agents say of the targets that they scrape.
    pub(crate) targets: Reports,
    pub(crate) rulers: Rulers,
    pub(crate) engine: Engine,
    pub(crate) metrics: AggregatorMetrics,
    pub(crate) stop: Stop,
    /// Of the process, for those who want the aggregator's own metrics by its API.
    pub(crate) own_metrics: Metrics,
    queries: Arc<Semaphore>,
    queries_of: PerCaller,
    writes: Arc<Semaphore>,
    writes_of: PerCaller,
}

/// Permits by the token's name. Names come from configuration, so their number is bounded.
pub(crate) struct PerCaller {
    limit: usize,
    permits: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl PerCaller {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, permits: Mutex::default() }
    }

    pub(crate) fn of(&self, caller: &Access) -> Arc<Semaphore> {
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

impl Deref for State {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRef<State> for Front {
    fn from_ref(state: &State) -> Self {
        state.front.clone()
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
        front: Front,
        store: Store,
        timeline: Timeline,
        metrics: AggregatorMetrics,
        own_metrics: Metrics,
    ) -> Self {
        let engine = Engine::new(promql::EngineOptions {
            lookback: settings.query.lookback.0,
            max_samples: settings.query.samples_max,
            parallelism: std::thread::available_parallelism().map_or(1, usize::from),
            ..promql::EngineOptions::default()
        });
        let queries = Arc::new(Semaphore::new(settings.query.concurrency));
        let queries_of = PerCaller::new(settings.query.concurrency_per_caller);
        let deltas = matches!(settings.otlp.delta, Delta::Cumulative)
            .then(|| Arc::new(DeltaStreams::new(&settings.otlp)));
        Self(Arc::new(Shared {
            settings,
            deltas,
            started: daemon::clock::now(),
            sessions: Arc::new(Sessions::new(store.clone())),
            store,
            timeline,
            commands: Commands::new(daemon::clock::now()),
            targets: Reports::default(),
            rulers: Rulers::default(),
            engine,
            metrics,
            own_metrics,
            stop: front.stop.clone(),
            front,
            queries,
            queries_of,
            writes: Arc::new(Semaphore::new(WRITES_MAX)),
            writes_of: PerCaller::new(WRITES_PER_CALLER_MAX),
        }))
    }

    pub(crate) fn replace_tokens(&self, tokens: Tokens) {
        self.front.replace_tokens(tokens);
        // Groups were registered by what tokens permitted then.
        self.sessions.clear();
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
