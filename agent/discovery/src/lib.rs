//! Finds what there is to scrape: in files, in the domain name system, from servers that list
//! targets, and in Kubernetes. What cannot be asked now keeps what it said before.

mod dns;
mod file;
mod http;
mod kubernetes;
mod poll;
#[cfg(test)]
mod testing;

use std::pin::Pin;

use daemon::stop::Stop;
use scrape::{
    config::Job,
    fetch::{FetchError, Reach},
    group::{Group, Update},
};
use tokio::sync::mpsc;

pub use kubernetes::owners::{OwnersError, follow_pods};

/// Why discovery cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    #[error("DNS: {0}")]
    Dns(String),
    #[error("http_sd_configs: {0:?} is no address")]
    Address(String),
    #[error("http_sd_configs: {0}")]
    Http(#[from] FetchError),
    #[error("kubernetes_sd_configs: {0}")]
    Kubernetes(String),
}

/// Targets in one answer or file; what goes beyond is dropped and logged.
const TARGETS_MAX: usize = scrape::config::TARGETS_MAX;

/// Where one source of a job sends what it found.
#[derive(Clone, Debug)]
struct Outlet {
    job: u64,
    source: String,
    updates: mpsc::Sender<Update>,
}

impl Outlet {
    /// Waits while too many updates wait. `false` when nobody listens any more.
    async fn send(&self, mut groups: Vec<Group>) -> bool {
        let mut room = TARGETS_MAX;
        let mut beyond = 0;
        for group in &mut groups {
            beyond += group.targets.len().saturating_sub(room);
            group.targets.truncate(room);
            room -= group.targets.len();
        }
        if beyond > 0 {
            tracing::warn!(
                source = self.source,
                beyond,
                "too many targets found; some are left out"
            );
        }
        groups.retain(|group| !group.targets.is_empty());
        let update = Update { job: self.job, source: self.source.clone(), groups };
        self.updates.send(update).await.is_ok()
    }
}

/// A source that has not begun. It sends what it finds until its `stop`, or until it is dropped.
pub type Idle = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes the sources of a job ready. Whatever can be wrong with them is found here: nothing is asked
/// yet.
pub async fn prepare(
    number: u64,
    job: &Job,
    updates: &mpsc::Sender<Update>,
    stop: &Stop,
) -> Result<Vec<Idle>, DiscoveryError> {
    let mut sources: Vec<Idle> = Vec::new();
    let outlet = |source: String| Outlet { job: number, source, updates: updates.clone() };
    let settings = &job.settings;
    let written: Vec<Group> = settings
        .static_configs
        .iter()
        .map(|group| Group::from_written(&group.targets, &group.labels))
        .collect();
    if !written.is_empty() {
        let outlet = outlet("static".to_owned());
        sources.push(Box::pin(async move {
            outlet.send(written).await;
        }));
    }
    for (index, file) in settings.file_sd_configs.iter().enumerate() {
        let watch = file::Files::new(file.clone(), outlet(format!("file/{index}")));
        sources.push(Box::pin(watch.run(stop.clone())));
    }
    for (index, dns) in settings.dns_sd_configs.iter().enumerate() {
        let resolver = dns::system()?;
        for name in &dns.names {
            let outlet = outlet(format!("dns/{index}/{name}"));
            let reach = Reach::new(&job.allowed);
            let lookups = dns::Lookups::new(resolver.clone(), dns, name, reach, outlet);
            sources.push(Box::pin(lookups.run(stop.clone())));
        }
    }
    for (index, server) in settings.http_sd_configs.iter().enumerate() {
        let asking = http::Server::new(server, outlet(format!("http/{index}")))?;
        sources.push(Box::pin(asking.run(stop.clone())));
    }
    for (index, cluster) in settings.kubernetes_sd_configs.iter().enumerate() {
        let client = kubernetes::client(cluster)
            .await
            .map_err(|error| DiscoveryError::Kubernetes(error.to_string()))?;
        for namespace in kubernetes::namespaces(cluster, client.default_namespace()) {
            let outlet = outlet(format!("kubernetes/{index}/{namespace}"));
            let watch = kubernetes::Watch::new(client.clone(), cluster, &namespace, outlet);
            sources.push(Box::pin(watch.run(stop.clone())));
        }
    }
    Ok(sources)
}
