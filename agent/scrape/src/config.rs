//! The section `[agent.scrape]`: jobs in Prometheus' terms.
//!
//! [`Settings`] is what the file says; [`Settings::jobs`] checks it, fills in the global values and
//! compiles the rules.

pub mod discovery;
pub mod http;
pub mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{
    relabel::RelabelRule,
    tenant::{InvalidTenant, TenantId},
};
use probe::guard::{InvalidNetwork, Network};
use relabel::{InvalidRule, Rule};
use serde::Deserialize;

use crate::protocol::{NameEscaping, NameValidation, Protocol};
use discovery::{
    DnsSettings, FileSettings, HttpDiscoverySettings, InvalidDiscovery, KubernetesSettings,
    StaticSettings,
};
use http::{HttpSettings, InvalidHttp, TlsSettings, with_http};
use values::{Size, Span};

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

/// Limits on one scrape; `None` is no limit. Beyond any of them the whole scrape fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub samples: Option<u64>,
    pub labels: Option<u64>,
    pub label_name_bytes: Option<u64>,
    pub label_value_bytes: Option<u64>,
    pub body_bytes: Option<u64>,
}

/// A job, checked and compiled.
#[derive(Clone, Debug)]
pub struct Job {
    pub settings: JobSettings,
    pub tenant: TenantId,
    pub interval: Duration,
    pub timeout: Duration,
    pub limits: Limits,
    pub target_limit: Option<u64>,
    pub keep_dropped_targets: Option<u64>,
    pub allowed: Vec<Network>,
    pub relabel: Vec<Rule>,
    pub metric_relabel: Vec<Rule>,
    pub http: HttpSettings,
    /// Formats to ask for, the best first.
    pub protocols: Vec<Protocol>,
    pub histograms: Histograms,
    pub names: NameValidation,
    pub escaping: NameEscaping,
}

/// Which histograms are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histograms {
    pub native: bool,
    /// Classic ones also where there is a native one.
    pub classic: bool,
    /// Classic ones as native ones with custom buckets.
    pub custom: bool,
}

impl Job {
    /// Whether nothing about the job differs.
    pub fn is_same(&self, other: &Self) -> bool {
        // The rest is made of the settings.
        self.settings == other.settings
            && self.tenant == other.tenant
            && (self.interval, self.timeout) == (other.interval, other.timeout)
            && self.limits == other.limits
            && self.target_limit == other.target_limit
            && self.keep_dropped_targets == other.keep_dropped_targets
            && self.protocols == other.protocols
            && self.histograms == other.histograms
            && (self.names, self.escaping) == (other.names, other.escaping)
    }

    /// Whether its targets are found in the same way.
    pub fn finds_the_same(&self, other: &Self) -> bool {
        let (own, other) = (&self.settings, &other.settings);
        own.job_name == other.job_name
            && own.allowed_networks == other.allowed_networks
            && own.static_configs == other.static_configs
            && own.file_sd_configs == other.file_sd_configs
            && own.dns_sd_configs == other.dns_sd_configs
            && own.http_sd_configs == other.http_sd_configs
            && own.kubernetes_sd_configs == other.kubernetes_sd_configs
    }

    /// The settings in force, global ones taken in, as JSON without secrets.
    pub fn shown(&self) -> String {
        let mut settings = self.settings.clone();
        settings.tenant = Some(self.tenant.to_string());
        settings.scrape_interval = Some(Span(self.interval));
        settings.scrape_timeout = Some(Span(self.timeout));
        settings.sample_limit = self.limits.samples;
        settings.label_limit = self.limits.labels;
        settings.label_name_length_limit = self.limits.label_name_bytes;
        settings.label_value_length_limit = self.limits.label_value_bytes;
        settings.body_size_limit = self.limits.body_bytes.map(Size);
        settings.target_limit = self.target_limit;
        settings.keep_dropped_targets = self.keep_dropped_targets;
        settings.scrape_protocols.clone_from(&self.protocols);
        settings.scrape_native_histograms = Some(self.histograms.native);
        settings.always_scrape_classic_histograms = Some(self.histograms.classic);
        settings.convert_classic_histograms_to_nhcb = Some(self.histograms.custom);
        settings.metric_name_validation_scheme = Some(self.names);
        settings.metric_name_escaping_scheme = Some(self.escaping);
        let mut json = serde_json::to_value(settings).unwrap_or_default();
        if let Some(fields) = json.as_object_mut() {
            fields.retain(|_name, value| {
                !value.is_null()
                    && value.as_array().is_none_or(|list| !list.is_empty())
                    && value.as_object().is_none_or(|map| !map.is_empty())
            });
        }
        serde_json::to_string_pretty(&json).unwrap_or_default()
    }
}

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

    fn compile(&self, settings: &JobSettings) -> Result<Job, Fault> {
        if settings.job_name.is_empty() {
            return Err(Fault::NoName);
        }
        let interval = settings.scrape_interval.unwrap_or(self.scrape_interval).0;
        if interval < INTERVAL_MIN {
            return Err(Fault::Interval);
        }
        // A global timeout gives way to a short interval; one of the job's own is a mistake then.
        let timeout =
            settings.scrape_timeout.map_or(self.scrape_timeout.0.min(interval), |own| own.0);
        if timeout.is_zero() || timeout > interval {
            return Err(Fault::Timeout);
        }
        if settings.scheme != "http" && settings.scheme != "https" {
            return Err(Fault::Scheme);
        }
        let http = settings.http();
        http.check()?;
        check_discovery(settings)?;
        let networks = settings.allowed_networks.iter().map(|text| text.parse::<Network>());
        Ok(Job {
            tenant: TenantId::new(settings.tenant.as_deref().unwrap_or(&self.tenant))?,
            interval,
            timeout,
            limits: self.limits(settings),
            target_limit: limit(settings.target_limit, self.target_limit),
            keep_dropped_targets: limit(settings.keep_dropped_targets, self.keep_dropped_targets),
            allowed: networks.collect::<Result<_, _>>()?,
            relabel: rules(&settings.relabel_configs)
                .map_err(|(number, source)| Fault::Relabel { number, source })?,
            metric_relabel: rules(&settings.metric_relabel_configs)
                .map_err(|(number, source)| Fault::MetricRelabel { number, source })?,
            http,
            protocols: self.protocols(settings)?,
            histograms: self.histograms(settings),
            names: settings
                .metric_name_validation_scheme
                .unwrap_or(self.metric_name_validation_scheme),
            escaping: self.escaping(settings)?,
            settings: settings.clone(),
        })
    }

    fn histograms(&self, job: &JobSettings) -> Histograms {
        let or = |own: Option<bool>, global| own.unwrap_or(global);
        Histograms {
            native: or(job.scrape_native_histograms, self.scrape_native_histograms),
            classic: or(
                job.always_scrape_classic_histograms,
                self.always_scrape_classic_histograms,
            ),
            custom: or(
                job.convert_classic_histograms_to_nhcb,
                self.convert_classic_histograms_to_nhcb,
            ),
        }
    }

    fn protocols(&self, job: &JobSettings) -> Result<Vec<Protocol>, Fault> {
        let given = [&job.scrape_protocols, &self.scrape_protocols];
        let Some(order) = given.into_iter().find(|order| !order.is_empty()) else {
            return Ok(Protocol::default_order(self.histograms(job).native));
        };
        let again = order
            .iter()
            .enumerate()
            .find(|(place, own)| order.iter().take(*place).any(|other| other == *own));
        again.map_or_else(|| Ok(order.clone()), |(_, own)| Err(Fault::ProtocolTwice(*own)))
    }

    /// Where names are those of old, targets have to escape others, by underscores if nothing is said.
    fn escaping(&self, job: &JobSettings) -> Result<NameEscaping, Fault> {
        let own = job.metric_name_validation_scheme;
        let is_legacy = own.unwrap_or(self.metric_name_validation_scheme) == NameValidation::Legacy;
        let default = if is_legacy { NameEscaping::Underscores } else { NameEscaping::AllowUtf8 };
        // A job that asks for other names than all the rest asks for other escaping as well.
        let global = self.metric_name_escaping_scheme.filter(|_| own.is_none());
        let chosen = job.metric_name_escaping_scheme.or(global).unwrap_or(default);
        if is_legacy && chosen == NameEscaping::AllowUtf8 {
            Err(Fault::Escaping)
        } else {
            Ok(chosen)
        }
    }

    fn limits(&self, job: &JobSettings) -> Limits {
        let body = job.body_size_limit.map(|size| size.0);
        Limits {
            samples: limit(job.sample_limit, self.sample_limit),
            labels: limit(job.label_limit, self.label_limit),
            label_name_bytes: limit(job.label_name_length_limit, self.label_name_length_limit),
            label_value_bytes: limit(job.label_value_length_limit, self.label_value_length_limit),
            body_bytes: limit(body, self.body_size_limit.0),
        }
    }
}

fn check_discovery(settings: &JobSettings) -> Result<(), InvalidDiscovery> {
    settings.file_sd_configs.iter().try_for_each(FileSettings::check)?;
    settings.dns_sd_configs.iter().try_for_each(DnsSettings::check)?;
    settings.http_sd_configs.iter().try_for_each(HttpDiscoverySettings::check)?;
    settings.kubernetes_sd_configs.iter().try_for_each(KubernetesSettings::check)
}

fn limit(own: Option<u64>, global: u64) -> Option<u64> {
    Some(own.unwrap_or(global)).filter(|limit| *limit > 0)
}

fn rules(settings: &[RelabelRule]) -> Result<Vec<Rule>, (usize, InvalidRule)> {
    let numbered = settings.iter().zip(1..);
    numbered.map(|(rule, number)| Rule::new(rule).map_err(|fault| (number, fault))).collect()
}

#[cfg(test)]
mod tests;
