//! The daemons alone, each from a configuration file.

use std::path::Path;

use daemon::{
    admin::{self, Lifecycle, Readiness},
    metrics::Metrics,
    serve,
    stop::{OnHangup, Stop},
    telemetry,
};

use crate::{cli, config::Config, exit::Failure};

/// `tidewatch aggregator`
pub(crate) async fn aggregator(options: cli::Daemon) -> Result<(), Failure> {
    let config = Config::load(options.config.as_deref())?;
    let _telemetry = init("tidewatch-aggregator", &config)?;
    let settings = config.aggregator;
    settings.validate().map_err(usage)?;
    if settings.tokens.is_empty() {
        return Err(Failure::usage(
            "the aggregator has no tokens, so nobody could use it: add [[aggregator.tokens]]",
        ));
    }
    let listener = serve::bind(settings.listen).await.map_err(usage)?;
    let stop = signals(OnHangup::Reload)?;
    tracing::info!(address = %settings.listen, "listening");
    let host = aggregator::Host {
        metrics: Metrics::default(),
        readiness: Readiness::waiting("starting"),
        stop,
    };
    let path = options.config.clone();
    let reload: aggregator::Reload = Some(Box::new(move || match Config::load(path.as_deref()) {
        Ok(config) => Ok(config.aggregator),
        Err(failure) => Err(failure.to_string()),
    }));
    aggregator::run(settings, listener, host, reload).await.map_err(failed)
}

/// `tidewatch alerting`
pub(crate) async fn alerting(options: cli::Daemon) -> Result<(), Failure> {
    let config = Config::load(options.config.as_deref())?;
    let _telemetry = init("tidewatch-alerting", &config)?;
    let settings = config.alerting;
    settings.validate().map_err(usage)?;
    let (metrics, readiness, stop) =
        (Metrics::default(), Readiness::waiting("starting"), signals(OnHangup::Reload)?);
    let lifecycle = Lifecycle { reload: settings.allow_reload, quit: false };
    let router = admin::router(metrics.clone(), readiness.clone(), stop.clone(), lifecycle);
    let serving = serve(settings.listen, router, &stop).await?;
    let path = options.config.clone();
    let folder = path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    let reload: alerting::Reload = Some(Box::new(move || {
        let config = Config::load(path.as_deref()).map_err(|failure| failure.to_string())?;
        config.alerting.validate().map_err(|error| error.to_string())?;
        Ok(config.alerting)
    }));
    let rules = alerting::RuleSource { folder, reload };
    let result = alerting::run(&settings, rules, &metrics, &readiness, &stop).await.map_err(failed);
    stop.stop();
    serving.await.map_err(failed)?.map_err(failed)?;
    result
}

/// `tidewatch agent`
pub(crate) async fn agent(options: cli::Daemon) -> Result<(), Failure> {
    let config = Config::load(options.config.as_deref())?;
    let _telemetry = init("tidewatch-agent", &config)?;
    let settings = config.agent;
    let path = options.config.clone();
    let reload: agent::Reload = Some(Box::new(move || match Config::load(path.as_deref()) {
        Ok(config) => Ok(config.agent),
        Err(failure) => Err(failure.to_string()),
    }));
    agent::alone::run(&settings, reload)
        .await
        .map_err(|error| if error.is_of_use() { usage(error) } else { failed(error) })
}

/// Logs and traces for a daemon.
pub(crate) fn init(service: &'static str, config: &Config) -> Result<telemetry::Guard, Failure> {
    telemetry::init(service, &config.telemetry).map_err(usage)
}

/// Serves on a port of the daemon's own until `stop`.
async fn serve(
    listen: std::net::SocketAddr,
    router: serve::Router,
    stop: &Stop,
) -> Result<tokio::task::JoinHandle<std::io::Result<()>>, Failure> {
    let listener = serve::bind(listen).await.map_err(usage)?;
    let stop = stop.clone();
    Ok(tokio::spawn(async move { serve::run(listener, router, &stop).await }))
}

fn signals(hangup: OnHangup) -> Result<Stop, Failure> {
    let stop = Stop::default();
    stop.on_signals(hangup)
        .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    Ok(stop)
}

fn usage(error: impl std::error::Error) -> Failure {
    Failure::usage(telemetry::chain(&error))
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::failed(telemetry::chain(&error))
}
