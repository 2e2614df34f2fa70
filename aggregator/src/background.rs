//! What is done besides answering: the store's maintenance, and reloads.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use daemon::{clock, stop::Stop};
use tokio::{sync::watch, time::MissedTickBehavior};
use tsdb::store::Store;

use crate::{
    config::Settings,
    front::Front,
    notifications::{Condition, Notifications},
    state::State,
};

/// How often the store is asked whether there is something to do.
const MAINTENANCE: Duration = Duration::from_secs(1);

/// How often delta streams are looked through for those that are not heard of.
const DELTA_SWEEP: Duration = Duration::from_mins(1);

/// Says so once a stop has begun.
pub(crate) async fn tell_of_stop(front: Front) {
    front.stop.stopped().await;
    front.tell_of_stop();
}

/// Flushes, compacts and expires until `stop`, and says what keeps it from that.
pub(crate) async fn maintain(store: Store, notifications: Notifications, stop: Stop) {
    let mut ticks = tokio::time::interval(MAINTENANCE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.stopped() => return,
        }
        let maintained = store.clone();
        let done = tokio::task::spawn_blocking(move || maintained.maintain(clock::now())).await;
        notifications.set(Condition::DiskFull, store.is_full(), clock::now());
        match done {
            Ok(stats) => {
                let fails = !stats.errors.is_empty();
                notifications.set(Condition::MaintenanceFails, fails, clock::now());
                for error in &stats.errors {
                    tracing::warn!(error, "store maintenance will be tried again");
                }
                if stats.blocks_written > 0 {
                    tracing::info!(
                        blocks = stats.blocks_written,
                        samples = stats.flushed_samples,
                        "head written to disk"
                    );
                }
            }
            Err(error) => tracing::error!(%error, "store maintenance failed"),
        }
    }
}

/// Forgets delta streams that nothing was added to for long, until `stop`.
pub(crate) async fn forget_deltas(state: State, stop: Stop) {
    let Some(streams) = state.deltas.clone() else { return };
    let mut ticks = tokio::time::interval(DELTA_SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.stopped() => return,
        }
        let (streams, metrics) = (Arc::clone(&streams), state.metrics.deltas.clone());
        let swept = tokio::task::spawn_blocking(move || streams.sweep(clock::now(), &metrics));
        if let Err(error) = swept.await {
            tracing::error!(%error, "delta streams could not be swept");
        }
    }
}

/// Where a reload reads the settings from; `None` when there is nothing to read again.
pub type Reload = Option<Box<ReadSettings>>;

type ReadSettings = dyn Fn() -> Result<Settings, String> + Send + Sync;

/// Takes new tokens from the configuration at each reload. Other settings need a restart, and that
/// is said each time.
pub(crate) async fn reload(
    state: State,
    read: Reload,
    mut reloads: watch::Receiver<u64>,
    stop: Stop,
) {
    let read: Option<Arc<ReadSettings>> = read.map(Arc::from);
    loop {
        tokio::select! {
            changed = reloads.changed() => if changed.is_err() { return },
            () = stop.stopped() => return,
        }
        let number = *reloads.borrow_and_update();
        let result = match &read {
            None => Err("this process has no configuration to read again".to_owned()),
            Some(read) => take_anew(&state, read).await,
        };
        stop.finish_reload(number, result);
    }
}

/// Reads files, away from the async threads.
async fn take_anew(state: &State, read: &Arc<ReadSettings>) -> Result<(), String> {
    let (state, read) = (state.clone(), Arc::clone(read));
    let taken = tokio::task::spawn_blocking(move || take(&state, read()));
    taken.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// Takes over what was read, and says how that went.
fn take(state: &State, read: Result<Settings, String>) -> Result<(), String> {
    let tokens = read.and_then(|settings| settings.tokens().map_err(|error| error.to_string()));
    match tokens {
        Ok(tokens) => {
            state.replace_tokens(tokens);
            state.metrics.reload_succeeded.set(1);
            state.front.notifications.clear(Condition::ReloadFailed);
            tracing::info!("tokens reloaded; other settings take effect after a restart");
            Ok(())
        }
        Err(error) => {
            state.metrics.reload_succeeded.set(0);
            state.front.notifications.raise(Condition::ReloadFailed, clock::now());
            tracing::error!(error, "reload refused; the old configuration stays");
            Err(error)
        }
    }
}

/// The folders below the data directory.
pub(crate) fn store_dir(data: &Path) -> PathBuf {
    data.join("metrics")
}

pub(crate) fn timeline_dir(data: &Path) -> PathBuf {
    data.join("timeline")
}

pub(crate) fn snapshots_dir(data: &Path) -> PathBuf {
    data.join("snapshots")
}
