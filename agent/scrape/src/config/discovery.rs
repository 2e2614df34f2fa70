//! Where a job's targets come from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    http::{InvalidHttp, TlsSettings, with_http},
    values::Span,
};

/// Targets written down in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StaticSettings {
    /// `host` or `host:port`.
    pub targets: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// Targets in files, which are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSettings {
    /// Paths that end in `.json`, `.yml` or `.yaml`; the last part may hold `*`.
    pub files: Vec<String>,
    pub refresh_interval: Span,
}

/// Targets in the domain name system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DnsSettings {
    pub names: Vec<String>,
    pub refresh_interval: Span,
    #[serde(rename = "type")]
    pub kind: RecordKind,
    /// Of A and AAAA records, which say none.
    pub port: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordKind {
    A,
    #[serde(rename = "AAAA")]
    Aaaa,
    #[default]
    #[serde(rename = "SRV")]
    Srv,
}

with_http! {
    /// Targets that a server lists as JSON.
    pub struct HttpDiscoverySettings {
        #[serde(serialize_with = "without_user")]
        pub url: String,
        pub refresh_interval: Span,
    }
}

/// Pods of a Kubernetes cluster. Who asks and how is known inside of a pod; elsewhere the server's
/// address and a file in kubeconfig form say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesSettings {
    pub role: Role,
    /// The API server, asked without credentials; for a proxy that adds them.
    pub api_server: String,
    pub kubeconfig_file: String,
    /// Only these namespaces; all when empty.
    pub namespaces: Namespaces,
    /// Only pods of this node: an agent on each node watches its own pods.
    pub node: String,
    /// Selectors as `kubectl` takes them.
    pub label_selector: String,
    pub field_selector: String,
    /// The same as Prometheus writes them; all have to hold.
    pub selectors: Vec<Selector>,
    /// What else to say of each pod.
    pub attach_metadata: AttachMetadata,
}

/// Which objects of a role to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    pub role: Role,
    pub label: String,
    pub field: String,
}

/// Labels of other objects on targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttachMetadata {
    /// Labels and annotations of the pod's node; a pod whose node is not found is no target.
    pub node: bool,
    /// Labels and annotations of the pod's namespace.
    pub namespace: bool,
    /// The name of the job that runs the pod.
    pub job: bool,
}

/// What in the cluster is a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    #[default]
    Pod,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Namespaces {
    /// The one that the agent itself runs in.
    pub own_namespace: bool,
    pub names: Vec<String>,
}

/// A password may stand in an address.
fn without_user<S: serde::Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let hidden = reqwest::Url::parse(url).ok().filter(|url| url.password().is_some());
    let hidden = hidden.and_then(|mut url| url.set_password(Some("xxxxx")).ok().map(|()| url));
    serializer.serialize_str(hidden.as_ref().map_or(url, reqwest::Url::as_str))
}

impl Default for FileSettings {
    fn default() -> Self {
        Self { files: Vec::new(), refresh_interval: Span::seconds(5) }
    }
}

impl Default for DnsSettings {
    fn default() -> Self {
        let (names, kind) = (Vec::new(), RecordKind::default());
        Self { names, refresh_interval: Span::seconds(30), kind, port: 0 }
    }
}

impl Default for HttpDiscoverySettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            refresh_interval: Span::seconds(60),
            basic_auth: None,
            authorization: None,
            bearer_token: None,
            bearer_token_file: String::new(),
            http_headers: BTreeMap::new(),
            tls_config: TlsSettings::default(),
            follow_redirects: true,
        }
    }
}

/// Why discovery cannot work as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDiscovery {
    #[error("file_sd_configs: {0:?} does not end in .json, .yml or .yaml")]
    Extension(String),
    #[error("file_sd_configs: {0:?} has a '*' before its last part")]
    Wildcard(String),
    #[error("dns_sd_configs: no names")]
    NoNames,
    #[error("dns_sd_configs: A and AAAA records need a port")]
    NoPort,
    #[error("http_sd_configs: {0:?} is no address that begins with http:// or https://")]
    Url(String),
    #[error("http_sd_configs: {0}")]
    Http(#[from] InvalidHttp),
    #[error("kubernetes_sd_configs: give api_server or kubeconfig_file, not both")]
    TwoServers,
    #[error("kubernetes_sd_configs: selectors has role pod twice")]
    TwoSelectors,
    #[error("refresh_interval must be at least 1s")]
    Refresh,
}

impl FileSettings {
    pub(crate) fn check(&self) -> Result<(), InvalidDiscovery> {
        for file in &self.files {
            let known = [".json", ".yml", ".yaml"].iter().any(|end| file.ends_with(end));
            if !known {
                return Err(InvalidDiscovery::Extension(file.clone()));
            }
            if file.rsplit_once('/').is_some_and(|(folder, _)| folder.contains('*')) {
                return Err(InvalidDiscovery::Wildcard(file.clone()));
            }
        }
        refresh(self.refresh_interval)
    }
}

impl DnsSettings {
    pub(crate) fn check(&self) -> Result<(), InvalidDiscovery> {
        if self.names.is_empty() {
            return Err(InvalidDiscovery::NoNames);
        }
        if self.kind != RecordKind::Srv && self.port == 0 {
            return Err(InvalidDiscovery::NoPort);
        }
        refresh(self.refresh_interval)
    }
}

impl HttpDiscoverySettings {
    pub(crate) fn check(&self) -> Result<(), InvalidDiscovery> {
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            return Err(InvalidDiscovery::Url(self.url.clone()));
        }
        self.http().check()?;
        refresh(self.refresh_interval)
    }
}

impl KubernetesSettings {
    pub(crate) fn check(&self) -> Result<(), InvalidDiscovery> {
        if self.selectors.len() > 1 {
            return Err(InvalidDiscovery::TwoSelectors);
        }
        if self.api_server.is_empty() || self.kubeconfig_file.is_empty() {
            Ok(())
        } else {
            Err(InvalidDiscovery::TwoServers)
        }
    }
}

fn refresh(interval: Span) -> Result<(), InvalidDiscovery> {
    if interval < Span::seconds(1) { Err(InvalidDiscovery::Refresh) } else { Ok(()) }
}
