//! The section `[agent.scrape]`: jobs in Prometheus' terms.
//!
//! [`Settings`] is what the file says; [`Settings::jobs`] checks it, fills in the global values and
//! compiles the rules.

pub mod discovery;
pub mod http;
mod job;
pub mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{relabel::RelabelRule, tenant::InvalidTenant};
use probe::guard::InvalidNetwork;
use relabel::InvalidRule;
use serde::Deserialize;

use crate::protocol::{NameEscaping, NameValidation, Protocol};
use discovery::{
    DnsSettings, FileSettings, HttpDiscoverySettings, InvalidDiscovery, KubernetesSettings,
    StaticSettings,
};
use http::{InvalidHttp, TlsSettings, with_http};
use values::{Size, Span};

pub use job::{Histograms, Job, Limits};

/// What is scraped, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The tenant of jobs that name none.
    pub tenant: String,
    pub scrape_interval: Span,
    pub scrape_timeout: Span,
    /// Limits of jobs that set none; 0 is no limit. `sample_limit` and `body_size_limit` are
    /// [`SAMPLES`] and [`BODY_BYTES`] when not set.
    pub sample_limit: u64,
    pub label_limit: u64,
    pub label_name_length_limit: u64,
    pub label_value_length_limit: u64,
    pub target_limit: u64,
    pub keep_dropped_targets: u64,
    pub body_size_limit: Size,
    /// What jobs do that do not say.
    pub scrape_protocols: Vec<Protocol>,
    pub scrape_native_histograms: bool,
    pub always_scrape_classic_histograms: bool,
    pub convert_classic_histograms_to_nhcb: bool,
    pub metric_name_validation_scheme: NameValidation,
    pub metric_name_escaping_scheme: Option<NameEscaping>,
    /// Scrapes that run at the same time, from the question until the samples are handed on; further
    /// ones wait.
    pub concurrency: usize,
    pub scrape_configs: Vec<JobSettings>,
}

/// Samples that a target may expose unless the file says otherwise.
pub const SAMPLES: u64 = 50_000;
/// Largest body, decompressed, unless the file says otherwise. With [`Settings::concurrency`]
/// it bounds what hostile targets can make an agent hold.
pub const BODY_BYTES: u64 = 16 << 20;
/// Bodies are never larger than this, whatever a job allows: they are held in memory whole.
pub const BODY_BYTES_MAX: u64 = 256 << 20;
/// Targets of one job, whatever it allows.
pub const TARGETS_MAX: usize = 50_000;
const CONCURRENCY: usize = 64;

impl Default for Settings {
    fn default() -> Self {
        Self {
            tenant: "host".to_owned(),
            scrape_interval: Span::seconds(60),
            scrape_timeout: Span::seconds(10),
            sample_limit: SAMPLES,
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            target_limit: 0,
            keep_dropped_targets: 0,
            body_size_limit: Size(BODY_BYTES),
            scrape_protocols: Vec::new(),
            scrape_native_histograms: false,
            always_scrape_classic_histograms: false,
            convert_classic_histograms_to_nhcb: false,
            metric_name_validation_scheme: NameValidation::default(),
            metric_name_escaping_scheme: None,
            concurrency: CONCURRENCY,
            scrape_configs: Vec::new(),
        }
    }
}

with_http! {
    /// One job, in the terms of Prometheus' `scrape_config`.
    pub struct JobSettings {
        pub job_name: String,
        /// Whose series these are. A target's label `__tenant__` goes before; what a target itself
        /// says never counts.
        pub tenant: Option<String>,
        pub scrape_interval: Option<Span>,
        pub scrape_timeout: Option<Span>,
        pub metrics_path: String,
        pub scheme: String,
        pub params: BTreeMap<String, Vec<String>>,
        pub honor_labels: bool,
        pub honor_timestamps: bool,
        pub track_timestamps_staleness: bool,
        pub enable_compression: bool,
        /// Formats to ask for, the best first; the default order when empty.
        pub scrape_protocols: Vec<Protocol>,
        /// How to read an answer that does not say what it is.
        pub fallback_scrape_protocol: Option<Protocol>,
        /// Ask for the protobuf format first, and take native histograms from it.
        pub scrape_native_histograms: Option<bool>,
        /// Take classic buckets also where there is a native histogram.
        pub always_scrape_classic_histograms: Option<bool>,
        /// Make native histograms with custom buckets of classic ones.
        pub convert_classic_histograms_to_nhcb: Option<bool>,
        /// Which names are valid: any, or those of old. A scrape with others fails.
        pub metric_name_validation_scheme: Option<NameValidation>,
        /// What targets are asked to do with names that are not those of old.
        pub metric_name_escaping_scheme: Option<NameEscaping>,
        pub sample_limit: Option<u64>,
        pub label_limit: Option<u64>,
        pub label_name_length_limit: Option<u64>,
        pub label_value_length_limit: Option<u64>,
        pub target_limit: Option<u64>,
        /// Dropped targets to remember, to be shown.
        pub keep_dropped_targets: Option<u64>,
        pub body_size_limit: Option<Size>,
        /// Networks where targets may be. When empty: anywhere but at link-local addresses, where
        /// clouds keep their metadata services; and at loopback addresses only those whose address
        /// is one or is `localhost`, not what another name resolves to.
        pub allowed_networks: Vec<String>,
        pub relabel_configs: Vec<RelabelRule>,
        pub metric_relabel_configs: Vec<RelabelRule>,
        pub static_configs: Vec<StaticSettings>,
        pub file_sd_configs: Vec<FileSettings>,
        pub dns_sd_configs: Vec<DnsSettings>,
        pub http_sd_configs: Vec<HttpDiscoverySettings>,
        pub kubernetes_sd_configs: Vec<KubernetesSettings>,
    }
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            job_name: String::new(),
            tenant: None,
            scrape_interval: None,
            scrape_timeout: None,
            metrics_path: "/metrics".to_owned(),
            scheme: "http".to_owned(),
            params: BTreeMap::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            enable_compression: true,
            scrape_protocols: Vec::new(),
            fallback_scrape_protocol: None,
            scrape_native_histograms: None,
            always_scrape_classic_histograms: None,
            convert_classic_histograms_to_nhcb: None,
            metric_name_validation_scheme: None,
            metric_name_escaping_scheme: None,
            sample_limit: None,
            label_limit: None,
            label_name_length_limit: None,
            label_value_length_limit: None,
            target_limit: None,
            keep_dropped_targets: None,
            body_size_limit: None,
            allowed_networks: Vec::new(),
            relabel_configs: Vec::new(),
            metric_relabel_configs: Vec::new(),
            static_configs: Vec::new(),
            file_sd_configs: Vec::new(),
            dns_sd_configs: Vec::new(),
            http_sd_configs: Vec::new(),
            kubernetes_sd_configs: Vec::new(),
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

/// A job that cannot be run. `job` is its name or, where it has none, its number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {job}: {fault}")]
pub struct InvalidJob {
    pub job: String,
    pub fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("job_name is empty")]
    NoName,
    #[error("another job has the same name")]
    SameName,
    #[error("scrape_interval must be at least {INTERVAL_MIN:?}")]
    Interval,
    #[error("scrape_timeout must be above zero and at most scrape_interval")]
    Timeout,
    #[error("scheme must be http or https")]
    Scheme,
    #[error("scrape_protocols names {0:?} twice")]
    ProtocolTwice(Protocol),
    #[error(
        "metric_name_escaping_scheme cannot be allow-utf-8 where metric_name_validation_scheme is legacy"
    )]
    Escaping,
    #[error("tenant: {0}")]
    Tenant(#[from] InvalidTenant),
    #[error("allowed_networks: {0}")]
    Network(#[from] InvalidNetwork),
    #[error("relabel_configs, rule {number}: {source}")]
    Relabel { number: usize, source: InvalidRule },
    #[error("metric_relabel_configs, rule {number}: {source}")]
    MetricRelabel { number: usize, source: InvalidRule },
    #[error(transparent)]
    Http(#[from] InvalidHttp),
    #[error(transparent)]
    Discovery(#[from] InvalidDiscovery),
}

/// The shortest interval.
pub const INTERVAL_MIN: Duration = Duration::from_millis(100);

impl Settings {
    /// Checks everything and compiles the jobs.
    pub fn jobs(&self) -> Result<Vec<Job>, InvalidJob> {
        let mut names = BTreeSet::new();
        let jobs = self.scrape_configs.iter().zip(1..).map(|(settings, number)| {
            let name = &settings.job_name;
            let job = if name.is_empty() { format!("#{number}") } else { name.clone() };
            let compiled = if !name.is_empty() && !names.insert(name) {
                Err(Fault::SameName)
            } else {
                self.compile(settings)
            };
            compiled.map_err(|fault| InvalidJob { job, fault })
        });
        jobs.collect()
    }
}

#[cfg(test)]
mod tests;
