//! The agent's probes: who is probed, what was found since the last tick, and what is news.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use model::{event::Target, write::WriteBatch};
use probe::{
    guard::{AllowList, Guard, Network},
    prober::{Address, Assignment, Config, Measurement, Prober, ProberError, Report},
    series,
    spec::Spec,
};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;

use crate::{metrics::AgentMetrics, outbox::Outbox, sources::NodeLabels};

/// Measurements kept between two ticks; further ones are dropped and counted.
const MEASUREMENTS_MAX: usize = 100_000;

/// A probe of something that listens on this machine.
#[derive(Clone, Debug)]
pub struct LocalProbe {
    pub target: Target,
    pub spec: Spec,
}

/// The running probes. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Probes {
    prober: Prober,
    found: Arc<Mutex<Vec<Measurement>>>,
}

impl Probes {
    /// Starts the prober. Only this machine's own loopback addresses may be probed.
    pub(crate) fn start(outbox: Outbox, metrics: &AgentMetrics) -> Self {
        let mut allowed = AllowList::default();
        if let Some(loopback) = Network::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8) {
            allowed.allow_everyone(loopback);
        }
        let guard: Arc<dyn Guard> = Arc::new(allowed);
        let (prober, reports) =
            Prober::spawn(Config::default(), guard, Arc::new(daemon::clock::now));
        let found = Arc::default();
        let dropped = metrics.samples_dropped.clone();
        tokio::spawn(receive(reports, Arc::clone(&found), outbox, dropped));
        Self { prober, found }
    }

    pub(crate) async fn assign(&self, probe: LocalProbe, run: u64) -> Result<(), ProberError> {
        let address = Address::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let LocalProbe { target, spec } = probe;
        self.prober.assign(Assignment { target, address, spec, run, failing: false }).await
    }

    /// The target was started anew.
    pub(crate) fn new_run(&self, target: &Target, run: u64) {
        let prober = self.prober.clone();
        let target = target.clone();
        tokio::spawn(async move {
            if let Err(error) = prober.new_run(target, run).await {
                tracing::error!(%error, "the prober was not told of a restart");
            }
        });
    }

    /// Appends what was found since the last call.
    pub(crate) fn write(&self, labels: &NodeLabels, batch: &mut WriteBatch) {
        let found = std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner));
        let pairs = labels.pairs();
        let extra: Vec<(&str, &str)> =
            pairs.iter().filter(|(name, _)| *name != "node").copied().collect();
        let mut own = WriteBatch::default();
        for measurement in &found {
            if let Err(error) = series::write(measurement, &extra, &mut own) {
                tracing::error!(%error, probe = ?measurement.id, "probe result not written");
            }
            batch.append_labelled(&own, "tenant", measurement.id.target.tenant.as_str());
            own.clear();
        }
    }
}

async fn receive(
    mut reports: mpsc::Receiver<Report>,
    found: Arc<Mutex<Vec<Measurement>>>,
    outbox: Outbox,
    dropped: Counter,
) {
    while let Some(report) = reports.recv().await {
        match report {
            Report::Changed(event) => outbox.push(*event),
            Report::Measured(measurement) => {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                if found.len() < MEASUREMENTS_MAX {
                    found.push(*measurement);
                } else {
                    dropped.inc();
                }
            }
        }
    }
}
