//! The `[agent]` section of the configuration.

use std::{net::SocketAddr, time::Duration};

use daemon::config::values::{ByteSize, HumanDuration, Secret};
use model::tenant::{InvalidTenant, TenantId};
use serde::Deserialize;

/// Everything that an agent can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// This node's name; the host's name when empty.
    pub node: String,
    /// Labels that every series carries where they are not empty.
    pub cluster: String,
    pub region: String,
    /// The aggregator's address.
    pub aggregator: String,
    /// How samples are sent.
    pub protocol: Protocol,
    /// A token with the scope `agent`, or `file:` and a path.
    pub token: Secret,
    /// Where the admin endpoints listen when the agent runs alone.
    pub listen: SocketAddr,
    /// How often everything is collected.
    pub interval: HumanDuration,
    /// Collected samples that wait for an aggregator that is away, in bytes of memory; beyond
    /// this the oldest are dropped and counted.
    pub queue: ByteSize,
    pub cgroups: Cgroups,
    /// Collect the node's own load, memory, disks and network.
    pub node_metrics: bool,
    /// What apps expose themselves.
    pub scrape: scrape::config::Settings,
}

/// How samples are sent to the aggregator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Frames, and remote write to a receiver that does not know them.
    #[default]
    Auto,
    /// Frames only: samples wait until a receiver knows them.
    Frames,
    /// Remote write only, which any receiver of Prometheus' samples knows.
    RemoteWrite,
}

/// Which cgroups of the host to watch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cgroups {
    pub enabled: bool,
    /// Groups at and below this path.
    pub prefix: String,
    /// The tenant of what nothing says the tenant of.
    pub tenant: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: String::new(),
            cluster: String::new(),
            region: String::new(),
            aggregator: "http://127.0.0.1:9400".to_owned(),
            protocol: Protocol::default(),
            token: Secret::new(""),
            listen: SocketAddr::from(([127, 0, 0, 1], 9402)),
            interval: HumanDuration(Duration::from_secs(1)),
            queue: ByteSize(64 << 20),
            cgroups: Cgroups::default(),
            node_metrics: true,
            scrape: scrape::config::Settings::default(),
        }
    }
}

impl Default for Cgroups {
    fn default() -> Self {
        Self { enabled: true, prefix: "/".to_owned(), tenant: "host".to_owned() }
    }
}

/// The shortest interval: below this, collecting costs more than it tells.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// The settings contradict themselves or name what is not there.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    #[error("agent.interval must be at least {INTERVAL_MIN:?}")]
    Interval,
    #[error("agent.queue must be at least 1MiB")]
    Queue,
    #[error("agent.cgroups.prefix must begin with '/'")]
    Prefix,
    #[error("agent.cgroups.tenant: {0}")]
    Tenant(#[from] InvalidTenant),
    #[error("agent.scrape: {0}")]
    Scrape(#[from] scrape::config::InvalidJob),
    #[error("agent.token: {0}")]
    Token(String),
    #[error("agent.aggregator: {0}")]
    Aggregator(#[from] daemon::control::ControlError),
}

impl Settings {
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        if self.interval.0 < INTERVAL_MIN {
            return Err(InvalidSettings::Interval);
        }
        if self.queue.0 < 1 << 20 {
            return Err(InvalidSettings::Queue);
        }
        if !self.cgroups.prefix.starts_with('/') {
            return Err(InvalidSettings::Prefix);
        }
        self.tenant()?;
        self.scrape.jobs()?;
        self.control().map(|_client| ())
    }

    pub(crate) fn tenant(&self) -> Result<TenantId, InvalidSettings> {
        Ok(TenantId::new(&self.cgroups.tenant)?)
    }

    pub(crate) fn token(&self) -> Result<String, InvalidSettings> {
        self.token.resolve().map_err(InvalidSettings::Token)
    }

    pub(crate) fn control(&self) -> Result<daemon::control::ControlClient, InvalidSettings> {
        Ok(daemon::control::ControlClient::new(&self.aggregator, self.token()?)?)
    }

    /// The node's name.
    pub fn node_name(&self) -> String {
        if self.node.is_empty() { host_name() } else { self.node.clone() }
    }
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests;
