//! From settings to a serving aggregator, and back to a closed store.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use daemon::{
    admin::{self, Lifecycle, Readiness},
    metrics::Metrics,
    serve,
    stop::Stop,
};
use disk::{Disk, os::OsDisk};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;
use tsdb::{
    stats::{Phase, Progress},
    store::Store,
};

use crate::{
    api::{self, answer::ApiError},
    background::{self, Reload},
    config::{InvalidSettings, Settings},
    front::Front,
    metrics::AggregatorMetrics,
    notifications::Condition,
    state::State,
    timeline::{Timeline, TimelineError},
};

/// Why an aggregator did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("cannot open the metric store in {}", dir.display())]
    Store {
        dir: PathBuf,
        #[source]
        source: tsdb::outcome::OpenError,
    },
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    #[error("serving failed: {0}")]
    Serve(#[source] std::io::Error),
    #[error("a background task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// What the aggregator shares with whoever runs it.
#[derive(Clone, Debug)]
pub struct Host {
    pub metrics: Metrics,
    pub readiness: Readiness,
    pub stop: Stop,
}

/// Serves on `listener` until `host.stop`. The admin endpoints answer at once; the others say 503
/// until the store is open.
pub async fn run(
    settings: Settings,
    listener: TcpListener,
    host: Host,
    reload: Reload,
) -> Result<(), StartError> {
    run_on(Arc::new(OsDisk), settings, listener, host, reload).await
}

async fn run_on(
    disk: Arc<dyn Disk>,
    settings: Settings,
    listener: TcpListener,
    host: Host,
    reload: Reload,
) -> Result<(), StartError> {
    let tokens = settings.tokens()?;
    settings.validate()?;
    host.readiness.wait("opening the store");
    let opened: Arc<OnceLock<Router>> = Arc::default();
    let front = Front::new(tokens, host.stop.clone());
    front.notifications.raise(Condition::Starting, daemon::clock::now());
    let admin = admin::router(
        host.metrics.clone(),
        host.readiness.clone(),
        host.stop.clone(),
        Lifecycle { reload: settings.allow_reload, quit: settings.allow_quit },
    )
    .fallback({
        let opened = Arc::clone(&opened);
        move |request: Request| dispatch(Arc::clone(&opened), request)
    });
    let router = api::front(admin, front.clone()).layer(CompressionLayer::new());
    let serving = {
        let stop = host.stop.clone();
        tokio::spawn(async move { serve::run(listener, router, &stop).await })
    };
    // From before the store opens, so that a reload asked for meanwhile is not lost.
    let reload_requests = host.stop.reloads();
    let (store, timeline) = match open(disk, &settings, &host.readiness, &front).await {
        Ok(both) => both,
        Err(error) => {
            serving.abort();
            return Err(error);
        }
    };
    let metrics = AggregatorMetrics::register(
        &host.metrics,
        store.clone(),
        settings.metrics_tenants_max,
        front.unauthorized.clone(),
    );
    let state =
        State::new(settings, front.clone(), store.clone(), timeline, metrics, host.metrics.clone());
    if opened.set(api::router(state.clone())).is_err() {
        tracing::error!("the aggregator was opened twice");
    }
    host.readiness.ready();
    front.notifications.clear(Condition::Starting);
    let telling = tokio::spawn(background::tell_of_stop(front.clone()));
    let notifications = front.notifications.clone();
    let maintenance =
        tokio::spawn(background::maintain(store.clone(), notifications, host.stop.clone()));
    let deltas = tokio::spawn(background::forget_deltas(state.clone(), host.stop.clone()));
    let reloads =
        tokio::spawn(background::reload(state, reload, reload_requests, host.stop.clone()));
    serving.await?.map_err(StartError::Serve)?;
    telling.await?;
    maintenance.await?;
    reloads.await?;
    deltas.await?;
    tokio::task::spawn_blocking(move || store.close()).await?;
    Ok(())
}

async fn dispatch(opened: Arc<OnceLock<Router>>, request: Request) -> Response {
    match opened.get() {
        Some(router) => match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        None => {
            let error = ApiError::Unavailable("the store is still opening".to_owned());
            ([admin::STARTING], error).into_response()
        }
    }
}

/// Opens the store and the timeline, telling `/-/ready` how far that is.
async fn open(
    disk: Arc<dyn Disk>,
    settings: &Settings,
    readiness: &Readiness,
    front: &Front,
) -> Result<(Store, Timeline), StartError> {
    let settings = settings.clone();
    let readiness = readiness.clone();
    let front = front.clone();
    tokio::task::spawn_blocking(move || {
        let timeline =
            Timeline::open(Arc::clone(&disk), &background::timeline_dir(&settings.data_dir))?;
        let dir = background::store_dir(&settings.data_dir);
        let options = tsdb::options::Options {
            retention: settings.retention.0,
            limits: tsdb::limits::Limits {
                active_series: settings.limits.active_series,
                new_series_per_second: settings.limits.new_series_per_second,
                samples_per_second: settings.limits.samples_per_second,
                bytes_per_second: settings.limits.bytes_per_second,
                ..tsdb::limits::Limits::default()
            },
            tenants_max: settings.limits.tenants,
            ..tsdb::options::Options::default()
        };
        let progress = |progress: Progress| {
            readiness.wait(describe(&progress));
            front.opening(&progress);
        };
        let (store, stats) = Store::open(disk, &dir, options, &progress)
            .map_err(|source| StartError::Store { dir: dir.clone(), source })?;
        for problem in &stats.problems {
            tracing::error!(problem, "data lost");
        }
        let damaged = !stats.problems.is_empty();
        front.notifications.set(Condition::DataDamaged, damaged, daemon::clock::now());
        front.opened();
        tracing::info!(
            series = stats.series,
            samples = stats.samples,
            blocks = stats.blocks,
            dir = %dir.display(),
            "store opened"
        );
        Ok((store, timeline))
    })
    .await?
}

fn describe(progress: &Progress) -> String {
    let Progress { phase, done, total } = *progress;
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
    match phase {
        Phase::Blocks => format!("opening blocks: {percent} % ({done} of {total})"),
        Phase::Wal => {
            format!("replaying log: {percent} % ({} of {} MiB)", done >> 20, total >> 20)
        }
    }
}

#[cfg(test)]
mod tests;
