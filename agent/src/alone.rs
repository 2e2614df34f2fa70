//! The agent in a process of its own: its port, its signals, and what it tells a service manager.

use daemon::{
    admin::{self, Lifecycle, Readiness},
    metrics::Metrics,
    serve,
    stop::{OnHangup, Stop},
};

use crate::{
    agent::{Agent, StartError, Workload},
    config::{InvalidSettings, Settings},
    notify::Notify,
    scraping::Reload,
};

/// Why an agent alone does not run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error(transparent)]
    Bind(#[from] serve::BindError),
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("serving failed")]
    Serve(#[source] std::io::Error),
}

impl RunError {
    /// Whether it was asked for wrongly, or for what cannot be had: a setting, a taken port.
    pub fn is_of_use(&self) -> bool {
        matches!(self, Self::Settings(_) | Self::Bind(_))
    }
}

/// Runs until a signal says otherwise. SIGHUP reads the settings again through `reload`.
pub async fn run(settings: &Settings, reload: Reload) -> Result<(), RunError> {
    settings.validate()?;
    let (metrics, readiness, stop) =
        (Metrics::default(), Readiness::waiting("starting"), Stop::default());
    stop.on_signals(OnHangup::Reload).map_err(RunError::Signals)?;
    let notify = Notify::from_environment();
    let workload = Workload { reload, notify: notify.clone(), ..Workload::default() };
    let lifecycle = Lifecycle { reload: settings.allow_reload, quit: false };
    let router = admin::router(metrics.clone(), readiness.clone(), stop.clone(), lifecycle)
        .merge(crate::targets::router(workload.targets.clone()));
    let listener = serve::bind(settings.listen).await?;
    let serving = {
        let stop = stop.clone();
        tokio::spawn(async move { serve::run(listener, router, &stop).await })
    };
    let agent = Agent::start(settings, workload, &metrics, &stop).await?;
    readiness.ready();
    notify.ready();
    stop.stopped().await;
    notify.stopping();
    agent.stopped().await;
    match serving.await {
        Ok(served) => served.map_err(RunError::Serve),
        Err(error) => Err(RunError::Serve(std::io::Error::other(error))),
    }
}
