//! Puts queue, spool and senders together.

use std::thread::JoinHandle;

use spool::Options;

use super::{
    line::Line,
    queue::{Beginning, Queue},
    sender::Sender,
    spooler::{SpoolStartError, Spooler},
};
use crate::{
    config::{InvalidSettings, Settings},
    metrics::AgentMetrics,
};

/// Why nothing is pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushStartError {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("agent.spool: {0}")]
    Spool(#[from] SpoolStartError),
}

/// Everything that pushes.
pub(crate) struct Pushing {
    pub(crate) queue: Queue,
    /// One for each destination.
    pub(crate) senders: Vec<Sender>,
    /// Ends when the queue is closed.
    pub(crate) spooler: Option<JoinHandle<()>>,
}

/// Opens the spool, if there is to be one, and starts its thread.
pub(crate) fn start(
    settings: &Settings,
    metrics: &AgentMetrics,
) -> Result<Pushing, PushStartError> {
    let receivers = settings.receivers()?;
    let destinations: Vec<&str> = receivers.iter().map(|(name, _)| name.as_str()).collect();
    let dir = &settings.spool.dir;
    let spooler = if dir.as_os_str().is_empty() {
        None
    } else {
        let options = Options { bytes_max: settings.spool.size.0, ..Options::default() };
        Some(Spooler::open(dir, options, &destinations, metrics.clone())?)
    };
    let beginning = Beginning {
        destinations: destinations.iter().map(|name| (*name).to_owned()).collect(),
        taken: spooler.as_ref().map_or_else(|| vec![0; destinations.len()], Spooler::taken),
        next: spooler.as_ref().map_or(0, Spooler::next),
        spool: spooler.as_ref().map(Spooler::entrance),
    };
    let bytes = usize::try_from(settings.queue.0).unwrap_or(usize::MAX);
    let queue = Queue::new(bytes, beginning, metrics.clone());
    let reader = spooler.as_ref().map(Spooler::reader);
    let senders = receivers.into_iter().enumerate().map(|(destination, (_, receiver))| {
        let reader = reader.as_ref().map(spool::Reader::another);
        let line = Line::new(queue.clone(), destination, reader, metrics.clone());
        Sender::new(line, receiver, metrics.clone())
    });
    let senders = senders.collect::<Result<_, _>>()?;
    let spooler = spooler.map(|spooler| {
        let queue = queue.clone();
        std::thread::spawn(move || spooler.run(&queue))
    });
    Ok(Pushing { queue, senders, spooler })
}
