//! The `[agent]` section of the configuration.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use daemon::config::values::{ByteSize, HumanDuration, Secret};
use model::tenant::{InvalidTenant, TenantId};
use reqwest::Url;
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
    /// How samples are sent to the aggregator.
    pub protocol: Protocol,
    /// Who else gets every sample, by a name of letters, digits, `-` and `_`.
    pub destinations: BTreeMap<String, Destination>,
    /// A token with the scope `agent`, or `file:` and a path.
    pub token: Secret,
    /// Where the admin endpoints listen when the agent runs alone.
    pub listen: SocketAddr,
    /// Serve `POST /-/reload` there.
    pub allow_reload: bool,
    /// How often everything is collected.
    pub interval: HumanDuration,
    /// Collected samples that wait for an aggregator that is away, in bytes of memory; beyond
    /// this the oldest are dropped and counted.
    pub queue: ByteSize,
    pub spool: SpoolSettings,
    pub cgroups: Cgroups,
    pub containers: Containers,
    pub sandboxes: Sandboxes,
    /// Collect the node's own load, memory, disks and network.
    pub node_metrics: bool,
    /// What apps expose themselves.
    pub scrape: scrape::config::Settings,
    /// How requests are counted.
    pub requests: access::config::RequestSettings,
    /// Where to hear of requests.
    pub access_logs: Vec<access::config::SourceSettings>,
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

/// A receiver of remote write, besides the aggregator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// Where it takes remote write, with the path.
    pub remote_write: String,
    /// A bearer token, or `file:` and a path; none when empty.
    #[serde(default = "no_secret")]
    pub token: Secret,
}

fn no_secret() -> Secret {
    Secret::new("")
}

/// Samples on disk until every destination has them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolSettings {
    /// Where; empty for no spool: what waits is in memory then, and a restart loses it.
    pub dir: PathBuf,
    /// At most so many bytes; beyond this the oldest are dropped and counted.
    pub size: ByteSize,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self { dir: PathBuf::new(), size: ByteSize(512 << 20) }
    }
}

/// Where one sender sends, and how.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) frames_url: Url,
    pub(crate) write_url: Url,
    /// Empty for none.
    pub(crate) token: String,
    pub(crate) protocol: Protocol,
}

/// The destination that [`Settings::aggregator`] is.
pub(crate) const AGGREGATOR: &str = "aggregator";

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

/// Which sandboxes of gVisor to watch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sandboxes {
    pub enabled: bool,
    /// Where `runsc` keeps its state files; those that do not exist yet are looked for.
    pub roots: Vec<PathBuf>,
    /// Collect the sandboxes' own metrics (`runsc_*`) where their version has them.
    pub metrics: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: String::new(),
            cluster: String::new(),
            region: String::new(),
            aggregator: "http://127.0.0.1:9400".to_owned(),
            protocol: Protocol::default(),
            destinations: BTreeMap::new(),
            token: Secret::new(""),
            listen: SocketAddr::from(([127, 0, 0, 1], 9402)),
            allow_reload: false,
            interval: HumanDuration(Duration::from_secs(1)),
            queue: ByteSize(64 << 20),
            spool: SpoolSettings::default(),
            cgroups: Cgroups::default(),
            containers: Containers::default(),
            sandboxes: Sandboxes::default(),
            node_metrics: true,
            scrape: scrape::config::Settings::default(),
            requests: access::config::RequestSettings::default(),
            access_logs: Vec::new(),
        }
    }
}

impl Default for Sandboxes {
    fn default() -> Self {
        let roots = [
            "/run/containerd/runsc/k8s.io",
            "/run/containerd/runsc",
            "/run/containerd/runc/k8s.io",
            "/var/run/docker/runtime-runc/moby",
        ];
        Self { enabled: true, roots: roots.map(PathBuf::from).to_vec(), metrics: true }
    }
}

/// Where to learn whose each container is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Containers {
    pub enabled: bool,
    /// Sockets of container runtimes that speak CRI; the first that answers is followed.
    pub sockets: Vec<PathBuf>,
    /// Which labels and annotations name tenant, app and component.
    pub owner: containers::mapping::Mapping,
    /// The API server, to know labels and annotations of pods better than the runtime does: as in
    /// a scrape job's `kubernetes_sd_configs`. Its `node` is this node where it says none.
    pub kubernetes: Option<scrape::config::discovery::KubernetesSettings>,
}

impl Default for Containers {
    fn default() -> Self {
        let sockets = ["/run/containerd/containerd.sock", "/run/crio/crio.sock"];
        Self {
            enabled: true,
            sockets: sockets.map(PathBuf::from).to_vec(),
            owner: containers::mapping::Mapping::default(),
            kubernetes: None,
        }
    }
}

impl Default for Cgroups {
    fn default() -> Self {
        Self { enabled: true, prefix: "/".to_owned(), tenant: "host".to_owned() }
    }
}

/// A smaller spool would be gone at the first hiccup.
const SPOOL_SIZE_MIN: u64 = 16 << 20;
/// The shortest interval: below this, collecting costs more than it tells.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// The settings contradict themselves or name what is not there.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    #[error("agent.interval must be at least {INTERVAL_MIN:?}")]
    Interval,
    #[error("agent.queue must be at least 1MiB")]
    Queue,
    #[error("agent.spool.size must be at least 16MiB")]
    Spool,
    #[error(
        "agent.destinations.{0}: a name is of letters, digits, '-' and '_', and not {AGGREGATOR:?}"
    )]
    DestinationName(String),
    #[error("agent.destinations.{name}.remote_write: {url:?} is not an http or https URL")]
    DestinationUrl { name: String, url: String },
    #[error("agent.destinations.{name}.token: {error}")]
    DestinationToken { name: String, error: String },
    #[error("agent.cgroups.prefix must begin with '/'")]
    Prefix,
    #[error("agent.sandboxes.roots: {0:?} is not an absolute path")]
    Root(PathBuf),
    #[error("agent.cgroups.tenant: {0}")]
    Tenant(#[from] InvalidTenant),
    #[error("agent.scrape: {0}")]
    Scrape(#[from] scrape::config::InvalidJob),
    #[error("agent.access_logs: {0}")]
    AccessLogs(#[from] access::config::InvalidSource),
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
        if let Some(root) = self.sandboxes.roots.iter().find(|root| !root.is_absolute()) {
            return Err(InvalidSettings::Root(root.clone()));
        }
        if self.spool.size.0 < SPOOL_SIZE_MIN {
            return Err(InvalidSettings::Spool);
        }
        self.tenant()?;
        self.receivers()?;
        self.scrape.jobs()?;
        access::config::validate(&self.access_logs)?;
        self.control().map(|_client| ())
    }

    pub(crate) fn tenant(&self) -> Result<TenantId, InvalidSettings> {
        Ok(TenantId::new(&self.cgroups.tenant)?)
    }

    pub(crate) fn token(&self) -> Result<String, InvalidSettings> {
        self.token.resolve().map_err(InvalidSettings::Token)
    }

    /// Everyone who gets the samples, with names.
    pub(crate) fn receivers(&self) -> Result<Vec<(String, Receiver)>, InvalidSettings> {
        let aggregator = Receiver {
            frames_url: self.aggregator_url(wire::frames::PATH)?,
            write_url: self.aggregator_url("/api/v1/write")?,
            token: self.token()?,
            protocol: self.protocol,
        };
        let mut receivers = vec![(AGGREGATOR.to_owned(), aggregator)];
        for (name, destination) in &self.destinations {
            receivers.push((name.clone(), destination.receiver(name)?));
        }
        Ok(receivers)
    }

    fn aggregator_url(&self, path: &str) -> Result<Url, InvalidSettings> {
        let address = &self.aggregator;
        let mut url = Url::parse(address)
            .map_err(|_error| daemon::control::ControlError::Address(address.clone()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/').filter(|part| !part.is_empty()));
        }
        Ok(url)
    }

    pub(crate) fn control(&self) -> Result<daemon::control::ControlClient, InvalidSettings> {
        Ok(daemon::control::ControlClient::new(&self.aggregator, self.token()?)?)
    }

    /// The node's name.
    pub fn node_name(&self) -> String {
        if self.node.is_empty() { host_name() } else { self.node.clone() }
    }
}

impl Destination {
    fn receiver(&self, name: &str) -> Result<Receiver, InvalidSettings> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name == AGGREGATOR || !name.chars().all(plain) {
            return Err(InvalidSettings::DestinationName(name.to_owned()));
        }
        let url = Url::parse(&self.remote_write).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            let url = self.remote_write.clone();
            return Err(InvalidSettings::DestinationUrl { name: name.to_owned(), url });
        };
        let token = self
            .token
            .resolve()
            .map_err(|error| InvalidSettings::DestinationToken { name: name.to_owned(), error })?;
        let protocol = Protocol::RemoteWrite;
        Ok(Receiver { frames_url: url.clone(), write_url: url, token, protocol })
    }
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests;
