//! Starts all sources.

use std::{collections::BTreeMap, io, path::PathBuf};

use daemon::{serve, stop::Stop};
use tokio::task::JoinHandle;

use crate::{
    config::{InvalidSource, Place, SourceSettings},
    counting::Counting,
    envoy,
    file::{self, Follower},
    kept::KeptFile,
    syslog::{self, Socket},
};

/// Why the sources were not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Invalid(#[from] InvalidSource),
    #[error("{name}: cannot listen on {place}: {source}")]
    Socket { name: String, place: String, source: io::Error },
    #[error("{name}: {source}")]
    Bind { name: String, source: serve::BindError },
}

/// Starts to hear of requests, until `stop`. `kept` says how far files were counted by an earlier
/// run whose totals `counting` goes on from. The tasks end after `stop`.
pub async fn start(
    settings: &[SourceSettings],
    counting: &Counting,
    mut kept: BTreeMap<String, KeptFile>,
    stop: &Stop,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let (mut tasks, mut files) = (Vec::new(), Vec::new());
    for source in settings {
        let (intake, name) = (counting.intake(source), || source.name.clone());
        let unheard = |place: String| {
            let name = name();
            |source| StartError::Socket { name, place, source }
        };
        match source.place()? {
            Place::File(path) => files.push((path, kept.remove(&source.name), intake)),
            Place::Socket { path, mode } => {
                let socket =
                    Socket::at(&path, mode).map_err(unheard(path.display().to_string()))?;
                tasks.push(tokio::spawn(syslog::receive(socket, intake, stop.clone())));
            }
            Place::Udp(address) => {
                let socket = Socket::on(address).await.map_err(unheard(address.to_string()))?;
                tasks.push(tokio::spawn(syslog::receive(socket, intake, stop.clone())));
            }
            Place::Envoy(address) => {
                let bound = serve::bind(address).await;
                let listener = bound.map_err(|source| StartError::Bind { name: name(), source })?;
                let router = envoy::router(intake, envoy::STREAMS_MAX, stop.clone());
                let until = stop.clone();
                tasks.push(tokio::spawn(async move {
                    if let Err(error) = serve::run(listener, router, &until).await {
                        tracing::error!(%error, "Envoy's access-log service failed");
                        until.stop();
                    }
                }));
            }
        }
    }
    if !files.is_empty() {
        tasks.push(tokio::spawn(follow(files, stop.clone())));
    }
    Ok(tasks)
}

async fn follow(files: Vec<(PathBuf, Option<KeptFile>, crate::intake::Intake)>, stop: Stop) {
    let found = tokio::task::spawn_blocking(move || {
        let found = files.into_iter().map(|(path, kept, intake)| {
            let follower = Follower::new(&path, kept.as_ref());
            intake.begin_file(follower.kept());
            (follower, intake)
        });
        found.collect()
    });
    match found.await {
        Ok(files) => file::follow(files, stop).await,
        Err(error) => {
            tracing::error!(%error, "finding access logs failed; the agent stops");
            stop.stop();
        }
    }
}
